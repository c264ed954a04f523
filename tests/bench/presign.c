/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Presigns download URLs of a bucket, as the server does for a list of items, and prints how many a
 * core makes in a second of its time.
 *
 * usage: presign SECONDS
 */
#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "objectstore/s3_bucket.h"

enum { EXIT_USAGE = 2, SIGNED_AT = 1767225600, URLS_A_LOOK = 1000, SECONDS_MAX = 60 };

static double processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void sign_some(const S3Bucket *bucket, long first)
{
    AUTO_BUFFER url;
    buffer_init(&url, SIGNED_URL_BYTES_MAX);
    for (long i = first; i < first + URLS_A_LOOK; i++) {
        AUTO_FREE char *key =
            alloc_format("artifacts/01890a5d-ac96-774b-bcce-b302099a8057/"
                         "01890a5d-ac96-774b-bcce-b302099a8058/"
                         "01890a5d-ac96-774b-bcce-%012lx/tissue_qc_geojson_polygons",
                         i);
        const UrlGrant grant = {.method = URL_GET,
                                .object_key = key,
                                .expires_at_seconds = SIGNED_AT + 5400,
                                .file_name = "tissue_qc_geojson_polygons.json",
                                .signed_at_seconds = SIGNED_AT};
        buffer_reset(&url);
        s3_url_sign(bucket, &grant, &url);
    }
}

int main(int argument_count, char **arguments)
{
    int64_t seconds = 0;
    if (argument_count != 2 || !parse_int64(text_of(arguments[1]), 1, SECONDS_MAX, &seconds)) {
        fputs("usage: presign SECONDS\n", stderr);
        return EXIT_USAGE;
    }
    const S3Options options = {.endpoint = "https://s3.example.org",
                               .region = "eu-central-1",
                               .bucket = "slides",
                               .prefix = "hospital",
                               .access_key_id = "AKIDOFTHEBENCH",
                               .secret_access_key = "a-secret-access-key-of-forty-characters."};
    S3Bucket *bucket = NULL;
    Error error = {0};
    if (!s3_bucket_open(&options, &bucket, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    double begun = processor_seconds();
    long count = 0;
    double used = 0;
    while (used < (double)seconds) {
        sign_some(bucket, count);
        count += URLS_A_LOOK;
        used = processor_seconds() - begun;
    }
    s3_bucket_close(bucket);
    printf("%.0f\n", (double)count / used);
    return 0;
}
