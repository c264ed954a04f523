/* SPDX-License-Identifier: Apache-2.0 */
/* Allowed addresses; see egress.h. */
#include "http/egress.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <string.h>

#include "base/parse.h"

enum { NETWORK_TEXT_BYTES = 64, MAPPED_BITS = 96 };

/* Where IANA gives out addresses: all of IPv4, which stands here as IPv4-mapped IPv6, and the one
 * block of IPv6 that has global unicast. So every other form of an IPv4 address in IPv6
 * (compatible, translated) is out. */
static const char *const GLOBAL_NETWORKS[] = {"0.0.0.0/0", "2000::/3"};

/* The IANA special-purpose registries: what of that is not globally reachable, and multicast. The
 * IPv6 transition prefixes are refused whole, since they carry an IPv4 address that could be
 * private. */
static const char *const SPECIAL_NETWORKS[] = {
    "0.0.0.0/8",     "10.0.0.0/8",      "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16",
    "172.16.0.0/12", "192.0.0.0/24",    "192.0.2.0/24",   "192.88.99.0/24", "192.168.0.0/16",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",    "240.0.0.0/4",
    "2001::/23",     "2001:db8::/32",   "2002::/16",      "3fff::/20"};

/* RFC 6052, 2.1: behind these 96 bits stands the IPv4 address that NAT64 connects to. A resolver
 * with DNS64 gives such addresses for every host. */
static const uint8_t NAT64_PREFIX[12] = {0x00, 0x64, 0xFF, 0x9B};

static const uint8_t MAPPED_PREFIX[12] = {[10] = 0xFF, [11] = 0xFF};

static bool parse_address(const char *text, uint8_t out[16], bool *is_ipv4)
{
    *is_ipv4 = inet_pton(AF_INET, text, out + 12) == 1;
    if (*is_ipv4) {
        memcpy(out, MAPPED_PREFIX, sizeof MAPPED_PREFIX);
        return true;
    }
    return inet_pton(AF_INET6, text, out) == 1;
}

static bool parse_network(Text text, EgressNetwork *network_out)
{
    Text bits = text;
    Text address = text_split(&bits, '/');
    char buffer[NETWORK_TEXT_BYTES];
    bool is_ipv4 = false;
    if (!text_copy(address, buffer, sizeof buffer) ||
        !parse_address(buffer, network_out->address, &is_ipv4)) {
        return false;
    }
    int64_t prefix = is_ipv4 ? 32 : 128;
    if (bits.bytes != NULL && !parse_int64(bits, 0, prefix, &prefix)) {
        return false;
    }
    network_out->prefix_bits = (int)prefix + (is_ipv4 ? MAPPED_BITS : 0);
    return true;
}

bool egress_parse(Text networks, EgressPolicy *policy_out, Error *error)
{
    EgressPolicy policy = {.allowed_count = 0};
    while (networks.length > 0) {
        Text one = text_trim(text_split(&networks, ','));
        if (policy.allowed_count == EGRESS_NETWORKS_MAX) {
            return error_set(error, ERROR_LIMIT, "more than %d networks are listed",
                             EGRESS_NETWORKS_MAX);
        }
        if (!parse_network(one, &policy.allowed[policy.allowed_count])) {
            return error_set(error, ERROR_INVALID, "'%.*s' is no network such as 10.0.0.0/8",
                             TEXT_ARGUMENTS(one));
        }
        policy.allowed_count++;
    }
    *policy_out = policy;
    return true;
}

static bool contains(const EgressNetwork *network, const uint8_t address[16])
{
    int whole = network->prefix_bits / 8;
    int rest = network->prefix_bits % 8;
    uint8_t mask = (uint8_t)(0xFF00 >> rest);
    return memcmp(network->address, address, (size_t)whole) == 0 &&
           (rest == 0 || ((network->address[whole] ^ address[whole]) & mask) == 0);
}

static bool address_bytes(const struct sockaddr *address, uint8_t out[16])
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, address, sizeof ipv4);
        memcpy(out, MAPPED_PREFIX, sizeof MAPPED_PREFIX);
        memcpy(out + 12, &ipv4.sin_addr, 4);
        return true;
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, address, sizeof ipv6);
        memcpy(out, &ipv6.sin6_addr, 16);
        return true;
    }
    return false;
}

static bool is_among(const char *const *networks, size_t count, const uint8_t address[16])
{
    for (size_t i = 0; i < count; i++) {
        EgressNetwork network;
        bool parsed = parse_network(text_of(networks[i]), &network);
        assert(parsed);
        if (contains(&network, address)) {
            return true;
        }
    }
    return false;
}

bool egress_allows(const EgressPolicy *policy, const struct sockaddr *address)
{
    uint8_t bytes[16];
    if (!address_bytes(address, bytes)) {
        return false;
    }
    for (int i = 0; i < policy->allowed_count; i++) {
        if (contains(&policy->allowed[i], bytes)) {
            return true;
        }
    }
    /* Not before: RFC 6052, 3.1, forbids this prefix for addresses that are not public, so a
     * private network that the operator lists is never meant by it. */
    if (memcmp(bytes, NAT64_PREFIX, sizeof NAT64_PREFIX) == 0) {
        memcpy(bytes, MAPPED_PREFIX, sizeof MAPPED_PREFIX);
    }
    return is_among(GLOBAL_NETWORKS, ARRAY_COUNT(GLOBAL_NETWORKS), bytes) &&
           !is_among(SPECIAL_NETWORKS, ARRAY_COUNT(SPECIAL_NETWORKS), bytes);
}
