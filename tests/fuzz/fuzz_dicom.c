/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the reader of a DICOM file. */
#include "fuzz_slide.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    return fuzz_slide(dicom_slide_open, bytes, count);
}
