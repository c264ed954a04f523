/* SPDX-License-Identifier: Apache-2.0 */
/* Where the other programs and the bundled applications are: beside this one. */
#pragma once
#include <stdbool.h>

#include "base/attributes.h"
#include "base/error.h"

/* The path of this program; AUTO_FREE. */
MUST_CHECK char *program_self(void);
/* The path of a program that was built or installed with this one; AUTO_FREE. */
MUST_CHECK bool program_beside(const char *name, char **path_out, Error *error);
/* The folder with <application>/<version>/application.json, AUTO_FREE: of the build tree, or
 * ../share/slideway/applications of an installation. */
MUST_CHECK bool bundled_applications(char **folder_out, Error *error);
/* The folder of the API's explorer, AUTO_FREE; NULL when it is not installed. */
MUST_CHECK char *bundled_explorer(void);
