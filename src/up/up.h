/* SPDX-License-Identifier: Apache-2.0 */
/* `slideway up`: the whole platform on one machine, in the foreground until it is told to stop. */
#pragma once
#include "cli/command.h"

extern const Command COMMAND_UP;
