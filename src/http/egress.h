/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Egress: which addresses the platform may fetch from. Public ones, and the networks that the
 * operator lists; every other special-purpose address (RFC 6890 and its registries) is refused, in
 * whatever spelling a URL names it, because the address itself is checked when it is connected to.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/text.h"

enum { EGRESS_NETWORKS_MAX = 32 };

/* IPv4 networks are kept as IPv4-mapped IPv6 ones (::ffff:a.b.c.d). */
typedef struct EgressNetwork {
    uint8_t address[16];
    int prefix_bits;
} EgressNetwork;

typedef struct EgressPolicy {
    EgressNetwork allowed[EGRESS_NETWORKS_MAX];
    int allowed_count;
} EgressPolicy;

/* Reads a comma-separated list of networks ("10.1.0.0/16,fd00::/8"); empty: public ones only. */
MUST_CHECK bool egress_parse(Text networks, EgressPolicy *policy_out, Error *error);
bool egress_allows(const EgressPolicy *policy, const struct sockaddr *address);
