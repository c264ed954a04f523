/* SPDX-License-Identifier: Apache-2.0 */
/* Which files there are, and in which order they are written; see report.h. */
#include "analysis/report.h"

#include <string.h>

#include "analysis/report_parts.h"

/* The places of a map's files in the list. */
enum { MAP_IMAGE, MAP_POLYGONS, MAP_CLASSES, MAP_ARTIFACT_COUNT };
enum { QUALITY_FIRST = 0, TISSUE_FIRST = 3, CELL_POLYGONS = 6, SLIDE_READOUTS, CELL_READOUTS };

const ReportArtifact REPORT_ARTIFACTS[REPORT_ARTIFACT_COUNT] = {
    {"tissue_qc:segmentation_map_image", "tissue_qc_segmentation_map_image.tiff", "image/tiff"},
    {"tissue_qc:geojson_polygons", "tissue_qc_geojson_polygons.json", "application/geo+json"},
    {"tissue_qc:csv_class_information", "tissue_qc_csv_class_information.csv", "text/csv"},
    {"tissue_segmentation:segmentation_map_image",
     "tissue_segmentation_segmentation_map_image.tiff", "image/tiff"},
    {"tissue_segmentation:geojson_polygons", "tissue_segmentation_geojson_polygons.json",
     "application/geo+json"},
    {"tissue_segmentation:csv_class_information", "tissue_segmentation_csv_class_information.csv",
     "text/csv"},
    {"cell_classification:geojson_polygons", "cell_classification_geojson_polygons.json",
     "application/geo+json"},
    {"readout_generation:slide_readouts", "readout_generation_slide_readouts.csv", "text/csv"},
    {"readout_generation:cell_readouts", "readout_generation_cell_readouts.csv", "text/csv"},
};

static ReportMap quality_map(const AnalysisResult *result)
{
    return (ReportMap){&result->quality, QUALITY_CLASSES, QUALITY_CLASS_COUNT, result};
}

static ReportMap tissue_map(const AnalysisResult *result)
{
    return (ReportMap){&result->tissue, TISSUE_CLASSES, TISSUE_CLASS_COUNT, result};
}

static bool
write_map(const ReportMap *map, const char *folder, int first, ClassSums *sums_out, Error *error)
{
    const ReportArtifact *artifacts = &REPORT_ARTIFACTS[first];
    AUTO_REGIONS regions = {.map = NULL};
    regions_find(map->map, &regions);
    class_sums_take(map, &regions, sums_out);
    return report_map_image(map, folder, artifacts[MAP_IMAGE].file, error) &&
           report_map_polygons(map, &regions, folder, artifacts[MAP_POLYGONS].file, error) &&
           report_map_classes(map, sums_out, folder, artifacts[MAP_CLASSES].file, error);
}

bool report_write(const AnalysisResult *result, const ReportOptions *options, Error *error)
{
    ReportMap quality = quality_map(result);
    ReportMap tissue = tissue_map(result);
    ClassSums quality_sums;
    ClassSums tissue_sums;
    SlideSums sums = {&quality_sums, &tissue_sums};
    const char *folder = options->folder;
    return write_map(&quality, folder, QUALITY_FIRST, &quality_sums, error) &&
           write_map(&tissue, folder, TISSUE_FIRST, &tissue_sums, error) &&
           report_cell_polygons(result, folder, REPORT_ARTIFACTS[CELL_POLYGONS].file, error) &&
           report_slide_readouts(result, &sums, options, REPORT_ARTIFACTS[SLIDE_READOUTS].file,
                                 error) &&
           report_cell_readouts(result, folder, REPORT_ARTIFACTS[CELL_READOUTS].file, error);
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

void report_describe(const AnalysisResult *result, JsonWriter *writer)
{
    ReportMap quality = quality_map(result);
    ReportMap tissue = tissue_map(result);
    writer_begin_array(writer);
    for (int i = 0; i < REPORT_ARTIFACT_COUNT; i++) {
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
