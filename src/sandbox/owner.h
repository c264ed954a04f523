/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owner of a folder, as the sandbox sees it: a mount that shows what its owner has as the
 * sandbox's user's own, so that an application can be read whatever the modes of its files are.
 */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

/* Binds the folder to the target in that way. False: the file system or the kernel cannot do it,
 * and nothing is mounted. */
bool owner_bind(int folder_fd, const char *target, uid_t shown_as);
