/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The readouts of a slide: one line under its column names. A share of nothing is missing, and so
 * is what is said of a class that was not told apart.
 */
#include <assert.h>
#include <math.h>

#include "analysis/region_shapes.h"
#include "analysis/report_file.h"
#include "analysis/report_parts.h"
#include "analysis/report_table.h"
#include "analysis/shape.h"
#include "base/alloc.h"

/* The orders of the columns, which differ from those of the classes. */
static const QualityClass QUALITY_ORDER[] = {QUALITY_TISSUE_ARTIFACT, QUALITY_NO_TISSUE,
                                             QUALITY_MARKER, QUALITY_OUT_OF_FOCUS,
                                             QUALITY_VALID_TISSUE};
static const TissueClass TISSUE_ORDER[] = {TISSUE_CARCINOMA, TISSUE_EPITHELIAL, TISSUE_NECROSIS,
                                           TISSUE_STROMA,    TISSUE_OTHER,      TISSUE_BLOOD,
                                           TISSUE_VESSEL};
static const CellClass CELL_ORDER[] = {CELL_CARCINOMA,  CELL_ENDOTHELIAL, CELL_EPITHELIAL,
                                       CELL_FIBROBLAST, CELL_GRANULOCYTE, CELL_LYMPHOCYTE,
                                       CELL_MACROPHAGE, CELL_OTHER,       CELL_PLASMA};
_Static_assert(ARRAY_COUNT(QUALITY_ORDER) == (size_t)QUALITY_CLASS_COUNT - 1, "every class");
_Static_assert(ARRAY_COUNT(TISSUE_ORDER) == (size_t)TISSUE_CLASS_COUNT - 1, "every class");
_Static_assert(ARRAY_COUNT(CELL_ORDER) == (size_t)CELL_CLASS_COUNT - 1, "every class");

/* Sums over the nuclei of one class, or of all. */
typedef struct NucleusSums {
    int64_t count;
    int64_t counts[TISSUE_CLASS_COUNT]; /* by tissue */
    double area_um2;
    double roundness;
    double major_axis_um;
    double minor_axis_um;
    double perimeter_um;
} NucleusSums;

/* Cells of class x beside centres of class y in a tissue, and whether all three are told. */
typedef struct Encounter {
    const char *x;
    const char *y;
    const char *tissue;
    int radius_um;
    bool known;
} Encounter;

static bool quality_known(const AnalysisResult *result, QualityClass class)
{
    return (result->untold.quality & class_bit(class)) == 0;
}

static bool tissue_known(const AnalysisResult *result, TissueClass class)
{
    return (result->untold.tissue & class_bit(class)) == 0;
}

static bool cell_known(const AnalysisResult *result, CellClass class)
{
    return (result->untold.cells & class_bit(class)) == 0;
}

static double number_if(bool known, double value)
{
    return known ? value : (double)NAN;
}

static int64_t count_if(bool known, int64_t count)
{
    return known ? count : -1;
}

static double sum_of_classes(const ClassSums *sums, int class_count)
{
    double sum = 0;
    for (int class = 1; class < class_count; class ++) {
        sum += sums->areas_um2[class];
    }
    return sum;
}

/* Glass is not measured: its two values are missing, and relative areas are shares of the rest. */
static void add_quality_areas(ReportTable *table,
                              const AnalysisResult *result,
                              const ClassSums *sums,
                              double total_um2)
{
    for (size_t i = 0; i < ARRAY_COUNT(QUALITY_ORDER); i++) {
        QualityClass class = QUALITY_ORDER[i];
        const char *column = QUALITY_CLASSES[class].column;
        bool known = class != QUALITY_NO_TISSUE && quality_known(result, class);
        double area_um2 = number_if(known, sums->areas_um2[class]);
        report_table_number(table, area_um2, "ABSOLUTE_AREA_%s", column);
        report_table_number(table, 100 * report_share(area_um2, total_um2), "RELATIVE_AREA_%s",
                            column);
    }
}

static void
add_tissue_areas(ReportTable *table, const AnalysisResult *result, const ClassSums *sums)
{
    double total_um2 = sum_of_classes(sums, TISSUE_CLASS_COUNT);
    for (size_t i = 0; i < ARRAY_COUNT(TISSUE_ORDER); i++) {
        TissueClass class = TISSUE_ORDER[i];
        const char *column = TISSUE_CLASSES[class].column;
        double area_um2 = number_if(tissue_known(result, class), sums->areas_um2[class]);
        report_table_number(table, area_um2, "ABSOLUTE_AREA_%s", column);
        report_table_number(table, 100 * report_share(area_um2, total_um2), "RELATIVE_AREA_%s",
                            column);
    }
}

static void
add_region_shapes(ReportTable *table, const RegionShapes *shapes, bool known, const char *column)
{
    double count = known ? (double)shapes->count : 0;
    bool some = count > 0;
    double roundness = report_share(shapes->roundness_sum, count);
    const RegionShape *largest = &shapes->largest;
    report_table_count(table, count_if(known, shapes->count), "REGION_COUNT_%s", column);
    report_table_number(table, 1 - roundness, "AVG_ECCENTRICITY_%s", column);
    report_table_number(table, report_share(shapes->extent_um2_sum, count), "AVG_EXTENT_%s",
                        column);
    report_table_number(table, report_share(shapes->solidity_sum, count), "AVG_SOLIDICITY_%s",
                        column);
    report_table_number(table, number_if(some, largest->convex_area_um2), "LARGEST_CONVEX_AREA_%s",
                        column);
    report_table_number(table, number_if(some, largest->filled_area_um2), "LARGEST_FILLED_AREA_%s",
                        column);
    report_table_number(table, number_if(some, largest->roundness), "LARGEST_ROUNDNESS_%s", column);
    report_table_number(table, number_if(some, largest->major_axis_um), "LARGEST_MAJ_AXIS_%s",
                        column);
    report_table_number(table, number_if(some, largest->minor_axis_um), "LARGEST_MNR_AXIS_%s",
                        column);
    report_table_number(table, number_if(some, largest->perimeter_um), "LARGEST_PERIMETER_%s",
                        column);
    report_table_number(table, number_if(some, largest->solidity), "LARGEST_SOLIDICITY_%s", column);
    report_table_number(table, number_if(some, 1 - largest->roundness), "LARGEST_ECCENTRICITY_%s",
                        column);
}

static void add_regions(ReportTable *table, const AnalysisResult *result, const RegionList *regions)
{
    RegionShapes shapes[TISSUE_CLASS_COUNT];
    region_shapes_take(regions, shapes, TISSUE_CLASS_COUNT);
    for (size_t i = 0; i < ARRAY_COUNT(TISSUE_ORDER); i++) {
        TissueClass class = TISSUE_ORDER[i];
        add_region_shapes(table, &shapes[class], tissue_known(result, class),
                          TISSUE_CLASSES[class].column);
    }
}

static void add_nucleus(NucleusSums *sums, const Cell *cell)
{
    sums->count++;
    sums->counts[cell->tissue_class]++;
    sums->area_um2 += (double)cell->area_um2;
    sums->roundness += shape_roundness((double)cell->area_um2, (double)cell->perimeter_um);
    sums->major_axis_um += (double)cell->major_axis_um;
    sums->minor_axis_um += (double)cell->minor_axis_um;
    sums->perimeter_um += (double)cell->perimeter_um;
}

static void add_class_names(ReportTable *table, const AnalysisResult *result)
{
    AUTO_BUFFER names;
    buffer_init(&names, 1024);
    for (int class = 1; class < CELL_CLASS_COUNT; class ++) {
        if (cell_known(result, (CellClass) class)) {
            buffer_format(&names, "%s%s", names.length == 0 ? "" : ";", CELL_CLASSES[class].name);
        }
    }
    report_table_text(table, buffer_to_string(&names), "CELL_CLASSES");
}

static void add_all_cells(ReportTable *table, const NucleusSums *all)
{
    double count = (double)all->count;
    double roundness = report_share(all->roundness, count);
    report_table_count(table, all->count, "CELL_N_TOTAL");
    report_table_number(table, report_share(all->area_um2, count), "NUCLEUS_AVG_AREA");
    report_table_number(table, roundness, "NUCLEUS_AVG_ROUNDNESS");
    report_table_number(table, 1 - roundness, "NUCLEUS_AVG_ECCENTRICITY");
    report_table_number(table, report_share(all->major_axis_um, count), "NUCLEUS_AVG_MAJ_AXIS");
    report_table_number(table, report_share(all->minor_axis_um, count), "NUCLEUS_AVG_MNR_AXIS");
    report_table_number(table, report_share(all->perimeter_um, count), "NUCLEUS_AVG_PERIMETER");
}

static void
add_class_averages(ReportTable *table, const char *column, const NucleusSums *class, bool known)
{
    double count = known ? (double)class->count : 0;
    double roundness = report_share(class->roundness, count);
    report_table_count(table, count_if(known, class->count), "CELL_COUNT_%s", column);
    report_table_number(table, report_share(class->area_um2, count), "NUCLEUS_AVG_AREA_%s", column);
    report_table_number(table, roundness, "NUCLEUS_AVG_ROUNDNESS_%s", column);
    report_table_number(table, 1 - roundness, "NUCLEUS_AVG_ECCENTRICITY_%s", column);
    report_table_number(table, report_share(class->perimeter_um, count), "NUCLEUS_AVG_PERIMETER_%s",
                        column);
}

static void add_cell_class(ReportTable *table,
                           const AnalysisResult *result,
                           CellClass cell_class,
                           const NucleusSums *sums,
                           const ClassSums *tissue)
{
    const NucleusSums *all = &sums[CELL_NONE];
    const NucleusSums *class = &sums[cell_class];
    const char *column = CELL_CLASSES[cell_class].column;
    bool class_known = cell_known(result, cell_class);
    double class_count = number_if(class_known, (double)class->count);
    double tissue_um2 = sum_of_classes(tissue, TISSUE_CLASS_COUNT);
    add_class_averages(table, column, class, class_known);
    report_table_number(table, 100 * report_share(class_count, (double)all->count),
                        "CELL_PERCENTAGE_%s", column);
    report_table_number(table, report_share(class_count, tissue_um2), "CELL_DENSITY_%s", column);
    for (int i = 0; i < NUCLEATED_TISSUE_COUNT; i++) {
        TissueClass place = NUCLEATED_TISSUES[i];
        const char *place_column = TISSUE_CLASSES[place].column;
        bool known = class_known && tissue_known(result, place);
        double count = number_if(known, (double)class->counts[place]);
        report_table_count(table, count_if(known, class->counts[place]), "CELL_COUNT_%s_%s", column,
                           place_column);
        report_table_number(table, 100 * report_share(count, (double)all->counts[place]),
                            "CELL_PERCENTAGE_%s_%s", column, place_column);
        report_table_number(table, report_share(count, tissue->areas_um2[place]),
                            "CELL_DENSITY_%s_%s", column, place_column);
    }
}

static void add_cells(ReportTable *table, const AnalysisResult *result, const ClassSums *tissue)
{
    NucleusSums sums[CELL_CLASS_COUNT] = {{.count = 0}}; /* of all at CELL_NONE */
    for (uint32_t i = 0; i < result->cells.count; i++) {
        cell_list_rest(&result->cells, i);
        add_nucleus(&sums[CELL_NONE], &result->cells.cells[i]);
        add_nucleus(&sums[result->cells.cells[i].cell_class], &result->cells.cells[i]);
    }
    add_class_names(table, result);
    add_all_cells(table, &sums[CELL_NONE]);
    for (size_t i = 0; i < ARRAY_COUNT(CELL_ORDER); i++) {
        add_cell_class(table, result, CELL_ORDER[i], sums, tissue);
    }
}

static void add_encounter(ReportTable *table,
                          const Encounter *at,
                          const NeighborCounts *counts,
                          double area_um2,
                          double total)
{
    double neighbors = number_if(at->known, (double)counts->neighbors);
    report_table_count(table, count_if(at->known, (int64_t)counts->centers),
                       "NUMBER_OF_CELLS_WITH_%s_NEIGHBORS_AROUND_%s_IN_%s_%d", at->x, at->y,
                       at->tissue, at->radius_um);
    report_table_count(table, count_if(at->known, (int64_t)counts->neighbors),
                       "NUMBER_OF_%sS_AROUND_%s_IN_%s_%d", at->x, at->y, at->tissue, at->radius_um);
    report_table_number(table, report_share(neighbors, area_um2),
                        "DENSITY_OF_%sS_AROUND_%s_IN_%s_%d", at->x, at->y, at->tissue,
                        at->radius_um);
    report_table_number(table, report_share(neighbors, total), "RATIO_OF_%sS_AROUND_%s_IN_%s_%d",
                        at->x, at->y, at->tissue, at->radius_um);
    report_table_number(table, number_if(at->known, neighbor_distance_mean(counts)),
                        "AVG_MIN_DISTANCE_OF_%sS_AROUND_%s_IN_%s_%d", at->x, at->y, at->tissue,
                        at->radius_um);
}

/* The columns of one class in one tissue: what is around it, and how often it is around others. */
static void add_surroundings(ReportTable *table,
                             const AnalysisResult *result,
                             const Neighborhood *neighborhood,
                             CellClass class,
                             int tissue,
                             int radius_um)
{
    TissueClass place = NUCLEATED_TISSUES[tissue];
    Encounter at = {CELL_CLASSES[class].column, NULL, TISSUE_CLASSES[place].column, radius_um,
                    false};
    bool known = cell_known(result, class) && tissue_known(result, place);
    double area_um2 = (double)neighborhood->areas_um2[class][tissue];
    int64_t total = (int64_t)neighborhood_total(neighborhood, class, tissue);
    report_table_number(table, number_if(known, area_um2), "AREA_AROUND_%s_IN_%s_%d", at.x,
                        at.tissue, radius_um);
    report_table_count(table, count_if(known, total),
                       "TOTAL_NUMBER_OF_NEIGHBORS_AROUND_%s_IN_%s_%d", at.x, at.tissue, radius_um);
    for (size_t i = 0; i < ARRAY_COUNT(CELL_ORDER); i++) {
        CellClass center = CELL_ORDER[i];
        at.y = CELL_CLASSES[center].column;
        at.known = known && cell_known(result, center);
        add_encounter(table, &at, &neighborhood->counts[class][center][tissue],
                      (double)neighborhood->areas_um2[center][tissue],
                      (double)neighborhood_total(neighborhood, center, tissue));
    }
}

static void add_neighborhoods(ReportTable *table,
                              const AnalysisResult *result,
                              const Neighborhood neighborhoods[NEIGHBORHOOD_RADIUS_COUNT])
{
    for (int radius = 0; radius < NEIGHBORHOOD_RADIUS_COUNT; radius++) {
        for (size_t i = 0; i < ARRAY_COUNT(CELL_ORDER); i++) {
            for (int tissue = 0; tissue < NUCLEATED_TISSUE_COUNT; tissue++) {
                add_surroundings(table, result, &neighborhoods[radius], CELL_ORDER[i], tissue,
                                 NEIGHBORHOOD_RADII_UM[radius]);
            }
        }
    }
}

static bool
write_table(const ReportTable *table, const char *folder, const char *name, Error *error)
{
    AUTO_REPORT_FILE file = {.path = NULL};
    if (!report_file_create(&file, folder, name, error)) {
        return false;
    }
    buffer_string(&file.buffer, REPORT_COMMENT);
    buffer_text(&file.buffer, buffer_view(&table->names));
    buffer_byte(&file.buffer, '\n');
    buffer_text(&file.buffer, buffer_view(&table->values));
    buffer_byte(&file.buffer, '\n');
    return report_file_finish(&file, error);
}

bool report_slide_readouts(const AnalysisResult *result,
                           const SlideSums *sums,
                           const ReportOptions *options,
                           const char *name,
                           Error *error)
{
    AUTO_REPORT_TABLE table;
    report_table_init(&table);
    double total_um2 = sum_of_classes(sums->quality, QUALITY_CLASS_COUNT) -
                       sums->quality->areas_um2[QUALITY_NO_TISSUE];
    report_table_text(&table, options->slide_id, "SLIDE_UUID");
    report_table_text(&table, options->slide_name, "SLIDE_NAME");
    report_table_number(&table, result->mpp, "IMAGE_RESOLUTION");
    report_table_number(&table, total_um2, "ABSOLUTE_AREA");
    add_quality_areas(&table, result, sums->quality, total_um2);
    add_tissue_areas(&table, result, sums->tissue);
    add_regions(&table, result, sums->tissue_regions);
    add_cells(&table, result, sums->tissue);
    add_neighborhoods(&table, result, sums->neighborhoods);
    assert(!table.names.overflow);
    return write_table(&table, options->folder, name, error);
}
