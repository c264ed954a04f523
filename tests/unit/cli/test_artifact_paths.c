/* SPDX-License-Identifier: Apache-2.0 */
/* What clients and applications call things never becomes more than one plain file name. */
#include "cli/artifact_paths.h"

#include <string.h>

#include "base/alloc.h"
#include "base/attributes.h"
#include "unit_test.h"

#define ITEM_ID "01a20d6c-4cb8-7d22-90cf-9fa3d529f45a"

static const struct {
    const char *external_id;
    const char *folder;
} FOLDERS[] = {
    {"slide-1.svs", "slide-1.svs"},
    {"A_b.C-9", "A_b.C-9"},
    {"", "~9fa3d529f45a"},
    {".", "_~9fa3d529f45a"},
    {"..", "_.~9fa3d529f45a"},
    {".hidden", "_hidden~9fa3d529f45a"},
    {"../../etc/passwd", "_._.._etc_passwd~9fa3d529f45a"},
    {"/abs/slide.svs", "_abs_slide.svs~9fa3d529f45a"},
    {"a b", "a_b~9fa3d529f45a"},
    {"a~9fa3d529f45a", "a_9fa3d529f45a~9fa3d529f45a"},
    {"a\nb\x1b[2J", "a_b__2J~9fa3d529f45a"},
    {"caf\xc3\xa9", "caf__~9fa3d529f45a"},
};

static void an_external_id_becomes_one_plain_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(FOLDERS); i++) {
        AUTO_FREE char *folder = item_folder_name(FOLDERS[i].external_id, ITEM_ID);
        assert_string_equal(folder, FOLDERS[i].folder);
    }
}

static void a_long_external_id_still_fits_a_file_system(void **state)
{
    (void)state;
    char longest[256];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[255] = '\0';
    AUTO_FREE char *folder = item_folder_name(longest, ITEM_ID);
    assert_true(strlen(folder) <= 255);
    assert_non_null(strstr(folder, "~9fa3d529f45a"));
}

static const struct {
    const char *name;
    const char *media_type;
    const char *file;
} FILES[] = {
    {"tissue_qc:segmentation_map_image", "image/tiff", "tissue_qc_segmentation_map_image.tiff"},
    {"tissue_qc:geojson_polygons", "application/geo+json", "tissue_qc_geojson_polygons.json"},
    {"readout_generation:slide_readouts", "text/csv", "readout_generation_slide_readouts.csv"},
    {"cells:table", "application/vnd.apache.parquet", "cells_table.parquet"},
    {"report.pdf", "application/pdf", "report.pdf"},
    {"blob", "application/x-unknown", "blob.bin"},
    {"blob", NULL, "blob.bin"},
    {"../../x", "text/csv", "_._.._x.csv"},
    {".csv", "text/csv", "_csv.csv"},
    {"", "text/csv", "artifact.csv"},
};

static void an_artifact_gets_the_ending_of_its_media_type(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(FILES); i++) {
        AUTO_FREE char *file = artifact_file_name(FILES[i].name, FILES[i].media_type, NULL, 0);
        assert_string_equal(file, FILES[i].file);
    }
}

static void artifacts_of_one_item_never_share_a_file(void **state)
{
    (void)state;
    char first[] = "a_b.csv";
    char *taken[] = {first};
    AUTO_FREE char *second = artifact_file_name("a:b", "text/csv", taken, 1);
    assert_string_equal(second, "a_b~2.csv");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_external_id_becomes_one_plain_name),
        cmocka_unit_test(a_long_external_id_still_fits_a_file_system),
        cmocka_unit_test(an_artifact_gets_the_ending_of_its_media_type),
        cmocka_unit_test(artifacts_of_one_item_never_share_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
