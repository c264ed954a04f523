/* SPDX-License-Identifier: Apache-2.0 */
/* The walk through data elements, on bytes that are written out here after PS3.5 section 7. */
#include "unit_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/limits.h"
#include "slides/dicom_walk.h"

enum { DICOM_FILE_BYTES_MAX = 65536, STEPS_MAX = 64 };

/* Bytes as "tag VR length value", a text of hexadecimal digits and spaces. */
static void append_hex(Buffer *buffer, const char *hex)
{
    for (const char *at = hex; *at != '\0';) {
        if (*at == ' ') {
            at++;
            continue;
        }
        unsigned value = 0;
        assert_int_equal(sscanf(at, "%2x", &value), 1);
        buffer_byte(buffer, (char)value);
        at += 2;
    }
}

/* The steps of a walk in letters: V value, I item, P pixels, E end, ! refused. `depths` has how
 * many sequences are open at each. */
static void check_walk(const char *hex, bool implicit, const char *steps, const char *depths)
{
    AUTO_BUFFER buffer;
    buffer_init(&buffer, DICOM_FILE_BYTES_MAX);
    for (int i = 0; i < 128; i++) {
        buffer_byte(&buffer, 0);
    }
    buffer_string(&buffer, "DICM");
    append_hex(&buffer, hex);
    char path[] = "/tmp/slideway-dicom-XXXXXX";
    AUTO_FD fd = mkstemp(path);
    Error error = {0};
    assert_true(fd_write_all(fd, buffer.bytes, buffer.length, &error));
    AUTO_BYTE_SOURCE *source = NULL;
    assert_true(byte_source_open(AT_FDCWD, path, &source, &error));
    unlink(path);
    static DicomWalk walk;
    assert_true(dicom_walk_start(&walk, source, &error));
    walk.implicit = implicit;
    char found[STEPS_MAX + 1] = {0};
    char found_depths[STEPS_MAX + 1] = {0};
    for (int i = 0; i < STEPS_MAX; i++) {
        DicomElement element;
        DicomStep step = DICOM_STEP_END;
        bool walked = dicom_walk_next(&walk, &element, &step, &error);
        found[i] = walked ? "VIPE"[step] : '!';
        found_depths[i] = (char)('0' + walk.depth);
        if (!walked || step == DICOM_STEP_PIXELS || step == DICOM_STEP_END) {
            break;
        }
    }
    assert_string_equal(found, steps);
    if (depths != NULL) {
        assert_string_equal(found_depths, depths);
    }
}

#define ROWS "28001000 5553 0200 1000 "            /* (0028,0010) US 16 */
#define ROWS_IMPLICIT "28001000 02000000 1000 "    /* the same without its VR */
#define PIXELS "e07f1000 4f42 0000 02000000 0000 " /* OB of 2 bytes */
#define MEASURES "28001091 5351 0000 "             /* (0028,9110) SQ, the length follows */
#define ITEM_10 "feff00e0 0a000000 " ROWS          /* an item of 10 bytes */
#define ITEM_OPEN "feff00e0 ffffffff " ROWS "feff0de0 00000000 "
#define SEQUENCE_END "feffdde0 00000000 "

static void values_and_pixels_are_told(void **state)
{
    (void)state;
    check_walk("", false, "E", "0");
    check_walk(ROWS ROWS, false, "VVE", "000");
    check_walk(ROWS PIXELS ROWS, false, "VP", "00");
    check_walk(ROWS_IMPLICIT ROWS_IMPLICIT, true, "VVE", NULL);
    /* The meta group has VRs whatever follows. */
    check_walk("02000000 554c 0400 00000000 " ROWS_IMPLICIT, true, "VVE", NULL);
}

static void sequences_have_lengths_or_delimiters(void **state)
{
    (void)state;
    check_walk(MEASURES "12000000 " ITEM_10 ROWS, false, "IVVE", "1100");
    check_walk(MEASURES "ffffffff " ITEM_10 SEQUENCE_END ROWS, false, "IVVE", "1100");
    check_walk(MEASURES "ffffffff " ITEM_OPEN ITEM_OPEN SEQUENCE_END ROWS, false, "IVIVVE",
               "111100");
    check_walk(MEASURES "00000000 " ROWS, false, "VE", "00");
    check_walk("28001091 12000000 feff00e0 0a000000 " ROWS_IMPLICIT, true, "IVE", "110");
}

static void a_sequence_of_unknown_kind_is_implicit(void **state)
{
    (void)state;
    check_walk("28001091 554e 0000 ffffffff feff00e0 0a000000 " ROWS_IMPLICIT SEQUENCE_END ROWS,
               false, "IVVE", "1100");
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    check_walk("28001000 5553 0300 1000 ", false, "!", NULL);     /* beyond the file */
    check_walk("2800", false, "!", NULL);                         /* half a tag */
    check_walk("28001000 4f42 0000 ffffffff ", false, "!", NULL); /* no length, no sequence */
    check_walk(MEASURES "13000000 " ITEM_10, false, "!", NULL);   /* beyond the file */
    check_walk(MEASURES "0c000000 " ITEM_10 ROWS, false, "!",
               NULL); /* an item beyond its sequence */
    check_walk(MEASURES "12000000 feff00e0 09000000 " ROWS ROWS, false, "I!", NULL);
    check_walk(MEASURES "ffffffff " ITEM_10, false, "IV!", NULL);         /* no delimiter */
    check_walk(SEQUENCE_END, false, "!", NULL);                           /* of nothing */
    check_walk("feff00e0 00000000 ", false, "!", NULL);                   /* an item outside */
    check_walk(MEASURES "08000000 feff0de0 00000000 ", false, "!", NULL); /* ends no item */
}

static void nesting_has_a_bound(void **state)
{
    (void)state;
    AUTO_BUFFER hex;
    buffer_init(&hex, DICOM_FILE_BYTES_MAX);
    char steps[STEPS_MAX] = {0};
    for (int i = 0; i <= DICOM_DEPTH_MAX; i++) {
        buffer_string(&hex, MEASURES "ffffffff feff00e0 ffffffff ");
        steps[i] = i < DICOM_DEPTH_MAX ? 'I' : '!';
    }
    check_walk(buffer_to_string(&hex), false, steps, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_pixels_are_told),
        cmocka_unit_test(sequences_have_lengths_or_delimiters),
        cmocka_unit_test(a_sequence_of_unknown_kind_is_implicit),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(nesting_has_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
