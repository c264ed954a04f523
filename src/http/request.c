/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups in a decoded request; see request.h. */
#include "http/request.h"

Text request_query_at(const Request *request, const char *name, size_t index)
{
    for (size_t i = 0; i < request->query_count; i++) {
        if (text_is(request->query[i].name, name) && index-- == 0) {
            return request->query[i].value;
        }
    }
    return (Text){NULL, 0};
}

Text request_query(const Request *request, const char *name)
{
    return request_query_at(request, name, 0);
}
