/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request that a connection has open. libmicrohttpd says that each request began, but not that
 * one ended that it refused itself, as one with more parameters than its memory holds. Such a
 * request ends with its connection.
 */
#pragma once
#include <microhttpd.h>

/* Of MHD_OPTION_NOTIFY_CONNECTION: makes room when the connection starts. When it is closed, gives
 * back the request that did not end, for its owner to end; NULL: there is none. */
void *open_request_notify(void **place, enum MHD_ConnectionNotificationCode what);
/* The request that begins; NULL: it ended. */
void open_request_set(struct MHD_Connection *connection, void *request);
