/* SPDX-License-Identifier: Apache-2.0 */
/* Commands on slide files: synthesize and info. */
#include "base/alloc.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/slide_facts.h"
#include "slides/slide.h"
#include "slides/synthetic.h"
#include "json/reader.h"

typedef struct SynthesizeOptions {
    int64_t width_px;
    int64_t height_px;
    double mpp;
    int64_t seed;
    const char *truth;
} SynthesizeOptions;

static const Option SYNTHESIZE_OPTIONS[] = {
    {"width", OPTION_INTEGER, offsetof(SynthesizeOptions, width_px), "PX", "width (4096)"},
    {"height", OPTION_INTEGER, offsetof(SynthesizeOptions, height_px), "PX", "height (4096)"},
    {"mpp", OPTION_NUMBER, offsetof(SynthesizeOptions, mpp), "MPP", "microns per pixel (0.5)"},
    {"seed", OPTION_INTEGER, offsetof(SynthesizeOptions, seed), "N",
     "the same seed gives the same slide (1)"},
    {"truth", OPTION_STRING, offsetof(SynthesizeOptions, truth), "FILE",
     "write a CSV with every nucleus"},
};

static const SynthesizeOptions SYNTHESIZE_DEFAULTS = {4096, 4096, 0.5, 1, NULL};

static bool run_synthesize(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    const SynthesizeOptions *given = options;
    SyntheticOptions synthetic = SYNTHETIC_DEFAULTS;
    synthetic.width_px = given->width_px;
    synthetic.height_px = given->height_px;
    synthetic.mpp = given->mpp;
    synthetic.seed = (uint64_t)given->seed;
    const char *path = operands->values[0];
    if (!slide_synthesize(&synthetic, path, given->truth, error)) {
        return false;
    }
    if (cli->json) {
        AUTO_JSON *answer =
            json_pack("{s:s, s:I, s:I, s:f, s:I}", "path", path, "width_px",
                      (json_int_t)given->width_px, "height_px", (json_int_t)given->height_px,
                      "resolution_mpp", given->mpp, "seed", (json_int_t)given->seed);
        print_json(cli, answer);
    } else {
        fprintf(cli->out, "%s: %lld x %lld px at %g microns per pixel, seed %lld\n", path,
                (long long)given->width_px, (long long)given->height_px, given->mpp,
                (long long)given->seed);
    }
    return true;
}

const Command COMMAND_SLIDE_SYNTHESIZE = {
    .name = "slide synthesize",
    .operands = "OUT",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "write a synthetic H&E slide (pyramidal TIFF)",
    .options = SYNTHESIZE_OPTIONS,
    .option_count = ARRAY_COUNT(SYNTHESIZE_OPTIONS),
    .defaults = &SYNTHESIZE_DEFAULTS,
    .options_bytes = sizeof(SynthesizeOptions),
    .run = run_synthesize,
};

static void print_info(const Cli *cli, const SlideInfo *info, const SlideFacts *facts)
{
    fprintf(cli->out, "format      %s (%s)\n", info->format, info->media_type);
    fprintf(cli->out, "size        %lld x %lld px\n", (long long)info->levels[0].width_px,
            (long long)info->levels[0].height_px);
    if (info->mpp > 0) {
        fprintf(cli->out, "resolution  %.6g microns per pixel\n", info->mpp);
    } else {
        fprintf(cli->out, "resolution  not in the file\n");
    }
    fprintf(cli->out, "levels      %d\n", info->level_count);
    fprintf(cli->out, "file        %lld bytes, CRC32C %s\n", (long long)facts->size_bytes,
            facts->checksum);
}

static bool run_info(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    (void)options;
    const char *path = operands->values[0];
    AUTO_SLIDE *slide = NULL;
    SlideFacts facts = {0};
    if (!slide_open(path, &slide, error)) {
        return error_context(error, "%s", path);
    }
    if (!slide_facts_read(path, &facts, error)) {
        return false;
    }
    const SlideInfo *info = slide_info(slide);
    if (!cli->json) {
        print_info(cli, info, &facts);
        return true;
    }
    AUTO_JSON *answer = slide_metadata(info, &facts);
    json_object_set_new(answer, "format", json_string(info->format));
    json_object_set_new(answer, "size_bytes", json_integer(facts.size_bytes));
    json_t *levels = json_array();
    for (int i = 0; i < info->level_count; i++) {
        json_array_append_new(levels, json_pack("{s:I, s:I, s:f}", "width_px",
                                                (json_int_t)info->levels[i].width_px, "height_px",
                                                (json_int_t)info->levels[i].height_px, "downsample",
                                                info->levels[i].downsample));
    }
    json_object_set_new(answer, "levels", levels);
    print_json(cli, answer);
    return true;
}

const Command COMMAND_SLIDE_INFO = {
    .name = "slide info",
    .operands = "FILE",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "size, resolution, levels and checksum of a slide file",
    .run = run_info,
};
