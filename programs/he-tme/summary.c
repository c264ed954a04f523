/* SPDX-License-Identifier: Apache-2.0 */
/* See summary.h. */
#include "summary.h"

#include <stdio.h>

#include "base/alloc.h"
#include "commands.h"
#include "json/writer.h"

enum { SUMMARY_BYTES_MAX = 256 * 1024 };
#define TISSUE_MPP 0.5
#define MEGA 1e6

static double tissue_megapixels(const AnalysisResult *result)
{
    const ClassMap *quality = &result->quality;
    size_t count = 0;
    size_t total = (size_t)quality->width_px * (size_t)quality->height_px;
    for (size_t i = 0; i < total; i++) {
        count += quality->classes[i] == QUALITY_VALID_TISSUE ? 1 : 0;
    }
    double side = quality->mpp / TISSUE_MPP;
    return (double)count * side * side / MEGA;
}

void summary_print(const AnalysisResult *result, const Outputs *outputs, double seconds)
{
    double tissue = tissue_megapixels(result);
    printf("%lld x %lld px at %.4g microns per pixel, %u nuclei\n", (long long)result->width_px,
           (long long)result->height_px, result->mpp, result->cells.count);
    printf("%.1f megapixels of tissue at %g microns per pixel in %.1f s, %.1f a second\n", tissue,
           TISSUE_MPP, seconds, tissue / seconds);
    for (size_t i = 0; i < outputs->count; i++) {
        printf("%s/%s\n", outputs->folder, outputs->names[i]);
    }
}

static void write_cells(JsonWriter *writer, const AnalysisResult *result)
{
    const CellList *cells = &result->cells;
    int64_t counts[CELL_CLASS_COUNT] = {0};
    for (uint32_t i = 0; i < cells->count; i++) {
        cell_list_rest(cells, i);
        counts[cells->cells[i].cell_class]++;
    }
    writer_key(writer, "cells");
    writer_begin_object(writer);
    writer_key_integer(writer, "total", cells->count);
    for (int class = 1; class < CELL_CLASS_COUNT; class ++) {
        if ((result->untold.cells & class_bit(class)) == 0) {
            writer_key_integer(writer, CELL_CLASSES[class].name, counts[class]);
        }
    }
    writer_end_object(writer);
}

static void write_number(JsonWriter *writer, const char *key, double value)
{
    writer_key(writer, key);
    writer_number(writer, value, 6);
}

void summary_print_json(const AnalysisResult *result, const Outputs *outputs, double seconds)
{
    AUTO_BUFFER buffer;
    buffer_init(&buffer, SUMMARY_BYTES_MAX);
    JsonWriter writer;
    writer_init(&writer, &buffer);
    double tissue = tissue_megapixels(result);
    writer_begin_object(&writer);
    writer_key_integer(&writer, "width_px", result->width_px);
    writer_key_integer(&writer, "height_px", result->height_px);
    write_number(&writer, "mpp", result->mpp);
    write_cells(&writer, result);
    write_number(&writer, "seconds", seconds);
    write_number(&writer, "tissue_megapixels", tissue);
    write_number(&writer, "tissue_megapixels_per_second", tissue / seconds);
    AUTO_FREE char *folder = command_utf8_name(outputs->folder);
    writer_key_string(&writer, "folder", folder);
    writer_key(&writer, "files");
    writer_begin_array(&writer);
    for (size_t i = 0; i < outputs->count; i++) {
        writer_string(&writer, outputs->names[i]);
    }
    writer_end_array(&writer);
    writer_end_object(&writer);
    Text text = buffer_view(&buffer);
    printf("%.*s\n", TEXT_ARGUMENTS(text));
}
