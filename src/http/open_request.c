/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of connections; see open_request.h. */
#include "http/open_request.h"

#include "base/alloc.h"

typedef struct OpenRequest {
    void *request;
} OpenRequest;

void *open_request_notify(void **place, enum MHD_ConnectionNotificationCode what)
{
    OpenRequest *open = *place;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        *place = ALLOC_NEW(OpenRequest);
        return NULL;
    }
    void *request = open == NULL ? NULL : open->request;
    alloc_free(open);
    *place = NULL;
    return request;
}

void open_request_set(struct MHD_Connection *connection, void *request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    OpenRequest *open = info == NULL ? NULL : info->socket_context;
    if (open != NULL) {
        open->request = request;
    }
}
