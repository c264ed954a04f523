/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a platform is doing, as one document (docs/operations.md shows it): what the database says of
 * workers, queues and attempts, whether the API answers, and what is wrong, in words.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>

#include "base/attributes.h"
#include "cli/command.h"

/* A platform that is away is no error: its facts say so. AUTO_JSON. */
MUST_CHECK bool status_facts(const Cli *cli, json_t **facts_out, Error *error);
