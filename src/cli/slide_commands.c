/* SPDX-License-Identifier: Apache-2.0 */
/* Commands on slide files: synthesize and info. */
#include <sys/stat.h>

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
    const char *truth_quality;
    const char *truth_tissue;
    bool artifacts;
} SynthesizeOptions;

static const Option SYNTHESIZE_OPTIONS[] = {
    {"width", OPTION_INTEGER, offsetof(SynthesizeOptions, width_px), "PX", "width (4096)"},
    {"height", OPTION_INTEGER, offsetof(SynthesizeOptions, height_px), "PX", "height (4096)"},
    {"mpp", OPTION_NUMBER, offsetof(SynthesizeOptions, mpp), "MPP", "microns per pixel (0.5)"},
    {"seed", OPTION_INTEGER, offsetof(SynthesizeOptions, seed), "N",
     "the same seed gives the same slide (1)"},
    {"truth", OPTION_STRING, offsetof(SynthesizeOptions, truth), "FILE",
     "write a CSV with every nucleus"},
    {"truth-quality", OPTION_STRING, offsetof(SynthesizeOptions, truth_quality), "FILE",
     "write a TIFF with the quality of each place"},
    {"truth-tissue", OPTION_STRING, offsetof(SynthesizeOptions, truth_tissue), "FILE",
     "write a TIFF with the tissue of each valid place"},
    {"artifacts", OPTION_FLAG, offsetof(SynthesizeOptions, artifacts), NULL,
     "add a pen's mark, a fold and a blurred part"},
};

static const SynthesizeOptions SYNTHESIZE_DEFAULTS = {4096, 4096, 0.5, 1, NULL, NULL, NULL, false};

static bool run_synthesize(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    const SynthesizeOptions *given = options;
    SyntheticOptions synthetic = SYNTHETIC_DEFAULTS;
    synthetic.width_px = given->width_px;
    synthetic.height_px = given->height_px;
    synthetic.mpp = given->mpp;
    synthetic.seed = (uint64_t)given->seed;
    synthetic.artifacts = given->artifacts;
    SyntheticTruth truth = {given->truth, given->truth_quality, given->truth_tissue};
    const char *path = operands->values[0];
    if (!slide_synthesize(&synthetic, path, &truth, error)) {
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

/* A file has a checksum, a folder has not. */
static bool has_checksum(const SlideFacts *facts)
{
    return facts->checksum[0] != '\0';
}

static const char *staining_name(SlideStaining staining)
{
    switch (staining) {
    case SLIDE_STAINING_HE:
        return "H&E";
    case SLIDE_STAINING_OTHER:
        return "not H&E";
    case SLIDE_STAINING_UNKNOWN:
        break;
    }
    return "not in the file";
}

static void print_levels(const Cli *cli, const SlideInfo *info)
{
    for (int i = 0; i < info->level_count; i++) {
        const SlideLevel *level = &info->levels[i];
        fprintf(cli->out, "level %-10d %lld x %lld px in tiles of %d x %d px\n", i,
                (long long)level->width_px, (long long)level->height_px, level->tile_width_px,
                level->tile_height_px);
    }
    for (int i = 0; i < info->associated_count; i++) {
        const SlideAssociated *image = &info->associated[i];
        fprintf(cli->out, "%-16s %lld x %lld px, not read\n", image->kind,
                (long long)image->width_px, (long long)image->height_px);
    }
}

static void print_info(const Cli *cli, const SlideInfo *info, const SlideFacts *facts)
{
    fprintf(cli->out, "format           %s (%s)\n", info->format, info->media_type);
    fprintf(cli->out, "size             %lld x %lld px\n", (long long)info->levels[0].width_px,
            (long long)info->levels[0].height_px);
    if (info->mpp > 0) {
        fprintf(cli->out, "resolution       %.6g microns per pixel\n", info->mpp);
    } else if (info->oblong.width_um > 0) {
        fprintf(cli->out, "resolution       none: pixels of %.6g x %.6g microns\n",
                info->oblong.width_um, info->oblong.height_um);
    } else {
        fprintf(cli->out, "resolution       not in the file\n");
    }
    fprintf(cli->out, "staining         %s\n", staining_name(info->staining));
    print_levels(cli, info);
    for (int i = 0; i < info->property_count; i++) {
        fprintf(cli->out, "%-16s %s\n", info->properties[i].name, info->properties[i].value);
    }
    if (has_checksum(facts)) {
        fprintf(cli->out, "file             %lld bytes, CRC32C %s\n", (long long)facts->size_bytes,
                facts->checksum);
    }
}

static json_t *levels_json(const SlideInfo *info)
{
    json_t *levels = json_array();
    for (int i = 0; i < info->level_count; i++) {
        json_array_append_new(levels, json_pack("{s:I, s:I, s:f}", "width_px",
                                                (json_int_t)info->levels[i].width_px, "height_px",
                                                (json_int_t)info->levels[i].height_px, "downsample",
                                                info->levels[i].downsample));
    }
    return levels;
}

static json_t *associated_json(const SlideInfo *info)
{
    json_t *images = json_array();
    for (int i = 0; i < info->associated_count; i++) {
        const SlideAssociated *image = &info->associated[i];
        json_array_append_new(images, json_pack("{s:s, s:I, s:I}", "kind", image->kind, "width_px",
                                                (json_int_t)image->width_px, "height_px",
                                                (json_int_t)image->height_px));
    }
    return images;
}

static json_t *info_json(const SlideInfo *info, const SlideFacts *facts)
{
    json_t *answer = slide_metadata(info, facts);
    json_object_set_new(answer, "format", json_string(info->format));
    json_object_set_new(answer, "levels", levels_json(info));
    json_object_set_new(answer, "associated", associated_json(info));
    if (info->staining != SLIDE_STAINING_UNKNOWN) {
        json_object_set_new(answer, "staining", json_string(staining_name(info->staining)));
    }
    json_t *properties = json_object();
    for (int i = 0; i < info->property_count; i++) {
        json_object_set_new(properties, info->properties[i].name,
                            json_string(info->properties[i].value));
    }
    json_object_set_new(answer, "properties", properties);
    if (has_checksum(facts)) {
        json_object_set_new(answer, "size_bytes", json_integer(facts->size_bytes));
    } else {
        json_object_del(answer, "checksum_base64_crc32c");
    }
    return answer;
}

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
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
    if (!is_folder(path) && !slide_facts_read(path, &facts, error)) {
        return false;
    }
    const SlideInfo *info = slide_info(slide);
    if (!cli->json) {
        print_info(cli, info, &facts);
        return true;
    }
    AUTO_JSON *answer = info_json(info, &facts);
    print_json(cli, answer);
    return true;
}

const Command COMMAND_SLIDE_INFO = {
    .name = "slide info",
    .operands = "FILE",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "format, size, resolution, levels and checksum of a slide",
    .run = run_info,
};
