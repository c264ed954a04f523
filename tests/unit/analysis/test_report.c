/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a report, from a result made by hand: 5 x 4 places of 10 level 0 pixels (5 microns)
 * on an image of 45 x 36 px, so that the last column is 5 and the last row 6 pixels wide.
 * All expected numbers were worked out on paper.
 */
#include "unit_test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <tiffio.h>

#include "analysis/report.h"
#include "analysis/report_file.h"
#include "base/alloc.h"
#include "base/file.h"
#include "json/reader.h"

enum { FILE_BYTES_MAX = 1 << 20, COLUMNS = 5, ROWS = 4, CELLS = 2, POINTS = 6 };

typedef struct Fixture {
    char folder[64];
    uint8_t quality[COLUMNS * ROWS];
    uint8_t tissue[COLUMNS * ROWS];
    Cell cells[CELLS];
    CellPoint points[POINTS];
    AnalysisResult result;
} Fixture;

static void fill(uint8_t *classes, const char *drawing)
{
    for (int i = 0; i < COLUMNS * ROWS; i++) {
        classes[i] = (uint8_t)(drawing[i] - '0');
    }
}

static int make_fixture(void **state)
{
    Fixture *fixture = ALLOC_NEW(Fixture);
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/slideway-report-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    fill(fixture->quality, "11555"
                           "11555"
                           "13555"
                           "15555");
    fill(fixture->tissue, "14000"
                          "14000"
                          "10000"
                          "40000");
    /* The first outline runs the wrong way round. */
    static const CellPoint OUTLINES[POINTS] = {{2, 10}, {2, 20},        {8, 20},
                                               {12, 0}, {18.04F, 0.5F}, {15.96F, 9}};
    memcpy(fixture->points, OUTLINES, sizeof OUTLINES);
    fixture->cells[0] = (Cell){
        {5.25F, 15}, 0, 3, CELL_CARCINOMA, TISSUE_CARCINOMA, 20, 17, 6, 4.8F, 0.8F, 0.95F, 0.5F};
    fixture->cells[1] =
        (Cell){{15, 4.5F}, 3, 3, CELL_LYMPHOCYTE, TISSUE_STROMA, 10, 11, 4, 3, 0.75F, 1, 0.625F};
    fixture->result = (AnalysisResult){
        .width_px = 45,
        .height_px = 36,
        .mpp = 0.5,
        .quality = {COLUMNS, ROWS, 10, 5, fixture->quality},
        .tissue = {COLUMNS, ROWS, 10, 5, fixture->tissue},
        .cells = {fixture->cells, CELLS, fixture->points, POINTS},
    };
    *state = fixture;
    return 0;
}

static int remove_fixture(void **state)
{
    Fixture *fixture = *state;
    Error error = {0};
    assert_true(folder_remove(fixture->folder, &error));
    alloc_free(fixture);
    return 0;
}

static char *read_output(const Fixture *fixture, const char *name)
{
    AUTO_FREE char *path = alloc_format("%s/%s", fixture->folder, name);
    char *content = NULL;
    Error error = {0};
    assert_true(file_read(path, FILE_BYTES_MAX, &content, NULL, &error));
    return content;
}

static void write_report(const Fixture *fixture, const char *slide_name)
{
    ReportOptions options = {
        .folder = fixture->folder, .slide_name = slide_name, .version = REPORT_1_2_0};
    Error error = {0};
    assert_true(report_write(&fixture->result, &options, &error));
}

static void areas_end_at_the_border_of_the_image(void **state)
{
    const Fixture *fixture = *state;
    write_report(fixture, "slide");
    AUTO_FREE char *quality = read_output(fixture, "tissue_qc_csv_class_information.csv");
    assert_string_equal(quality, "CLASS,AREA_UM2,PERCENTAGE\n"
                                 "Valid Tissue,140.00,34.568\n"
                                 "Tissue Artifact,0.00,0.000\n"
                                 "Marker,25.00,6.173\n"
                                 "Out Of Focus,0.00,0.000\n"
                                 "No Tissue,240.00,59.259\n");
    AUTO_FREE char *tissue = read_output(fixture, "tissue_segmentation_csv_class_information.csv");
    assert_string_equal(tissue, "CLASS,AREA_UM2,PERCENTAGE\n"
                                "Carcinoma,75.00,53.571\n"
                                "Epithelial Tissue,0.00,0.000\n"
                                "Necrosis,0.00,0.000\n"
                                "Stroma,65.00,46.429\n"
                                "Other,0.00,0.000\n"
                                "Blood,0.00,0.000\n"
                                "Vessel,0.00,0.000\n");
}

/* The geometry's coordinates and the class of feature `index`, as JSON texts. */
static void
check_feature(const Fixture *fixture, const char *file, size_t index, const char *const expected[2])
{
    AUTO_FREE char *text = read_output(fixture, file);
    AUTO_JSON *root = NULL;
    Error error = {0};
    assert_true(document_parse(text_of(text), &root, &error));
    assert_string_equal(document_string(root, "type"), "FeatureCollection");
    const json_t *feature = json_array_get(json_object_get(root, "features"), index);
    const json_t *geometry = json_object_get(feature, "geometry");
    assert_string_equal(document_string(geometry, "type"), "Polygon");
    AUTO_FREE char *rings = document_to_string(json_object_get(geometry, "coordinates"));
    assert_string_equal(rings, expected[0]);
    AUTO_FREE char *properties = document_to_string(json_object_get(feature, "properties"));
    assert_string_equal(properties, expected[1]);
}

static void regions_are_polygons_in_level_0_pixels(void **state)
{
    const Fixture *fixture = *state;
    static const char *const STROMA[2] = {
        "[[[0,30],[10,30],[10,36],[0,36],[0,30]]]",
        "{\"objectType\":\"annotation\",\"classification\":{\"name\":\"Stroma\",\"color\":[90,174,"
        "97]}}"};
    static const char *const GLASS[2] = {
        "[[[20,0],[45,0],[45,36],[10,36],[10,30],[20,30],[20,0]]]",
        "{\"objectType\":\"annotation\",\"classification\":{\"name\":\"No "
        "Tissue\",\"color\":[230,230,230]}}"};
    write_report(fixture, "slide");
    check_feature(fixture, "tissue_segmentation_geojson_polygons.json", 2, STROMA);
    check_feature(fixture, "tissue_qc_geojson_polygons.json", 1, GLASS);
}

static void outlines_of_cells_are_counterclockwise_and_closed(void **state)
{
    const Fixture *fixture = *state;
    static const char *const CARCINOMA[2] = {
        "[[[2,10],[8,20],[2,20],[2,10]]]",
        "{\"objectType\":\"cell\",\"classification\":{\"name\":\"Carcinoma "
        "cell\",\"color\":[228,26,28]}}"};
    /* jansson writes 0.5 as it is, and 18.04 was cut to 18. */
    static const char *const LYMPHOCYTE[2] = {"[[[12,0],[18,0.5],[16,9],[12,0]]]",
                                              "{\"objectType\":\"cell\",\"classification\":{"
                                              "\"name\":\"Lymphocyte\",\"color\":[55,126,184]"
                                              "}}"};
    write_report(fixture, "slide");
    check_feature(fixture, "cell_classification_geojson_polygons.json", 0, CARCINOMA);
    check_feature(fixture, "cell_classification_geojson_polygons.json", 1, LYMPHOCYTE);
}

/* Roundness: 4 pi 20 / 17^2 = 0.8696, and 4 pi 10 / 11^2 is more than 1. */
static void each_cell_has_a_line(void **state)
{
    const Fixture *fixture = *state;
    write_report(fixture, "slide");
    AUTO_FREE char *text = read_output(fixture, "readout_generation_cell_readouts.csv");
    assert_string_equal(
        text, "# For Research Use Only\n"
              "CELL_ID,CELL_CLASS,CENTROID_X,CENTROID_Y,NUCLEUS_AREA,NUCLEUS_ROUNDNESS,"
              "NUCLEUS_ECCENTRICITY,NUCLEUS_MAJ_AXIS,NUCLEUS_MNR_AXIS,NUCLEUS_PERIMETER,"
              "NUCLEUS_SOLIDITY,NUCLEUS_HEMATOXYLIN,IN_CARCINOMA,IN_EPITHELIAL_TISSUE,IN_STROMA,"
              "IN_OTHER,IN_VESSEL\n"
              "1,Carcinoma cell,5.3,15,20,0.8696,0.1304,6,4.8,17,0.95,0.5,true,false,false,false,"
              "false\n"
              "2,Lymphocyte,15,4.5,10,1,0,4,3,11,1,0.625,false,false,true,false,false\n");
}

/* The value under a column's name; the names and values of this slide hold no commas. */
static Text value_of(Text names, Text values, const char *wanted)
{
    while (names.bytes != NULL) {
        Text name = text_split(&names, ',');
        Text value = text_split(&values, ',');
        if (text_is(name, wanted)) {
            return value;
        }
    }
    fail_msg("there is no column %s", wanted);
    return (Text){NULL, 0};
}

/* Each of `expected` is a column and its value in the readouts of the slide. */
static void check_readouts(const Fixture *fixture, const char *const (*expected)[2], size_t count)
{
    write_report(fixture, "slide");
    AUTO_FREE char *text = read_output(fixture, "readout_generation_slide_readouts.csv");
    Text rest = text_of(text);
    assert_true(text_is(text_split(&rest, '\n'), "# For Research Use Only"));
    Text names = text_split(&rest, '\n');
    Text values = text_split(&rest, '\n');
    assert_int_equal(rest.length, 0);
    for (size_t i = 0; i < count; i++) {
        AUTO_FREE char *value = text_to_string(value_of(names, values, expected[i][0]));
        assert_string_equal(value, expected[i][1]);
    }
}

static void readouts_of_a_slide_are_sums_and_shares(void **state)
{
    const Fixture *fixture = *state;
    static const char *const EXPECTED[][2] = {
        {"SLIDE_UUID", "N/A"},
        {"SLIDE_NAME", "slide"},
        {"IMAGE_RESOLUTION", "0.5"},
        {"ABSOLUTE_AREA", "165"},
        {"ABSOLUTE_AREA_VALID_TISSUE", "140"},
        {"RELATIVE_AREA_VALID_TISSUE", "84.85"},
        {"RELATIVE_AREA_MARKER", "15.15"},
        {"RELATIVE_AREA_OUT_OF_FOCUS", "0"},
        {"ABSOLUTE_AREA_NO_TISSUE", "N/A"},
        {"RELATIVE_AREA_NO_TISSUE", "N/A"},
        {"ABSOLUTE_AREA_STROMA", "65"},
        {"RELATIVE_AREA_CARCINOMA", "53.57"},
        {"REGION_COUNT_STROMA", "2"},
        {"REGION_COUNT_CARCINOMA", "1"},
        {"REGION_COUNT_BLOOD", "0"},
        /* Of 2 x 1 and 1 x 1 places of 25 um2, whatever lies beyond the image. */
        {"AVG_EXTENT_STROMA", "37.5"},
        {"AVG_SOLIDICITY_STROMA", "1"},
        {"LARGEST_CONVEX_AREA_STROMA", "50"},
        {"LARGEST_FILLED_AREA_CARCINOMA", "75"},
        {"LARGEST_ROUNDNESS_BLOOD", "N/A"},
        {"AVG_ECCENTRICITY_BLOOD", "N/A"},
        {"CELL_CLASSES", "Carcinoma cell;Epithelial cell;Fibroblast;Endothelial cell;Lymphocyte;"
                         "Plasma cell;Macrophage;Granulocyte;Other"},
        {"CELL_N_TOTAL", "2"},
        {"NUCLEUS_AVG_AREA", "15"},
        {"NUCLEUS_AVG_ROUNDNESS", "0.9348"},
        {"NUCLEUS_AVG_ECCENTRICITY", "0.06518"},
        {"NUCLEUS_AVG_MNR_AXIS", "3.9"},
        {"NUCLEUS_AVG_PERIMETER_LYMPHOCYTE", "11"},
        {"NUCLEUS_AVG_AREA_MACROPHAGE", "N/A"},
        {"CELL_COUNT_LYMPHOCYTE", "1"},
        {"CELL_PERCENTAGE_LYMPHOCYTE", "50"},
        {"CELL_DENSITY_LYMPHOCYTE", "0.007143"},
        {"CELL_COUNT_LYMPHOCYTE_STROMA", "1"},
        {"CELL_PERCENTAGE_LYMPHOCYTE_STROMA", "100"},
        {"CELL_DENSITY_LYMPHOCYTE_STROMA", "0.01538"},
        {"CELL_PERCENTAGE_LYMPHOCYTE_CARCINOMA", "0"},
        {"CELL_DENSITY_LYMPHOCYTE_VESSEL", "N/A"},
        {"CELL_PERCENTAGE_LYMPHOCYTE_VESSEL", "N/A"},
        /* The centres lie at (2.6, 7.5) and (7.5, 2.3) um on an image of 22.5 x 18: discs of 40 um
         * cover its 22 x 18 square microns. sqrt(4.875^2 + 5.25^2) = 7.164. */
        {"AREA_AROUND_CARCINOMA_CELL_IN_CARCINOMA_40", "396"},
        {"TOTAL_NUMBER_OF_NEIGHBORS_AROUND_CARCINOMA_CELL_IN_CARCINOMA_20", "1"},
        {"NUMBER_OF_CELLS_WITH_LYMPHOCYTE_NEIGHBORS_AROUND_CARCINOMA_CELL_IN_CARCINOMA_20", "1"},
        {"NUMBER_OF_LYMPHOCYTES_AROUND_CARCINOMA_CELL_IN_CARCINOMA_40", "1"},
        {"DENSITY_OF_LYMPHOCYTES_AROUND_CARCINOMA_CELL_IN_CARCINOMA_40", "0.002525"},
        {"RATIO_OF_LYMPHOCYTES_AROUND_CARCINOMA_CELL_IN_CARCINOMA_40", "1"},
        {"AVG_MIN_DISTANCE_OF_LYMPHOCYTES_AROUND_CARCINOMA_CELL_IN_CARCINOMA_20", "7.164"},
        {"AVG_MIN_DISTANCE_OF_CARCINOMA_CELLS_AROUND_CARCINOMA_CELL_IN_CARCINOMA_20", "N/A"},
        {"NUMBER_OF_CARCINOMA_CELLS_AROUND_CARCINOMA_CELL_IN_CARCINOMA_20", "0"},
        {"DENSITY_OF_LYMPHOCYTES_AROUND_OTHER_IN_VESSEL_40", "N/A"},
    };
    check_readouts(fixture, EXPECTED, ARRAY_COUNT(EXPECTED));
}

static void what_is_not_told_apart_is_missing(void **state)
{
    Fixture *fixture = *state;
    static const char *const EXPECTED[][2] = {
        {"ABSOLUTE_AREA_OUT_OF_FOCUS", "N/A"},
        {"RELATIVE_AREA_OUT_OF_FOCUS", "N/A"},
        {"ABSOLUTE_AREA_MARKER", "25"},
        {"ABSOLUTE_AREA_VESSEL", "N/A"},
        {"RELATIVE_AREA_VESSEL", "N/A"},
        {"REGION_COUNT_VESSEL", "N/A"},
        {"AVG_EXTENT_VESSEL", "N/A"},
        {"REGION_COUNT_BLOOD", "0"},
        {"CELL_CLASSES", "Carcinoma cell;Epithelial cell;Fibroblast;Endothelial cell;Lymphocyte;"
                         "Macrophage;Granulocyte;Other"},
        {"CELL_COUNT_PLASMA_CELL", "N/A"},
        {"CELL_PERCENTAGE_PLASMA_CELL", "N/A"},
        {"CELL_DENSITY_PLASMA_CELL_STROMA", "N/A"},
        {"CELL_COUNT_LYMPHOCYTE_VESSEL", "N/A"},
        {"CELL_COUNT_LYMPHOCYTE_EPITHELIAL_TISSUE", "0"},
        {"AREA_AROUND_PLASMA_CELL_IN_STROMA_20", "N/A"},
        {"TOTAL_NUMBER_OF_NEIGHBORS_AROUND_LYMPHOCYTE_IN_VESSEL_20", "N/A"},
        {"NUMBER_OF_CELLS_WITH_PLASMA_CELL_NEIGHBORS_AROUND_LYMPHOCYTE_IN_STROMA_40", "N/A"},
        {"NUMBER_OF_LYMPHOCYTES_AROUND_PLASMA_CELL_IN_STROMA_40", "N/A"},
        {"RATIO_OF_PLASMA_CELLS_AROUND_LYMPHOCYTE_IN_STROMA_40", "N/A"},
        {"NUMBER_OF_MACROPHAGES_AROUND_LYMPHOCYTE_IN_STROMA_40", "0"},
    };
    fixture->result.untold = (UntoldClasses){.quality = class_bit(QUALITY_OUT_OF_FOCUS),
                                             .tissue = class_bit(TISSUE_VESSEL),
                                             .cells = class_bit(CELL_PLASMA)};
    check_readouts(fixture, EXPECTED, ARRAY_COUNT(EXPECTED));
    AUTO_FREE char *cells = read_output(fixture, "readout_generation_cell_readouts.csv");
    assert_non_null(strstr(cells, ",0.625,false,false,true,false,N/A\n"));
}

static void a_name_cannot_break_the_table(void **state)
{
    const Fixture *fixture = *state;
    write_report(fixture, "a \"b\",\nc");
    AUTO_FREE char *text = read_output(fixture, "readout_generation_slide_readouts.csv");
    assert_non_null(strstr(text, "\nN/A,\"a \"\"b\"\", c\",0.5,165,"));
}

static void a_result_without_cells_and_tissue_is_written(void **state)
{
    Fixture *fixture = *state;
    memset(fixture->tissue, 0, sizeof fixture->tissue);
    memset(fixture->quality, QUALITY_NO_TISSUE, sizeof fixture->quality);
    fixture->result.cells = (CellList){NULL, 0, NULL, 0};
    write_report(fixture, "slide");
    AUTO_FREE char *cells = read_output(fixture, "cell_classification_geojson_polygons.json");
    assert_string_equal(cells, "{\"type\":\"FeatureCollection\",\"features\":[\n]}\n");
    AUTO_FREE char *text = read_output(fixture, "readout_generation_slide_readouts.csv");
    assert_non_null(strstr(text, "\nN/A,slide,0.5,0,0,N/A,"));
}

static void a_map_is_a_palette_image_with_its_resolution(void **state)
{
    const Fixture *fixture = *state;
    write_report(fixture, "slide");
    AUTO_FREE char *path =
        alloc_format("%s/tissue_segmentation_segmentation_map_image.tiff", fixture->folder);
    TIFF *tiff = TIFFOpen(path, "r");
    assert_non_null(tiff);
    uint32_t width = 0;
    uint16_t *palette[3] = {NULL};
    float pixels_per_cm = 0;
    assert_true(TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width));
    assert_int_equal(width, COLUMNS);
    assert_true(TIFFGetField(tiff, TIFFTAG_XRESOLUTION, &pixels_per_cm));
    assert_float_equal(pixels_per_cm, 2000, 0.01);
    assert_true(TIFFGetField(tiff, TIFFTAG_COLORMAP, &palette[0], &palette[1], &palette[2]));
    assert_int_equal(palette[0][TISSUE_STROMA], 90 * 257);
    assert_int_equal(palette[2][TISSUE_STROMA], 97 * 257);
    AUTO_FREE uint8_t *tile = alloc_array((size_t)TIFFTileSize(tiff), 1);
    assert_true(TIFFReadTile(tiff, tile, 0, 0, 0, 0) > 0);
    assert_memory_equal(tile, "\1\4\0\0\0", COLUMNS);
    assert_int_equal(TIFFNumberOfDirectories(tiff), 1);
    TIFFClose(tiff);
}

/* 1030 x 3 places, wider than one page may be: each place of the second page stands for four of
 * the first, of which the last row has only two. */
static void a_large_map_has_a_coarser_page(void **state)
{
    Fixture *fixture = *state;
    enum { WIDTH = 1030, HALF_WIDTH = 515 };
    AUTO_FREE uint8_t *classes = alloc_array((size_t)WIDTH * 3, 1);
    memset(classes, TISSUE_CARCINOMA, WIDTH);
    memset(classes + WIDTH, TISSUE_STROMA, WIDTH);
    memset(classes + (size_t)WIDTH * 2, TISSUE_VESSEL, WIDTH);
    classes[1] = TISSUE_STROMA; /* three of the first four are stroma */
    fixture->result.tissue = (ClassMap){WIDTH, 3, 10, 5, classes};
    write_report(fixture, "slide");
    AUTO_FREE char *path =
        alloc_format("%s/tissue_segmentation_segmentation_map_image.tiff", fixture->folder);
    TIFF *tiff = TIFFOpen(path, "r");
    assert_non_null(tiff);
    assert_int_equal(TIFFNumberOfDirectories(tiff), 2);
    assert_true(TIFFSetDirectory(tiff, 1));
    uint32_t size[2] = {0, 0};
    uint32_t kind = 0;
    float pixels_per_cm = 0;
    assert_true(TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &size[0]));
    assert_true(TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &size[1]));
    assert_true(TIFFGetField(tiff, TIFFTAG_SUBFILETYPE, &kind));
    assert_true(TIFFGetField(tiff, TIFFTAG_XRESOLUTION, &pixels_per_cm));
    assert_int_equal(size[0], HALF_WIDTH);
    assert_int_equal(size[1], 2);
    assert_int_equal(kind, FILETYPE_REDUCEDIMAGE);
    assert_float_equal(pixels_per_cm, 1000, 0.01);
    size_t tile_bytes = (size_t)TIFFTileSize(tiff);
    AUTO_FREE uint8_t *tile = alloc_array(tile_bytes, 1);
    assert_true(TIFFReadTile(tiff, tile, 0, 0, 0, 0) > 0);
    uint32_t tile_height = 0;
    assert_true(TIFFGetField(tiff, TIFFTAG_TILELENGTH, &tile_height));
    assert_int_equal(tile_height, 16); /* no more than is needed */
    uint8_t *below = tile + tile_bytes / tile_height;
    assert_int_equal(tile[0], TISSUE_STROMA);
    assert_int_equal(tile[1], TISSUE_CARCINOMA); /* two and two: the upper ones */
    assert_int_equal(below[0], TISSUE_VESSEL);
    assert_true(TIFFReadTile(tiff, tile, 512, 0, 0, 0) > 0);
    assert_int_equal(tile[2], TISSUE_CARCINOMA);
    assert_int_equal(tile[3], 0); /* beyond the map */
    TIFFClose(tiff);
}

static void a_folder_that_is_gone_is_named(void **state)
{
    const Fixture *fixture = *state;
    ReportOptions options = {
        .folder = "/nonexistent/folder", .slide_name = "slide", .version = REPORT_1_2_0};
    Error error = {0};
    assert_false(report_write(&fixture->result, &options, &error));
    assert_int_equal(error.code, ERROR_INTERNAL);
    assert_non_null(strstr(error.message, "/nonexistent/folder/"));
}

static void numbers_have_four_significant_digits(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } NUMBERS[] = {
        {0, "0"},
        {0.25, "0.25"},
        {1234.56, "1235"},
        {12345678, "12350000"},
        {99999, "100000"},
        {0.499049, "0.499"},
        {0.00012344, "0.0001234"},
        {1e-6, "1e-06"},
        {-12.3456, "-12.35"},
        {NAN, "N/A"},
        {INFINITY, "N/A"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(NUMBERS); i++) {
        char out[REPORT_NUMBER_BYTES];
        assert_string_equal(report_number(NUMBERS[i].value, out), NUMBERS[i].text);
    }
}

static void coordinates_have_one_digit_behind_the_point(void **state)
{
    (void)state;
    AUTO_BUFFER buffer;
    buffer_init(&buffer, 256);
    static const double VALUES[] = {0, 12, 0.04, 0.06, -3.25, 100000.95, -0.01};
    for (size_t i = 0; i < ARRAY_COUNT(VALUES); i++) {
        report_tenths(&buffer, VALUES[i]);
        buffer_byte(&buffer, ' ');
    }
    assert_string_equal(buffer_to_string(&buffer), "0 12 0 0.1 -3.3 100001 0 ");
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, make_fixture, remove_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(areas_end_at_the_border_of_the_image),
        WITH_FIXTURE(regions_are_polygons_in_level_0_pixels),
        WITH_FIXTURE(outlines_of_cells_are_counterclockwise_and_closed),
        WITH_FIXTURE(each_cell_has_a_line),
        WITH_FIXTURE(readouts_of_a_slide_are_sums_and_shares),
        WITH_FIXTURE(what_is_not_told_apart_is_missing),
        WITH_FIXTURE(a_name_cannot_break_the_table),
        WITH_FIXTURE(a_result_without_cells_and_tissue_is_written),
        WITH_FIXTURE(a_map_is_a_palette_image_with_its_resolution),
        WITH_FIXTURE(a_large_map_has_a_coarser_page),
        WITH_FIXTURE(a_folder_that_is_gone_is_named),
        cmocka_unit_test(numbers_have_four_significant_digits),
        cmocka_unit_test(coordinates_have_one_digit_behind_the_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
