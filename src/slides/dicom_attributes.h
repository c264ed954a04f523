/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the elements of one DICOM file that a slide is made of; see dicom_instance.h. */
#pragma once
#include "slides/dicom_instance.h"

/* Fills attributes, places, stains, and where the pixel data lies; `instance->source` is set. */
MUST_CHECK bool dicom_attributes_read(DicomInstance *instance, Error *error);
