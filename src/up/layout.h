/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data folder of `slideway up` and the paths in it. PostgreSQL and the sandboxed applications
 * run as users of their own, who may not be able to enter the folders above the data folder, and a
 * socket's path may have only 107 bytes. So each path that such a user needs is used as it stands
 * when it is short and open to all; else it is mounted on a short path, in a mount namespace that
 * only up and its children see.
 */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

#include "base/attributes.h"
#include "base/error.h"

typedef struct Layout {
    char *data; /* absolute, without links */
    char *objects;
    char *secrets;
    char *run;
    char *log;
    char *cluster;      /* the cluster as up sees it */
    char *cluster_used; /* the cluster as PostgreSQL's user sees it */
    char *scratch_used; /* the scratch folder as a sandbox's user sees it */
    char *short_folder; /* /run/slideway/<hash>, or /tmp/slideway-<uid>-<hash> */
    char *socket;       /* folder of PostgreSQL's socket */
    uid_t database_uid; /* who PostgreSQL runs as */
    gid_t database_gid;
} Layout;

void layout_clear(Layout *layout);
#define AUTO_LAYOUT CLEANUP(layout_clear) Layout

/* Makes the data folder and what is in it. ERROR_FORBIDDEN or ERROR_LIMIT: it cannot be written. */
MUST_CHECK bool layout_create(const char *data, Layout *layout_out, Error *error);
/* Makes the cluster's, the scratch and the socket folder reachable for those who need them. */
MUST_CHECK bool layout_open_paths(Layout *layout, Error *error);
/* As layout_open_paths does for the scratch folder, for any folder: *used_out is AUTO_FREE. */
MUST_CHECK bool layout_reach(
    const Layout *layout, const char *path, const char *name, char **used_out, Error *error);
/* Removes the short folder; the socket in it is gone by then. */
void layout_remove_short(const Layout *layout);
