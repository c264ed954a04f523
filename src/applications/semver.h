/* SPDX-License-Identifier: Apache-2.0 */
/* Semantic versions (https://semver.org/spec/v2.0.0.html) and the order of their precedence. */
#pragma once
#include <stdbool.h>

#include "base/buffer.h"
#include "base/text.h"

/* The specification's pattern: MAJOR.MINOR.PATCH[-PRERELEASE][+BUILD]; at most 255 bytes. */
bool semver_is_valid(Text number);
/* Writes a text whose byte order is the precedence of valid numbers (section 11; build metadata
 * does not count). The number must be valid. */
void semver_precedence(Text number, Buffer *out);
