/* SPDX-License-Identifier: Apache-2.0 */
/* Writing pages; see pages.h. */
#include "identity/pages.h"

#include "base/markup.h"
#include "identity/form.h"

#define STYLE                                                                                      \
    "body{font:1rem/1.5 sans-serif;max-width:26rem;margin:4rem auto;padding:0 1rem;"               \
    "color:#1d2733;background:#fff}label{display:block;margin:1rem 0 .2rem}"                       \
    "input{box-sizing:border-box;width:100%;padding:.5rem;font:inherit}"                           \
    "button{margin:1.5rem .5rem 0 0;padding:.5rem 1.2rem;font:inherit}"                            \
    "[role=alert]{color:#9b1c1c}"
/* SHA-256 of STYLE; a test computes it anew. */
#define STYLE_HASH "sha256-DSs/nB2Itdv5HbfB8NuercG0jOOcrT6oKOPhWVfGVYg="

static void element(Buffer *out, const char *opening, const char *text, const char *closing)
{
    buffer_string(out, opening);
    markup_escape(out, text_of(text));
    buffer_string(out, closing);
}

/* Browsers hold the redirect that follows upon a form against form-action too. */
static const char *policy(Request *request, const char *redirect_origin)
{
    return arena_format(&request->arena,
                        "default-src 'none'; style-src '" STYLE_HASH "'; base-uri 'none'; "
                        "frame-ancestors 'none'; form-action 'self'%s%s",
                        redirect_origin == NULL ? "" : " ",
                        redirect_origin == NULL ? "" : redirect_origin);
}

static void begin(Response *response, int status, const char *page_policy, const char *heading)
{
    Buffer *out = &response->body;
    buffer_reset(out);
    response->status = status;
    response->content_type = "text/html; charset=utf-8";
    response->page_policy = page_policy;
    response->no_store = true;
    buffer_string(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                       "<meta name=\"viewport\" content=\"width=device-width\">");
    element(out, "<title>", heading, " – Slideway</title><style>" STYLE "</style></head>\n<body>");
    element(out, "<h1>", heading, "</h1>\n");
}

void page_message(
    Request *request, Response *response, int status, const char *heading, const char *text)
{
    begin(response, status, policy(request, NULL), heading);
    element(&response->body, "<p>", text, "</p>\n</body></html>\n");
}

void page_form_begin(Request *request, Response *response, int status, const PageForm *form)
{
    Buffer *out = &response->body;
    Text secret = session_secret(request);
    if (secret.length == 0) {
        secret = session_renew(request, response);
    }
    begin(response, status, policy(request, form->redirect_origin), form->heading);
    element(out, "<p>", form->text, "</p>\n");
    if (form->problem != NULL) {
        element(out, "<p role=\"alert\">", form->problem, "</p>\n");
    }
    element(out, "<form method=\"post\" action=\"", form->action, "\">\n");
    page_hidden(response, "csrf", text_of(csrf_token(request, secret)));
}

void page_hidden(Response *response, const char *name, Text value)
{
    Buffer *out = &response->body;
    element(out, "<input type=\"hidden\" name=\"", name, "\" value=\"");
    markup_escape(out, value);
    buffer_string(out, "\">\n");
}

void page_input(
    Response *response, const char *name, const char *type, const char *label, Text value)
{
    Buffer *out = &response->body;
    element(out, "<label for=\"", name, "\">");
    element(out, "", label, "</label>");
    element(out, "<input required id=\"", name, "\" name=\"");
    element(out, "", name, "\" type=\"");
    element(out, "", type, "\" value=\"");
    markup_escape(out, value);
    buffer_string(out, "\">\n");
}

void page_button(Response *response, const char *name, const char *value, const char *label)
{
    Buffer *out = &response->body;
    element(out, "<button name=\"", name, "\" value=\"");
    element(out, "", value, "\">");
    element(out, "", label, "</button>\n");
}

void page_form_end(Response *response)
{
    buffer_string(&response->body, "</form>\n</body></html>\n");
}

void page_form_refuse(Request *request, Response *response)
{
    page_message(request, response, 403, "This form cannot be used",
                 "It was not made for this browser, or is too old. Go back to where you began.");
}

bool page_form_read(Request *request, Response *response)
{
    if (form_read(request) && csrf_fits(request)) {
        return true;
    }
    page_form_refuse(request, response);
    return false;
}
