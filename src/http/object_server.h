/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The local object store over HTTP: GET, HEAD and PUT under signed URLs, on a port and on threads
 * of its own, so that an upload of many GB delays no API call. The signature is all that counts; an
 * Authorization header is not looked at.
 */
#pragma once
#include "base/clock.h"
#include "objectstore/objectstore.h"
#include "objectstore/sign.h"

typedef struct ObjectServerOptions {
    const char *address;
    unsigned port;
    const Clock *clock;
    const UrlSigner *signer;
    ObjectStore *store;
    int64_t upload_bytes_max;
} ObjectServerOptions;

typedef struct ObjectServer ObjectServer;

/* The options are copied, what they point to is borrowed. */
MUST_CHECK bool
object_server_start(const ObjectServerOptions *options, ObjectServer **server_out, Error *error);
void object_server_stop(ObjectServer *server);
