/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Admission: who calls, and whether they may now. Decided before a body is read; an exchange whose
 * token needs a look elsewhere waits in the phase EXCHANGE_ADMITTING.
 */
#pragma once
#include "http/exchange.h"

/* Sets the principal and the caller, an answer that refuses them, or the phase
 * EXCHANGE_ADMITTING. */
void admission_begin(Exchange *exchange);
/* The wait is over, back in the phase EXCHANGE_ADMITTED: the keys were read. */
void admission_go_on(Exchange *exchange);
/* The same: the database told whose API key it is. */
void admission_answered(Exchange *exchange, QueryOutcome outcome, const PGresult *result);
