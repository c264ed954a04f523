/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums of files and parts. The values are of other code: MD5 by md5sum, CRC32C by Python's
 * table of the polynomial 0x1EDC6F41 (tests/integration/harness.py, crc32c). */
#include "unit_test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "objectstore/digest.h"

static int open_file(Text content)
{
    char path[] = "/tmp/slideway-digest-XXXXXX";
    Error error = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    assert_true(fd_write_all(fd, content.bytes, content.length, &error));
    return fd;
}

static void a_part_has_both_checksums(void **state)
{
    (void)state;
    AUTO_FD fd = open_file(TEXT("xx123456789yy"));
    const FilePart part = {fd, 2, 9};
    PartDigest digest;
    Error error = {0};
    uint32_t crc32c = CRC32C_EMPTY;
    assert_true(digest_part(&part, true, &digest, &crc32c, &error));
    assert_string_equal(digest.crc32c_base64, "4waSgw==");
    assert_int_equal(crc32c, 0xE3069283);
    assert_string_equal(digest.md5_hexadecimal, "25f9e794323b453885f5181f1b624d0b");
    assert_string_equal(digest.md5_base64, "JfnnlDI7RTiF9RgfG2JNCw==");
    assert_true(digest_part(&part, false, &digest, &crc32c, &error));
    assert_string_equal(digest.md5_base64, "");
}

static void a_file_has_one_of_its_parts(void **state)
{
    (void)state;
    AUTO_FD fd = open_file(TEXT("123456789"));
    const FilePart file = {fd, 0, 9};
    FileDigest digest;
    Error error = {0};
    assert_true(digest_file(&file, 4, &digest, &error));
    assert_string_equal(digest.crc32c_base64, "4waSgw==");
    assert_string_equal(digest.of_parts, "uSVqcA==-3");
    const FilePart longer = {fd, 0, 10};
    assert_false(digest_file(&longer, 4, &digest, &error));
    assert_int_equal(error.code, ERROR_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_has_both_checksums),
        cmocka_unit_test(a_file_has_one_of_its_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
