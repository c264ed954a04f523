/* SPDX-License-Identifier: Apache-2.0 */
/* JPEG 2000 tiles; see jpeg2000_tile.h. */
#include "slides/jpeg2000_tile.h"

#include <openjpeg.h>
#include <string.h>

#include "slides/ycbcr.h"

enum {
    COMPONENTS = 3,
    MARKER_SOC = 0xff4f,
    MARKER_SIZ = 0xff51,
    SIZ_BYTES = 44,      /* from SOC to the number of components, and the first component */
    CODE_TILES_MAX = 64, /* a slide's tile is one tile of the code stream */
};

typedef struct Stream {
    const uint8_t *bytes;
    size_t length;
    size_t position;
} Stream;

typedef struct Decoder {
    opj_codec_t *codec;
    opj_stream_t *stream;
    opj_image_t *image;
    bool transformed; /* the code stream names its component transform */
    char message[128];
} Decoder;

static uint32_t big_u16(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 8 | bytes[1];
}

static uint32_t big_u32(const uint8_t *bytes)
{
    return big_u16(bytes) << 16 | big_u16(bytes + 2);
}

/* ISO 15444-1 A.5.1: sizes before OpenJPEG allocates anything for them. */
static bool sizes_agree(const Jpeg2000Tile *tile)
{
    const uint8_t *data = tile->data;
    if (tile->data_bytes < SIZ_BYTES || big_u16(data) != MARKER_SOC ||
        big_u16(data + 2) != MARKER_SIZ || big_u16(data + 40) != COMPONENTS) {
        return false;
    }
    uint32_t width = big_u32(data + 8);
    uint32_t height = big_u32(data + 12);
    uint32_t tile_width = big_u32(data + 24);
    uint32_t tile_height = big_u32(data + 28);
    if (width != (uint32_t)tile->width_px || height != (uint32_t)tile->height_px ||
        tile_width == 0 || tile_height == 0) {
        return false;
    }
    /* The image and its tiles begin at the origin. */
    for (size_t at = 16; at < 40; at += 4) {
        if (at != 24 && at != 28 && big_u32(data + at) != 0) {
            return false;
        }
    }
    uint64_t columns = ((uint64_t)width + tile_width - 1) / tile_width;
    uint64_t rows = ((uint64_t)height + tile_height - 1) / tile_height;
    return columns * rows <= CODE_TILES_MAX;
}

static OPJ_SIZE_T stream_read(void *bytes, OPJ_SIZE_T count, void *user)
{
    Stream *stream = user;
    size_t left = stream->length - stream->position;
    if (left == 0) {
        return (OPJ_SIZE_T)-1;
    }
    size_t taken = count < left ? count : left;
    memcpy(bytes, stream->bytes + stream->position, taken);
    stream->position += taken;
    return taken;
}

static OPJ_OFF_T stream_skip(OPJ_OFF_T count, void *user)
{
    Stream *stream = user;
    if (count < 0 || (size_t)count > stream->length - stream->position) {
        return -1;
    }
    stream->position += (size_t)count;
    return count;
}

static OPJ_BOOL stream_seek(OPJ_OFF_T position, void *user)
{
    Stream *stream = user;
    if (position < 0 || (size_t)position > stream->length) {
        return OPJ_FALSE;
    }
    stream->position = (size_t)position;
    return OPJ_TRUE;
}

static void on_error(const char *message, void *user)
{
    Decoder *decoder = user;
    size_t length = strcspn(message, "\n");
    if (length >= sizeof decoder->message) {
        length = sizeof decoder->message - 1;
    }
    memcpy(decoder->message, message, length);
    decoder->message[length] = '\0';
}

static void on_notice(const char *message, void *user)
{
    (void)message;
    (void)user;
}

static void cleanup_decoder(Decoder *decoder)
{
    opj_image_destroy(decoder->image);
    opj_stream_destroy(decoder->stream);
    opj_destroy_codec(decoder->codec);
}

static bool component_agrees(const opj_image_comp_t *component, const Jpeg2000Tile *tile)
{
    if (component->dx == 0 || component->dx > 2 || component->dy == 0 || component->dy > 2) {
        return false;
    }
    uint32_t width = ((uint32_t)tile->width_px + component->dx - 1) / component->dx;
    uint32_t height = ((uint32_t)tile->height_px + component->dy - 1) / component->dy;
    /* The reversible transform's differences need one bit more than the colours. */
    return component->w == width && component->h == height && component->factor == 0 &&
           (component->prec == 8 || (component->prec == 9 && tile->colours == JPEG2000_RCT));
}

static bool image_agrees(const Decoder *decoder, const Jpeg2000Tile *tile)
{
    const opj_image_t *image = decoder->image;
    if (image->numcomps != COMPONENTS) {
        return false;
    }
    for (int i = 0; i < COMPONENTS; i++) {
        if (!component_agrees(&image->comps[i], tile)) {
            return false;
        }
    }
    return image->comps[0].dx == 1 && image->comps[0].dy == 1;
}

static bool names_its_transform(opj_codec_t *codec)
{
    opj_codestream_info_v2_t *info = opj_get_cstr_info(codec);
    bool named = info != NULL && info->m_default_tile_info.mct != 0;
    opj_destroy_cstr_info(&info);
    return named;
}

static bool decode(Decoder *decoder, const Jpeg2000Tile *tile, Stream *stream)
{
    opj_dparameters_t parameters;
    opj_set_default_decoder_parameters(&parameters);
    decoder->codec = opj_create_decompress(OPJ_CODEC_J2K);
    decoder->stream = opj_stream_create(tile->data_bytes, OPJ_TRUE);
    if (decoder->codec == NULL || decoder->stream == NULL) {
        return false;
    }
    opj_set_error_handler(decoder->codec, on_error, decoder);
    opj_set_warning_handler(decoder->codec, on_notice, NULL);
    opj_set_info_handler(decoder->codec, on_notice, NULL);
    opj_stream_set_user_data(decoder->stream, stream, NULL);
    opj_stream_set_user_data_length(decoder->stream, tile->data_bytes);
    opj_stream_set_read_function(decoder->stream, stream_read);
    opj_stream_set_skip_function(decoder->stream, stream_skip);
    opj_stream_set_seek_function(decoder->stream, stream_seek);
    if (!opj_setup_decoder(decoder->codec, &parameters) ||
        !opj_read_header(decoder->stream, decoder->codec, &decoder->image) ||
        !image_agrees(decoder, tile)) {
        return false;
    }
    decoder->transformed = names_its_transform(decoder->codec);
    if (!opj_decode(decoder->codec, decoder->stream, decoder->image) ||
        !image_agrees(decoder, tile)) {
        return false;
    }
    for (int i = 0; i < COMPONENTS; i++) {
        if (decoder->image->comps[i].data == NULL) {
            return false;
        }
    }
    return true;
}

/* ISO 15444-1 G.2.2. */
static void rct_to_rgb(int32_t y, int32_t cb, int32_t cr, uint8_t rgb_out[3])
{
    int32_t green = y - ((cb + cr) >> 2);
    rgb_out[0] = ycbcr_clamp(cr + green);
    rgb_out[1] = ycbcr_clamp(green);
    rgb_out[2] = ycbcr_clamp(cb + green);
}

/* The sample for a pixel, with its sign; colours that were halved are repeated. */
static int32_t sample(const opj_image_comp_t *component, uint32_t x, uint32_t y)
{
    return component->data[(size_t)(y / component->dy) * component->w + x / component->dx];
}

/* Colour differences are stored with a sign, or from the middle of the range on. */
static int32_t middle_of(const opj_image_comp_t *component)
{
    return component->sgnd ? 0 : 1 << (component->prec - 1);
}

static void
to_rgb(const opj_image_t *image, const Jpeg2000Tile *tile, Jpeg2000Colours colours, uint8_t *out)
{
    const opj_image_comp_t *components = image->comps;
    int32_t base = components[0].sgnd ? 1 << (components[0].prec - 1) : 0;
    int32_t middle_1 = middle_of(&components[1]);
    int32_t middle_2 = middle_of(&components[2]);
    for (uint32_t y = 0; y < (uint32_t)tile->height_px; y++) {
        for (uint32_t x = 0; x < (uint32_t)tile->width_px; x++, out += 3) {
            int32_t first = sample(&components[0], x, y) + base;
            int32_t second = sample(&components[1], x, y);
            int32_t third = sample(&components[2], x, y);
            if (colours == JPEG2000_YCBCR) {
                ycbcr_to_rgb(first, second - middle_1, third - middle_2, out);
            } else if (colours == JPEG2000_RCT) {
                rct_to_rgb(first, second - middle_1, third - middle_2, out);
            } else {
                out[0] = ycbcr_clamp(first);
                out[1] = ycbcr_clamp(second + (components[1].sgnd ? 128 : 0));
                out[2] = ycbcr_clamp(third + (components[2].sgnd ? 128 : 0));
            }
        }
    }
}

bool jpeg2000_tile_decode(const Jpeg2000Tile *tile, uint8_t *rgb_out, Error *error)
{
    CLEANUP(cleanup_decoder)
    Decoder decoder = {.message = "its sizes are not those of the image's tiles"};
    Stream stream = {tile->data, tile->data_bytes, 0};
    if (!sizes_agree(tile) || !decode(&decoder, tile, &stream)) {
        return error_set(error, ERROR_INVALID, "A tile of the image cannot be decoded: %s",
                         decoder.message);
    }
    to_rgb(decoder.image, tile, decoder.transformed ? JPEG2000_RGB : tile->colours, rgb_out);
    return true;
}
