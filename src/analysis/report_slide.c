/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The readouts of a slide: one line under its column names. Each value is written together with
 * its name, so that they cannot come apart. A share of nothing is missing ("N/A"), not zero.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "analysis/neighborhoods.h"
#include "analysis/report_file.h"
#include "analysis/report_parts.h"

enum { LINE_BYTES_MAX = 256 * 1024, COLUMN_BYTES_MAX = 128 };

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

/* Column names and values, side by side. */
typedef struct Table {
    Buffer names;
    Buffer values;
} Table;

static void cleanup_table(Table *table)
{
    buffer_clear(&table->names);
    buffer_clear(&table->values);
}

/* Sums over the nuclei of one class, or of all. */
typedef struct NucleusSums {
    uint64_t count;
    uint64_t counts[TISSUE_CLASS_COUNT]; /* by tissue */
    double area_um2;
    double roundness;
    double major_axis_um;
    double minor_axis_um;
    double perimeter_um;
} NucleusSums;

static void PRINTF_LIKE(2, 3) add_name(Table *table, const char *format, ...)
{
    char name[COLUMN_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    if (table->names.length > 0) {
        buffer_byte(&table->names, ',');
        buffer_byte(&table->values, ',');
    }
    buffer_string(&table->names, name);
}

static void add_number(Table *table, double value)
{
    char number[REPORT_NUMBER_BYTES];
    buffer_string(&table->values, report_number(value, number));
}

static void add_count(Table *table, uint64_t count)
{
    buffer_format(&table->values, "%llu", (unsigned long long)count);
}

/* RFC 4180: "Fields containing line breaks (CRLF), double quotes, and commas should be enclosed in
 * double-quotes." Line breaks would also break the table for readers by line: they become spaces.
 */
static void add_text(Table *table, const char *text)
{
    if (text == NULL || text[0] == '\0') {
        buffer_string(&table->values, "N/A");
        return;
    }
    bool quoted = strpbrk(text, ",\"\r\n") != NULL;
    if (quoted) {
        buffer_byte(&table->values, '"');
    }
    for (const char *place = text; *place != '\0'; place++) {
        bool line_break = *place == '\r' || *place == '\n';
        buffer_byte(&table->values, line_break ? ' ' : *place);
        if (*place == '"') {
            buffer_byte(&table->values, '"');
        }
    }
    if (quoted) {
        buffer_byte(&table->values, '"');
    }
}

static double share(double part, double whole)
{
    return whole > 0 ? part / whole : (double)NAN;
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
static void add_quality_areas(Table *table, const ClassSums *sums, double total_um2)
{
    for (size_t i = 0; i < ARRAY_COUNT(QUALITY_ORDER); i++) {
        QualityClass class = QUALITY_ORDER[i];
        double area_um2 = class == QUALITY_NO_TISSUE ? (double)NAN : sums->areas_um2[class];
        add_name(table, "ABSOLUTE_AREA_%s", QUALITY_CLASSES[class].column);
        add_number(table, area_um2);
        add_name(table, "RELATIVE_AREA_%s", QUALITY_CLASSES[class].column);
        add_number(table, 100 * share(area_um2, total_um2));
    }
}

static void add_tissue_areas(Table *table, const ClassSums *sums)
{
    double total_um2 = sum_of_classes(sums, TISSUE_CLASS_COUNT);
    for (size_t i = 0; i < ARRAY_COUNT(TISSUE_ORDER); i++) {
        TissueClass class = TISSUE_ORDER[i];
        add_name(table, "ABSOLUTE_AREA_%s", TISSUE_CLASSES[class].column);
        add_number(table, sums->areas_um2[class]);
        add_name(table, "RELATIVE_AREA_%s", TISSUE_CLASSES[class].column);
        add_number(table, 100 * share(sums->areas_um2[class], total_um2));
    }
    for (size_t i = 0; i < ARRAY_COUNT(TISSUE_ORDER); i++) {
        TissueClass class = TISSUE_ORDER[i];
        add_name(table, "REGION_COUNT_%s", TISSUE_CLASSES[class].column);
        add_count(table, sums->region_counts[class]);
    }
}

static void add_nucleus(NucleusSums *sums, const Cell *cell)
{
    sums->count++;
    sums->counts[cell->tissue_class]++;
    sums->area_um2 += (double)cell->area_um2;
    sums->roundness += (double)cell->roundness;
    sums->major_axis_um += (double)cell->major_axis_um;
    sums->minor_axis_um += (double)cell->minor_axis_um;
    sums->perimeter_um += (double)cell->perimeter_um;
}

static void add_all_cells(Table *table, const NucleusSums *all)
{
    add_name(table, "CELL_CLASSES");
    for (int class = 1; class < CELL_CLASS_COUNT; class ++) {
        buffer_format(&table->values, "%s%s", class == 1 ? "" : ";", CELL_CLASSES[class].name);
    }
    double count = (double)all->count;
    add_name(table, "CELL_N_TOTAL");
    add_count(table, all->count);
    add_name(table, "NUCLEUS_AVG_AREA");
    add_number(table, share(all->area_um2, count));
    add_name(table, "NUCLEUS_AVG_ROUNDNESS");
    add_number(table, share(all->roundness, count));
    add_name(table, "NUCLEUS_AVG_ECCENTRICITY");
    add_number(table, 1 - share(all->roundness, count));
    add_name(table, "NUCLEUS_AVG_MAJ_AXIS");
    add_number(table, share(all->major_axis_um, count));
    add_name(table, "NUCLEUS_AVG_MNR_AXIS");
    add_number(table, share(all->minor_axis_um, count));
    add_name(table, "NUCLEUS_AVG_PERIMETER");
    add_number(table, share(all->perimeter_um, count));
}

static void add_class_averages(Table *table, const char *column, const NucleusSums *class)
{
    double count = (double)class->count;
    add_name(table, "CELL_COUNT_%s", column);
    add_count(table, class->count);
    add_name(table, "NUCLEUS_AVG_AREA_%s", column);
    add_number(table, share(class->area_um2, count));
    add_name(table, "NUCLEUS_AVG_ROUNDNESS_%s", column);
    add_number(table, share(class->roundness, count));
    add_name(table, "NUCLEUS_AVG_ECCENTRICITY_%s", column);
    add_number(table, 1 - share(class->roundness, count));
    add_name(table, "NUCLEUS_AVG_PERIMETER_%s", column);
    add_number(table, share(class->perimeter_um, count));
}

static void add_cell_class(Table *table,
                           CellClass cell_class,
                           const NucleusSums *class,
                           const NucleusSums *all,
                           const ClassSums *tissue)
{
    const char *column = CELL_CLASSES[cell_class].column;
    double tissue_um2 = sum_of_classes(tissue, TISSUE_CLASS_COUNT);
    add_class_averages(table, column, class);
    add_name(table, "CELL_PERCENTAGE_%s", column);
    add_number(table, 100 * share((double)class->count, (double)all->count));
    add_name(table, "CELL_DENSITY_%s", column);
    add_number(table, share((double)class->count, tissue_um2));
    for (int i = 0; i < NUCLEATED_TISSUE_COUNT; i++) {
        TissueClass place = NUCLEATED_TISSUES[i];
        const char *place_column = TISSUE_CLASSES[place].column;
        double count = (double)class->counts[place];
        add_name(table, "CELL_COUNT_%s_%s", column, place_column);
        add_count(table, class->counts[place]);
        add_name(table, "CELL_PERCENTAGE_%s_%s", column, place_column);
        add_number(table, 100 * share(count, (double)all->counts[place]));
        add_name(table, "CELL_DENSITY_%s_%s", column, place_column);
        add_number(table, share(count, tissue->areas_um2[place]));
    }
}

static void add_cells(Table *table, const CellList *cells, const ClassSums *tissue)
{
    NucleusSums all = {.count = 0};
    NucleusSums classes[CELL_CLASS_COUNT] = {{.count = 0}};
    for (uint32_t i = 0; i < cells->count; i++) {
        add_nucleus(&all, &cells->cells[i]);
        add_nucleus(&classes[cells->cells[i].cell_class], &cells->cells[i]);
    }
    add_all_cells(table, &all);
    for (size_t i = 0; i < ARRAY_COUNT(CELL_ORDER); i++) {
        add_cell_class(table, CELL_ORDER[i], &classes[CELL_ORDER[i]], &all, tissue);
    }
}

bool report_slide_readouts(const AnalysisResult *result,
                           const SlideSums *sums,
                           const ReportOptions *options,
                           const char *name,
                           Error *error)
{
    AUTO_REPORT_FILE file = {.path = NULL};
    if (!report_file_create(&file, options->folder, name, error)) {
        return false;
    }
    CLEANUP(cleanup_table) Table table;
    buffer_init(&table.names, LINE_BYTES_MAX);
    buffer_init(&table.values, LINE_BYTES_MAX);
    double total_um2 = sum_of_classes(sums->quality, QUALITY_CLASS_COUNT) -
                       sums->quality->areas_um2[QUALITY_NO_TISSUE];
    add_name(&table, "SLIDE_UUID");
    add_text(&table, options->slide_id);
    add_name(&table, "SLIDE_NAME");
    add_text(&table, options->slide_name);
    add_name(&table, "IMAGE_RESOLUTION");
    add_number(&table, result->mpp);
    add_name(&table, "ABSOLUTE_AREA");
    add_number(&table, total_um2);
    add_quality_areas(&table, sums->quality, total_um2);
    add_tissue_areas(&table, sums->tissue);
    add_cells(&table, &result->cells, sums->tissue);
    buffer_string(&file.buffer, REPORT_COMMENT);
    buffer_text(&file.buffer, buffer_view(&table.names));
    buffer_byte(&file.buffer, '\n');
    buffer_text(&file.buffer, buffer_view(&table.values));
    buffer_byte(&file.buffer, '\n');
    return report_file_finish(&file, error);
}
