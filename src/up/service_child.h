/* SPDX-License-Identifier: Apache-2.0 */
/* What slideway-server and slideway-worker are started with: their settings, as an environment. */
#pragma once
#include "up/platform.h"

MUST_CHECK bool service_child(Platform *platform, ChildRole role, Error *error);
