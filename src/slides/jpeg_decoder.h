/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every use of libjpeg-turbo here has: its errors come back to a setjmp of the caller, data
 * that ends early is an error, nothing is printed, and the number of scans is limited.
 */
#pragma once
#include <setjmp.h>
#include <stdio.h>

/* It needs stdio.h before it. */
#include <jpeglib.h>

typedef struct JpegDecoder {
    struct jpeg_error_mgr errors; /* first: libjpeg gives back a pointer to it */
    struct jpeg_progress_mgr progress;
    jmp_buf escape; /* to be set by each function that calls libjpeg */
    char message[JMSG_LENGTH_MAX];
} JpegDecoder;

/* Creates `jpeg`, which is to be destroyed before `decoder` goes. */
void jpeg_decoder_init(JpegDecoder *decoder, struct jpeg_decompress_struct *jpeg);
/* All rows of an image whose header was read, as RGB; under the caller's setjmp. */
void jpeg_decoder_read_rgb(struct jpeg_decompress_struct *jpeg, unsigned char *rgb_out);
