/* SPDX-License-Identifier: Apache-2.0 */
/* The names in one opened folder, in order. */
#pragma once
#include <dirent.h>

#include "objectstore/objectstore.h"

/* Those behind `after` in byte order, at most OBJECT_NAMES_MAX; hidden ones are left out. */
void names_read(DIR *folder, const char *after, ObjectNames *names_out);
