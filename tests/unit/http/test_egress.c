/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses that may and may not be fetched from, in every spelling that a socket can hold. */
#include "unit_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "http/egress.h"

static bool allowed(const EgressPolicy *policy, const char *address)
{
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, address, &ipv4.sin_addr) == 1) {
        return egress_allows(policy, (const struct sockaddr *)&ipv4);
    }
    assert_int_equal(inet_pton(AF_INET6, address, &ipv6.sin6_addr), 1);
    return egress_allows(policy, (const struct sockaddr *)&ipv6);
}

static void special_purpose_addresses_are_refused(void **state)
{
    (void)state;
    static const char *const REFUSED[] = {"0.0.0.0",
                                          "10.1.2.3",
                                          "100.64.0.1",
                                          "127.0.0.1",
                                          "127.255.255.254",
                                          "169.254.169.254",
                                          "172.16.0.1",
                                          "172.31.255.255",
                                          "192.168.1.1",
                                          "198.18.0.1",
                                          "224.0.0.1",
                                          "255.255.255.255",
                                          "::",
                                          "::1",
                                          "::ffff:127.0.0.1",
                                          "::ffff:10.0.0.1",
                                          "::127.0.0.1",
                                          "::ffff:0:127.0.0.1",
                                          "::ffff:0:10.0.0.1",
                                          "::1:0:7f00:1",
                                          "64:ff9b::7f00:1",
                                          "64:ff9b::",
                                          "64:ff9b::10.1.2.3",
                                          "64:ff9b::100.64.0.1",
                                          "64:ff9b::169.254.169.254",
                                          "64:ff9b::172.31.255.255",
                                          "64:ff9b::192.168.1.1",
                                          "64:ff9b::224.0.0.1",
                                          "64:ff9b::255.255.255.255",
                                          "64:ff9b:0:0:0:1:8.8.8.8",
                                          "64:ff9b:1::7f00:1",
                                          "64:ff9b:1::8.8.8.8",
                                          "64:ff9c::8.8.8.8",
                                          "100::1",
                                          "100:0:0:1::1",
                                          "1fff:ffff::1",
                                          "4000::1",
                                          "5f00::1",
                                          "fec0::1",
                                          "2001:db8::1",
                                          "3fff::1",
                                          "2002:7f00:1::",
                                          "2001:0:1::1",
                                          "fc00::1",
                                          "fd12::1",
                                          "fe80::1",
                                          "ff02::1"};
    EgressPolicy policy;
    Error error = {0};
    assert_true(egress_parse(TEXT(""), &policy, &error));
    for (size_t i = 0; i < sizeof REFUSED / sizeof REFUSED[0]; i++) {
        if (allowed(&policy, REFUSED[i])) {
            fail_msg("%s is allowed", REFUSED[i]);
        }
    }
}

static void public_addresses_are_allowed(void **state)
{
    (void)state;
    static const char *const PUBLIC[] = {"8.8.8.8",          "172.15.0.1",      "172.32.0.1",
                                         "100.63.255.255",   "100.128.0.1",     "2606:4700::1111",
                                         "::ffff:8.8.8.8",   "2000::1",         "3ffe::1",
                                         "64:ff9b::8.8.8.8", "64:ff9b::ac0f:1", "64:ff9b::ac20:1"};
    EgressPolicy policy;
    Error error = {0};
    assert_true(egress_parse(TEXT(""), &policy, &error));
    for (size_t i = 0; i < sizeof PUBLIC / sizeof PUBLIC[0]; i++) {
        if (!allowed(&policy, PUBLIC[i])) {
            fail_msg("%s is refused", PUBLIC[i]);
        }
    }
}

static void a_listed_network_is_allowed_and_its_neighbour_is_not(void **state)
{
    (void)state;
    EgressPolicy policy;
    Error error = {0};
    assert_true(egress_parse(TEXT("10.20.0.0/15, fd00:1::/32,127.0.0.1"), &policy, &error));
    assert_true(allowed(&policy, "10.20.3.4"));
    assert_true(allowed(&policy, "10.21.255.255"));
    assert_false(allowed(&policy, "10.22.0.0"));
    assert_true(allowed(&policy, "fd00:1:2::3"));
    assert_false(allowed(&policy, "fd00:2::3"));
    assert_true(allowed(&policy, "127.0.0.1"));
    assert_true(allowed(&policy, "::ffff:127.0.0.1"));
    assert_false(allowed(&policy, "127.0.0.2"));
}

static void a_listed_private_network_is_not_reached_by_translation(void **state)
{
    (void)state;
    EgressPolicy policy;
    Error error = {0};
    assert_true(egress_parse(TEXT("10.0.0.0/8,64:ff9b::192.168.0.0/112"), &policy, &error));
    assert_false(allowed(&policy, "64:ff9b::10.1.2.3"));
    assert_true(allowed(&policy, "64:ff9b::192.168.1.1"));
    assert_false(allowed(&policy, "64:ff9b::172.16.0.1"));
}

static void bad_networks_are_named(void **state)
{
    (void)state;
    static const char *const BAD[] = {"10.0.0.0/33", "10.0.0/8", "fd00::/129", "localhost",
                                      "10.0.0.0/8,,"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        EgressPolicy policy;
        Error error = {0};
        assert_false(egress_parse(text_of(BAD[i]), &policy, &error));
        assert_int_equal(error.code, ERROR_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(special_purpose_addresses_are_refused),
        cmocka_unit_test(public_addresses_are_allowed),
        cmocka_unit_test(a_listed_network_is_allowed_and_its_neighbour_is_not),
        cmocka_unit_test(a_listed_private_network_is_not_reached_by_translation),
        cmocka_unit_test(bad_networks_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
