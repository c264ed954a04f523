/* SPDX-License-Identifier: Apache-2.0 */
/* Which files there are, and in which order they are written; see report.h. */
#include "analysis/report.h"

#include <string.h>

#include "analysis/report_parts.h"

/* The places of a map's files in the list. */
enum { MAP_IMAGE, MAP_POLYGONS, MAP_CLASSES, MAP_TABLE, MAP_ARTIFACT_COUNT };
enum {
    QUALITY_FIRST = 0,
    TISSUE_FIRST = QUALITY_FIRST + MAP_ARTIFACT_COUNT,
    CELL_POLYGONS = TISSUE_FIRST + MAP_ARTIFACT_COUNT,
    CELL_TABLE,
    SLIDE_READOUTS,
    CELL_READOUTS,
    REPORT_ARTIFACT_COUNT
};

#define TIFF_TYPE "image/tiff"
#define GEOJSON_TYPE "application/geo+json"
#define CSV_TYPE "text/csv"
#define PARQUET_TYPE "application/vnd.apache.parquet"

typedef struct ReportArtifact {
    const char *name; /* as the manifest declares it */
    const char *file;
    const char *mime_type;
    ReportVersion since;
} ReportArtifact;

static const ReportArtifact REPORT_ARTIFACTS[REPORT_ARTIFACT_COUNT] = {
    {"tissue_qc:segmentation_map_image", "tissue_qc_segmentation_map_image.tiff", TIFF_TYPE,
     REPORT_1_0_0},
    {"tissue_qc:geojson_polygons", "tissue_qc_geojson_polygons.json", GEOJSON_TYPE, REPORT_1_0_0},
    {"tissue_qc:csv_class_information", "tissue_qc_csv_class_information.csv", CSV_TYPE,
     REPORT_1_0_0},
    {"tissue_qc:parquet_polygons", "tissue_qc_parquet_polygons.parquet", PARQUET_TYPE,
     REPORT_1_2_0},
    {"tissue_segmentation:segmentation_map_image",
     "tissue_segmentation_segmentation_map_image.tiff", TIFF_TYPE, REPORT_1_0_0},
    {"tissue_segmentation:geojson_polygons", "tissue_segmentation_geojson_polygons.json",
     GEOJSON_TYPE, REPORT_1_0_0},
    {"tissue_segmentation:csv_class_information", "tissue_segmentation_csv_class_information.csv",
     CSV_TYPE, REPORT_1_0_0},
    {"tissue_segmentation:parquet_polygons", "tissue_segmentation_parquet_polygons.parquet",
     PARQUET_TYPE, REPORT_1_2_0},
    {"cell_classification:geojson_polygons", "cell_classification_geojson_polygons.json",
     GEOJSON_TYPE, REPORT_1_0_0},
    {"cell_classification:parquet_polygons", "cell_classification_parquet_polygons.parquet",
     PARQUET_TYPE, REPORT_1_2_0},
    {"readout_generation:slide_readouts", "readout_generation_slide_readouts.csv", CSV_TYPE,
     REPORT_1_0_0},
    {"readout_generation:cell_readouts", "readout_generation_cell_readouts.csv", CSV_TYPE,
     REPORT_1_0_0},
};

const char *const REPORT_VERSION_NUMBERS[REPORT_VERSION_COUNT] = {
    [REPORT_1_0_0] = "1.0.0",
    [REPORT_1_2_0] = "1.2.0",
};

bool report_version_find(const char *number, ReportVersion *version_out, Error *error)
{
    for (int i = 0; i < REPORT_VERSION_COUNT; i++) {
        if (strcmp(number, REPORT_VERSION_NUMBERS[i]) == 0) {
            *version_out = (ReportVersion)i;
            return true;
        }
    }
    return error_set(error, ERROR_NOT_FOUND, "this program has no version '%.40s'", number);
}

static ReportMap quality_map(const AnalysisResult *result)
{
    return (ReportMap){&result->quality, QUALITY_CLASSES, QUALITY_CLASS_COUNT, result};
}

static ReportMap tissue_map(const AnalysisResult *result)
{
    return (ReportMap){&result->tissue, TISSUE_CLASSES, TISSUE_CLASS_COUNT, result};
}

/* Whether the version has the artifact. */
static bool wanted(const ReportOptions *options, int artifact)
{
    return REPORT_ARTIFACTS[artifact].since <= options->version;
}

static bool write_map(const ReportMap *map,
                      const ReportOptions *options,
                      int first,
                      ClassSums *sums_out,
                      Error *error)
{
    const ReportArtifact *artifacts = &REPORT_ARTIFACTS[first];
    const char *folder = options->folder;
    AUTO_REGIONS regions = {.map = NULL};
    regions_find(map->map, &regions);
    class_sums_take(map, &regions, sums_out);
    return report_map_image(map, folder, artifacts[MAP_IMAGE].file, error) &&
           report_map_polygons(map, &regions, folder, artifacts[MAP_POLYGONS].file, error) &&
           report_map_classes(map, sums_out, folder, artifacts[MAP_CLASSES].file, error) &&
           (!wanted(options, first + MAP_TABLE) ||
            report_map_table(map, &regions, folder, artifacts[MAP_TABLE].file, error));
}

static bool write_cells(const AnalysisResult *result, const ReportOptions *options, Error *error)
{
    const char *folder = options->folder;
    return report_cell_polygons(result, folder, REPORT_ARTIFACTS[CELL_POLYGONS].file, error) &&
           (!wanted(options, CELL_TABLE) ||
            report_cell_table(result, folder, REPORT_ARTIFACTS[CELL_TABLE].file, error));
}

bool report_write(const AnalysisResult *result, const ReportOptions *options, Error *error)
{
    ReportMap quality = quality_map(result);
    ReportMap tissue = tissue_map(result);
    ClassSums quality_sums;
    ClassSums tissue_sums;
    SlideSums sums = {&quality_sums, &tissue_sums};
    return write_map(&quality, options, QUALITY_FIRST, &quality_sums, error) &&
           write_map(&tissue, options, TISSUE_FIRST, &tissue_sums, error) &&
           write_cells(result, options, error) &&
           report_slide_readouts(result, &sums, options, REPORT_ARTIFACTS[SLIDE_READOUTS].file,
                                 error) &&
           report_cell_readouts(result, options->folder, REPORT_ARTIFACTS[CELL_READOUTS].file,
                                error);
}

static void describe_map(const ReportMap *map, JsonWriter *writer)
{
    writer_key_integer(writer, "width_px", map->map->width_px);
    writer_key_integer(writer, "height_px", map->map->height_px);
    writer_key(writer, "resolution_mpp");
    writer_number(writer, map->map->mpp, 6);
    writer_key(writer, "class_colors");
    writer_begin_object(writer);
    for (int class = 1; class < map->class_count; class ++) {
        writer_key(writer, map->classes[class].name);
        writer_begin_array(writer);
        for (int channel = 0; channel < 3; channel++) {
            writer_integer(writer, map->classes[class].color[channel]);
        }
        writer_end_array(writer);
    }
    writer_end_object(writer);
}

void report_describe(const AnalysisResult *result, ReportVersion version, JsonWriter *writer)
{
    ReportMap quality = quality_map(result);
    ReportMap tissue = tissue_map(result);
    writer_begin_array(writer);
    for (int i = 0; i < REPORT_ARTIFACT_COUNT; i++) {
        if (REPORT_ARTIFACTS[i].since > version) {
            continue;
        }
        writer_begin_object(writer);
        writer_key_string(writer, "name", REPORT_ARTIFACTS[i].name);
        writer_key_string(writer, "path", REPORT_ARTIFACTS[i].file);
        writer_key(writer, "metadata");
        writer_begin_object(writer);
        if (i == QUALITY_FIRST + MAP_IMAGE) {
            describe_map(&quality, writer);
        } else if (i == TISSUE_FIRST + MAP_IMAGE) {
            describe_map(&tissue, writer);
        }
        writer_end_object(writer);
        writer_end_object(writer);
    }
    writer_end_array(writer);
}
