/* SPDX-License-Identifier: Apache-2.0 */
/* The trained network that is built into the library; docs/he-tme.md says from what. */
#pragma once
#include "analysis/network/network.h"

MUST_CHECK bool model_read(Network **network_out, Error *error);
