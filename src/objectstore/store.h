/* SPDX-License-Identifier: Apache-2.0 */
/* What a back end of the object store does; see objectstore.h for what each function means. Keys
 * are valid already. */
#pragma once
#include "objectstore/objectstore.h"

typedef struct ObjectStoreOperations {
    void (*close)(ObjectStore *store);
    bool (*check)(ObjectStore *store, Error *error);
    bool (*put_fd)(ObjectStore *store,
                   const char *object_key,
                   int fd,
                   const atomic_bool *abort,
                   ObjectFacts *facts_out,
                   Error *error);
    bool (*fetch)(ObjectStore *store,
                  const char *object_key,
                  const ObjectTarget *target,
                  ObjectFacts *facts_out,
                  Error *error);
    bool (*size)(ObjectStore *store, const char *object_key, int64_t *size_bytes_out, Error *error);
    bool (*holds)(
        ObjectStore *store, const char *object_key, int fd, bool *holds_out, Error *error);
    bool (*remove)(ObjectStore *store, const char *object_key, Error *error);
    bool (*remove_prefix)(ObjectStore *store, const char *prefix, Error *error);
    bool (*list)(ObjectStore *store,
                 const char *folder,
                 const char *cursor,
                 ObjectNames *names_out,
                 Error *error);
    bool (*sweep_uploads)(ObjectStore *store, int64_t before_us, Error *error);
} ObjectStoreOperations;

/* The first member of each back end's own struct. */
struct ObjectStore {
    const ObjectStoreOperations *operations;
};
