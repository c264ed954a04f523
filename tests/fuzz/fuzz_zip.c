/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the reader of a zip archive of DICOM files. */
#include "fuzz_slide.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    return fuzz_slide(dicom_zip_open, bytes, count);
}
