/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storing a file in a bucket. The store checks each body that it takes by its checksum. A file of
 * more than one part is a multipart upload: one that was interrupted goes on with the parts that
 * the store has and that are those of the file.
 */
#pragma once
#include "objectstore/objectstore.h"
#include "objectstore/s3_client.h"

enum { S3_PART_BYTES = 16 * 1024 * 1024, S3_PARTS_MAX = 10000 };

/* A regular file, from `offset` to its end. */
MUST_CHECK bool s3_put(S3Client *client,
                       const char *object_key,
                       const FilePart *file,
                       const atomic_bool *abort,
                       ObjectFacts *facts_out,
                       Error *error);

/* Whether the store has the file under the key. It is asked for its checksum; when it tells none
 * that can be compared, the object is read. */
MUST_CHECK bool s3_holds(
    S3Client *client, const char *object_key, const FilePart *file, bool *holds_out, Error *error);
