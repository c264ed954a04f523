/* SPDX-License-Identifier: Apache-2.0 */
/* Which files there are; threads share them out; see report.h. */
#include "analysis/report.h"

#include <string.h>

#include "analysis/parallel.h"
#include "analysis/report_parts.h"
#include "base/alloc.h"

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

/* The maps, and where the artifacts of each begin. */
enum { QUALITY_MAP, TISSUE_MAP, MAP_COUNT };
static const int MAP_FIRST[MAP_COUNT] = {QUALITY_FIRST, TISSUE_FIRST};

/* What the files are made of. */
typedef struct Report {
    const AnalysisResult *result;
    const ReportOptions *options;
    ReportMap maps[MAP_COUNT];
    RegionList regions[MAP_COUNT];
    ClassSums sums[MAP_COUNT];
    Neighborhood *neighborhoods;
} Report;

static void report_clear(Report *report)
{
    for (int map = 0; map < MAP_COUNT; map++) {
        regions_clear(&report->regions[map]);
    }
    alloc_free(report->neighborhoods);
}

/* The files that take longest come first, so that threads end together. */
static const int WRITING_ORDER[REPORT_ARTIFACT_COUNT] = {
    CELL_TABLE,
    CELL_READOUTS,
    CELL_POLYGONS,
    TISSUE_FIRST + MAP_POLYGONS,
    TISSUE_FIRST + MAP_TABLE,
    SLIDE_READOUTS,
    TISSUE_FIRST + MAP_IMAGE,
    QUALITY_FIRST + MAP_POLYGONS,
    QUALITY_FIRST + MAP_TABLE,
    QUALITY_FIRST + MAP_IMAGE,
    QUALITY_FIRST + MAP_CLASSES,
    TISSUE_FIRST + MAP_CLASSES,
};

static bool write_map_file(const Report *report, int map, int artifact, Error *error)
{
    const ReportMap *source = &report->maps[map];
    const RegionList *regions = &report->regions[map];
    const char *folder = report->options->folder;
    const char *file = REPORT_ARTIFACTS[artifact].file;
    switch (artifact - MAP_FIRST[map]) {
    case MAP_IMAGE:
        return report_map_image(source, folder, file, error);
    case MAP_POLYGONS:
        return report_map_polygons(source, regions, folder, file, error);
    case MAP_CLASSES:
        return report_map_classes(source, &report->sums[map], folder, file, error);
    default:
        return report_map_table(source, regions, folder, file, error);
    }
}

static bool write_file(const Report *report, int artifact, Error *error)
{
    const AnalysisResult *result = report->result;
    const char *folder = report->options->folder;
    const char *file = REPORT_ARTIFACTS[artifact].file;
    SlideSums sums = {&report->sums[QUALITY_MAP], &report->sums[TISSUE_MAP],
                      &report->regions[TISSUE_MAP], report->neighborhoods};
    switch (artifact) {
    case CELL_POLYGONS:
        return report_cell_polygons(result, folder, file, error);
    case CELL_TABLE:
        return report_cell_table(result, folder, file, error);
    case CELL_READOUTS:
        return report_cell_readouts(result, folder, file, error);
    case SLIDE_READOUTS:
        return report_slide_readouts(result, &sums, report->options, file, error);
    default: {
        int map = artifact < TISSUE_FIRST ? QUALITY_MAP : TISSUE_MAP;
        return write_map_file(report, map, artifact, error);
    }
    }
}

static bool run_file(void *context, unsigned thread, uint32_t job, Error *error)
{
    (void)thread;
    const Report *report = context;
    int artifact = WRITING_ORDER[job];
    return REPORT_ARTIFACTS[artifact].since > report->options->version ||
           write_file(report, artifact, error);
}

static bool find_regions(void *context, unsigned thread, uint32_t job, Error *error)
{
    (void)thread;
    (void)error;
    Report *report = context;
    regions_find(report->maps[job].map, &report->regions[job]);
    class_sums_take(&report->maps[job], &report->regions[job], &report->sums[job]);
    return true;
}

static bool run_jobs(Report *report,
                     unsigned thread_count,
                     uint32_t job_count,
                     bool (*run)(void *context, unsigned thread, uint32_t job, Error *error),
                     Error *error)
{
    ParallelJobs jobs = {.job_count = job_count,
                         .thread_count = thread_count < job_count ? thread_count : job_count,
                         .context = report,
                         .run = run};
    return parallel_run(&jobs, error);
}

bool report_write(const AnalysisResult *result, const ReportOptions *options, Error *error)
{
    unsigned thread_count = parallel_thread_count(options->thread_count);
    CLEANUP(report_clear)
    Report report = {.result = result,
                     .options = options,
                     .maps = {quality_map(result), tissue_map(result)},
                     .neighborhoods = alloc_array(NEIGHBORHOOD_RADIUS_COUNT, sizeof(Neighborhood))};
    return run_jobs(&report, thread_count, MAP_COUNT, find_regions, error) &&
           neighborhoods_count(result, thread_count, report.neighborhoods, error) &&
           run_jobs(&report, thread_count, REPORT_ARTIFACT_COUNT, run_file, error);
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
