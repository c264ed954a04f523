/* SPDX-License-Identifier: Apache-2.0 */
/* Entity tags; see etag.h. */
#include "http/etag.h"

#include <isa-l/crc64.h>
#include <stdint.h>

enum { DIGITS = 16 };

/* printf would cost more than the checksums. */
static char *write_hex(char *out, uint64_t value)
{
    for (int i = DIGITS - 1; i >= 0; i--) {
        *out++ = "0123456789abcdef"[value >> (4 * i) & 0x0F];
    }
    return out;
}

void etag_of(Text body, char out[ETAG_BYTES])
{
    /* Two CRCs of different polynomials: 128 bits at memory speed. A tag tells versions of one
     * answer apart; it proves nothing, so it needs no cryptography. The library only reads. */
    const unsigned char *bytes = (const unsigned char *)body.bytes;
    uint64_t first = crc64_ecma_refl(0, (unsigned char *)bytes, body.length);
    uint64_t second = crc64_jones_refl(0, (unsigned char *)bytes, body.length);
    *out++ = '"';
    out = write_hex(write_hex(out, first), second);
    *out++ = '"';
    *out = '\0';
}

bool etag_is_listed(Text list, const char *etag)
{
    while (list.bytes != NULL) {
        Text one = text_trim(text_split(&list, ','));
        /* The comparison is the weak one: "W/" does not count. */
        if (text_starts_with(one, "W/")) {
            one = text_from(one, 2);
        }
        if (text_is(one, "*") || text_is(one, etag)) {
            return true;
        }
    }
    return false;
}
