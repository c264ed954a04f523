/* SPDX-License-Identifier: Apache-2.0 */
/* What both back ends have in common: keys are checked, and the rest is theirs. */
#include "objectstore/store.h"

static bool check_key(const char *object_key, Error *error)
{
    if (!object_key_valid(text_of(object_key))) {
        return error_set(error, ERROR_INVALID, "the object's key is not valid");
    }
    return true;
}

void objectstore_close(ObjectStore *store)
{
    if (store != NULL) {
        store->operations->close(store);
    }
}

bool objectstore_check(ObjectStore *store, Error *error)
{
    return store->operations->check(store, error);
}

bool objectstore_put_fd(ObjectStore *store,
                        const char *object_key,
                        int fd,
                        const atomic_bool *abort,
                        ObjectFacts *facts_out,
                        Error *error)
{
    return check_key(object_key, error) &&
           store->operations->put_fd(store, object_key, fd, abort, facts_out, error);
}

bool objectstore_fetch(ObjectStore *store,
                       const char *object_key,
                       const ObjectTarget *target,
                       ObjectFacts *facts_out,
                       Error *error)
{
    return check_key(object_key, error) &&
           store->operations->fetch(store, object_key, target, facts_out, error);
}

bool objectstore_size(ObjectStore *store,
                      const char *object_key,
                      int64_t *size_bytes_out,
                      Error *error)
{
    return check_key(object_key, error) &&
           store->operations->size(store, object_key, size_bytes_out, error);
}

bool objectstore_holds(
    ObjectStore *store, const char *object_key, int fd, bool *holds_out, Error *error)
{
    return check_key(object_key, error) &&
           store->operations->holds(store, object_key, fd, holds_out, error);
}

bool objectstore_remove(ObjectStore *store, const char *object_key, Error *error)
{
    return check_key(object_key, error) && store->operations->remove(store, object_key, error);
}

bool objectstore_remove_prefix(ObjectStore *store, const char *prefix, Error *error)
{
    return check_key(prefix, error) && store->operations->remove_prefix(store, prefix, error);
}

bool objectstore_list(ObjectStore *store,
                      const char *folder,
                      const char *cursor,
                      ObjectNames *names_out,
                      Error *error)
{
    *names_out = (ObjectNames){.names = NULL};
    return check_key(folder, error) &&
           store->operations->list(store, folder, cursor, names_out, error);
}

bool objectstore_sweep_uploads(ObjectStore *store, int64_t before_us, Error *error)
{
    return store->operations->sweep_uploads(store, before_us, error);
}
