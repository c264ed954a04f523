/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The local object store over HTTP: GET, HEAD and PUT under signed URLs, on a port and on threads
 * of its own, so that an upload of many GB delays no API call. The signature is all that counts; an
 * Authorization header is not looked at. Beside it on the port there may be another protocol.
 */
#pragma once
#include <microhttpd.h>

#include "base/clock.h"
#include "objectstore/objectstore.h"
#include "objectstore/sign.h"

/* Another protocol on the same port, for everything that is not below /objects/. Its functions are
 * called as libmicrohttpd calls, on the thread of the connection, which may wait. */
typedef struct ObjectProtocol {
    void *context; /* NULL: there is no other protocol */
    /* A request with this target: what the next functions get. */
    void *(*begin)(void *context, struct MHD_Connection *connection, const char *target);
    /* For each header, before serve is called for the first time. */
    enum MHD_Result (*add_header)(void *exchange,
                                  enum MHD_ValueKind kind,
                                  const char *name,
                                  const char *value);
    enum MHD_Result (*serve)(void *exchange, const char *method, const char *bytes, size_t *length);
    void (*end)(void *exchange, bool complete);
    /* The daemon is about to end and waits for all calls: none may take long any more. */
    void (*stop)(void *context);
} ObjectProtocol;

typedef struct ObjectServerOptions {
    const char *address;
    unsigned port;
    const Clock *clock;
    const UrlSigner *signer;
    ObjectStore *store;
    int64_t upload_bytes_max;
    ObjectProtocol other;
} ObjectServerOptions;

typedef struct ObjectServer ObjectServer;

/* The options are copied, what they point to is borrowed. */
MUST_CHECK bool
object_server_start(const ObjectServerOptions *options, ObjectServer **server_out, Error *error);
void object_server_stop(ObjectServer *server);

/* The Content-Security-Policy of an object of this media type; NULL: none. Behind a proxy objects
 * may have the API's own origin, so a browser that shows one must not run what stands in it. */
const char *object_policy(const char *media_type);

/* The value of the label `method` of METRIC_OBJECT_REQUESTS. */
size_t object_method(const char *name);
