/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole files to and from signed URLs. No token goes along, and an error never names the query of
 * the URL: whoever reads the signature may use it.
 */
#pragma once
#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"
#include "objectstore/checksum.h"

/* Told now and then how far a transfer is; `total_bytes` is 0 when it is not known. */
typedef struct TransferWatch {
    void (*progress)(void *context, int64_t done_bytes, int64_t total_bytes);
    void *context;
} TransferWatch;

/* PUTs the file; `watch` may be NULL. */
MUST_CHECK bool
transfer_upload(const char *path, const char *url, const TransferWatch *watch, Error *error);

typedef struct Received {
    int64_t size_bytes;
    char checksum[CRC32C_TEXT_BYTES];
} Received;

/* GETs into the file from its start. ERROR_LIMIT: it cannot be written, its disk may be full. */
MUST_CHECK bool transfer_download(const char *url, int fd, Received *received_out, Error *error);

static inline void cleanup_curl(CURL **curl)
{
    curl_easy_cleanup(*curl);
}
#define AUTO_CURL CLEANUP(cleanup_curl) CURL

/* An address of this machine is reached directly, whatever proxy the environment names. */
void transfer_go_direct(CURL *curl, const char *url);
