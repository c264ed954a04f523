/* SPDX-License-Identifier: Apache-2.0 */
/* Sources of bytes: parts, and deflated ones read at any place, against the bytes in memory. */
#include "unit_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "slides/byte_source.h"

/* Several places that inflating goes on from, one for each mebibyte. */
enum { CONTENT_BYTES = 5 * 1024 * 1024 + 77, READ_BYTES = 1000, PREFIX_BYTES = 11 };

typedef struct Fixture {
    char path[64];
    uint8_t *content;
    size_t stored_bytes;
} Fixture;

/* Numbers that repeat now and then, so that they deflate to a part of their size. */
static void fill(uint8_t *bytes, size_t count)
{
    uint32_t state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(state >> 30 == 0 ? state >> 16 : i >> 9);
    }
}

static int make_fixture(void **state)
{
    Fixture *fixture = ALLOC_NEW(Fixture);
    fixture->content = alloc_array(CONTENT_BYTES, 1);
    fill(fixture->content, CONTENT_BYTES);
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&stream, CONTENT_BYTES);
    AUTO_FREE uint8_t *stored = alloc_zeroed(PREFIX_BYTES + room, 1);
    stream.next_in = fixture->content;
    stream.avail_in = CONTENT_BYTES;
    stream.next_out = stored + PREFIX_BYTES;
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    fixture->stored_bytes = stream.total_out;
    deflateEnd(&stream);
    snprintf(fixture->path, sizeof fixture->path, "/tmp/slideway-bytes-XXXXXX");
    int fd = mkstemp(fixture->path);
    assert_true(fd >= 0);
    Error error = {0};
    assert_true(fd_write_all(fd, stored, PREFIX_BYTES + fixture->stored_bytes, &error));
    close(fd);
    *state = fixture;
    return 0;
}

static int remove_fixture(void **state)
{
    Fixture *fixture = *state;
    unlink(fixture->path);
    alloc_free(fixture->content);
    alloc_free(fixture);
    return 0;
}

static ByteSource *open_file(const Fixture *fixture)
{
    ByteSource *file = NULL;
    Error error = {0};
    assert_true(byte_source_open(AT_FDCWD, fixture->path, &file, &error));
    assert_int_equal(byte_source_length(file), PREFIX_BYTES + fixture->stored_bytes);
    return file;
}

/* The deflated part cut to `stored_bytes`, said to make `length` bytes. */
static ByteSource *open_inflated(ByteSource *file, size_t stored_bytes, uint64_t length)
{
    ByteSource *part = NULL;
    Error error = {0};
    assert_true(byte_source_part(file, PREFIX_BYTES, stored_bytes, &part, &error));
    return byte_source_inflated(part, length);
}

static void deflated_bytes_are_read_forwards_and_backwards(void **state)
{
    const Fixture *fixture = *state;
    AUTO_BYTE_SOURCE *file = open_file(fixture);
    AUTO_BYTE_SOURCE *source = open_inflated(file, fixture->stored_bytes, CONTENT_BYTES);
    static const size_t OFFSETS[] = {
        0,       CONTENT_BYTES - READ_BYTES, 4 << 20, (3 << 20) - 1, 17, 17, 2 << 20, (2 << 20) + 5,
        1 << 20, CONTENT_BYTES - READ_BYTES, 0};
    for (size_t i = 0; i < ARRAY_COUNT(OFFSETS); i++) {
        uint8_t bytes[READ_BYTES];
        Error error = {0};
        assert_true(byte_source_read(source, OFFSETS[i], bytes, READ_BYTES, &error));
        assert_memory_equal(bytes, fixture->content + OFFSETS[i], READ_BYTES);
    }
    AUTO_FREE uint8_t *all = alloc_array(CONTENT_BYTES, 1);
    Error error = {0};
    assert_true(byte_source_read(source, 0, all, CONTENT_BYTES, &error));
    assert_memory_equal(all, fixture->content, CONTENT_BYTES);
}

static void nothing_is_read_beyond_the_length(void **state)
{
    const Fixture *fixture = *state;
    AUTO_BYTE_SOURCE *file = open_file(fixture);
    AUTO_BYTE_SOURCE *source = open_inflated(file, fixture->stored_bytes, 100);
    static const struct {
        uint64_t offset;
        size_t count;
        bool read;
    } CASES[] = {{0, 100, true},  {99, 1, true},   {100, 0, true},         {0, 101, false},
                 {100, 1, false}, {101, 0, false}, {UINT64_MAX, 1, false}, {50, SIZE_MAX, false}};
    uint8_t bytes[128];
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        Error error = {0};
        assert_int_equal(byte_source_read(source, CASES[i].offset, bytes, CASES[i].count, &error),
                         CASES[i].read);
        assert_int_equal(error.code, CASES[i].read ? ERROR_NONE : ERROR_INVALID);
    }
}

static void a_deflated_stream_that_ends_early_is_refused_and_read_before_its_end(void **state)
{
    const Fixture *fixture = *state;
    AUTO_BYTE_SOURCE *file = open_file(fixture);
    AUTO_BYTE_SOURCE *source = open_inflated(file, fixture->stored_bytes / 2, CONTENT_BYTES);
    uint8_t bytes[READ_BYTES];
    for (int turn = 0; turn < 2; turn++) {
        Error error = {0};
        assert_false(
            byte_source_read(source, CONTENT_BYTES - READ_BYTES, bytes, READ_BYTES, &error));
        assert_int_equal(error.code, ERROR_INVALID);
        Error none = {0};
        assert_true(byte_source_read(source, 1000, bytes, READ_BYTES, &none));
        assert_memory_equal(bytes, fixture->content + 1000, READ_BYTES);
    }
}

static void a_stream_that_makes_less_than_it_says_is_refused(void **state)
{
    const Fixture *fixture = *state;
    AUTO_BYTE_SOURCE *file = open_file(fixture);
    AUTO_BYTE_SOURCE *source = open_inflated(file, fixture->stored_bytes, CONTENT_BYTES + 10);
    uint8_t bytes[20];
    Error error = {0};
    assert_false(byte_source_read(source, CONTENT_BYTES - 5, bytes, 15, &error));
    assert_int_equal(error.code, ERROR_INVALID);
}

static void a_part_lies_inside_its_whole(void **state)
{
    AUTO_BYTE_SOURCE *file = open_file(*state);
    uint64_t length = byte_source_length(file);
    ByteSource *part = NULL;
    Error error = {0};
    assert_false(byte_source_part(file, length + 1, 0, &part, &error));
    assert_false(byte_source_part(file, 1, length, &part, &error));
    assert_false(byte_source_part(file, UINT64_MAX, 2, &part, &error));
    assert_false(byte_source_part(file, 2, UINT64_MAX, &part, &error));
    assert_null(part);
    Error none = {0};
    assert_true(byte_source_part(file, 1, length - 1, &part, &none));
    byte_source_close(part);
}

static void folders_and_links_are_no_files(void **state)
{
    const Fixture *fixture = *state;
    char link[80];
    snprintf(link, sizeof link, "%s-link", fixture->path);
    assert_int_equal(symlink(fixture->path, link), 0);
    AUTO_FD folder = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ByteSource *source = NULL;
    Error error = {0};
    assert_false(byte_source_open(folder, link + strlen("/tmp/"), &source, &error));
    assert_false(byte_source_open(AT_FDCWD, "/tmp", &source, &error));
    assert_null(source);
    unlink(link);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, make_fixture, remove_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(deflated_bytes_are_read_forwards_and_backwards),
        WITH_FIXTURE(nothing_is_read_beyond_the_length),
        WITH_FIXTURE(a_deflated_stream_that_ends_early_is_refused_and_read_before_its_end),
        WITH_FIXTURE(a_stream_that_makes_less_than_it_says_is_refused),
        WITH_FIXTURE(a_part_lies_inside_its_whole),
        WITH_FIXTURE(folders_and_links_are_no_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
