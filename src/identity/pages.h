/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pages of the embedded issuer: HTML without scripts, under a policy that allows none. Values
 * are escaped here.
 */
#pragma once
#include "http/endpoint.h"

/* A page with a heading and a text. */
void page_message(
    Request *request, Response *response, int status, const char *heading, const char *text);

/* A form by POST. `action` is a path of ours. */
typedef struct PageForm {
    const char *heading;
    const char *text;
    const char *action;
    const char *problem;         /* NULL: none */
    const char *redirect_origin; /* where sending it may lead in the end; NULL: nowhere else */
} PageForm;

/* Starts the page; the session's cookie is made when there is none. Fields and buttons follow. */
void page_form_begin(Request *request, Response *response, int status, const PageForm *form);
void page_hidden(Response *response, const char *name, Text value);
/* `type`: "text" or "password"; `value` may be empty. */
void page_input(
    Response *response, const char *name, const char *type, const char *label, Text value);
/* A button that sends name=value. */
void page_button(Response *response, const char *name, const char *value, const char *label);
void page_form_end(Response *response);

/* Reads what such a form sent (form_read); false: it was not made for this browser, and the page
 * that is answered says so. */
MUST_CHECK bool page_form_read(Request *request, Response *response);
/* The same answer for a form that no page of ours has made. */
void page_form_refuse(Request *request, Response *response);
