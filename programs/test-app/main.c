/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test application: follows docs/applications.md to the letter and does little in between. It
 * is for trying a platform out, not for looking at tissue.
 */
#include "exchange/application.h"
#include "grid.h"
#include "outputs.h"

static bool process(const Input *input, const char *output_folder, Error *error)
{
    AUTO_SLIDE *slide = NULL;
    AUTO_GRID grid = {.columns = 0};
    if (!input_open_slide(input, &slide, error) || !grid_measure(slide, &grid, error)) {
        return false;
    }
    OutputContext context = {
        .folder = output_folder,
        .attempt_id = input->attempt_id,
        .resolution_mpp = input_resolution_mpp(input, slide_info(slide)),
    };
    return outputs_write(&grid, &context, error);
}

int main(void)
{
    return application_serve(process);
}
