/* SPDX-License-Identifier: Apache-2.0 */
/* The duties of the leader: a table of what is done how often, in bounded rounds. */
#pragma once
#include "jobs/lead.h"
#include "jobs/leader.h"

typedef struct Duties Duties;

Duties *duties_create(const LeaderOptions *options);
void duties_destroy(Duties *duties);

/* A round of each duty that is due. What fails for another reason than the lead is logged and tried
 * again when it is due again. False: the lead is lost. */
MUST_CHECK bool duties_do(Duties *duties, Lead *lead, Error *error);
