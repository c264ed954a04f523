/* SPDX-License-Identifier: Apache-2.0 */
/*
 * he-tme: tissue, quality and nuclei of an H&E slide. Without arguments it serves the worker
 * (docs/applications.md); with a command it works for a person at a terminal.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analysis/report.h"
#include "commands.h"
#include "exchange/application.h"

static const char USAGE[] =
    "usage: he-tme analyze SLIDE --output DIR [--mpp X] [--threads N] [--regions X,Y,W,H]…\n"
    "                      [--model FILE] [--json]\n"
    "       he-tme render SLIDE --output FILE.png [--region X,Y,W,H] [--mpp X] [--threads N]\n"
    "                     [--model FILE]\n"
    "       he-tme quality SLIDE --output FILE.png|FILE.tiff [--region X,Y,W,H] [--mpp X]\n"
    "       he-tme --help | --version\n";

static const char HELP[] =
    "\n"
    "analyze writes class maps, polygons and readouts of a slide into a folder; stopped, it\n"
    "leaves nothing there. render draws what was found over the slide: tissue and quality in\n"
    "their colours, and the outline of each nucleus in the colour of its class. quality draws\n"
    "glass, tissue, ink and folds as they show in an overview, or writes the class map of it;\n"
    "slides too coarse to be analysed have one too. A slide is any image that can be read, a PNG\n"
    "or JPEG too, with --mpp where it does not tell its resolution.\n"
    "\n"
    "  --output PATH     the folder, or the image; --out is the same\n"
    "  --region X,Y,W,H  the part to draw, in pixels of the finest level; default: all of it\n"
    "  --regions X,Y,W,H look only at these parts; as often as needed\n"
    "  --json            tell what was done as one line of JSON\n"
    "  --model FILE      another network than the one that is built in\n"
    "  --mpp X           microns per pixel, instead of what the file says\n"
    "  --threads N       default: one for each core; the results are the same for any number\n"
    "\n"
    "Without arguments it serves one request of the worker: SLIDEWAY_INPUT names its input.json,\n"
    "SLIDEWAY_OUTPUT the folder for its results. Exit codes: 0 done, 10 the slide or its metadata\n"
    "is wrong, 1 any other failure, 2 wrong usage. For research use only.\n";

enum { EXIT_DONE = 0, EXIT_USAGE = 2 };

/* Whoever asks for help gets it, wherever it stands. */
static bool help_wanted(char *const *arguments)
{
    for (; *arguments != NULL && strcmp(*arguments, "--") != 0; arguments++) {
        if (strcmp(*arguments, "--help") == 0 || strcmp(*arguments, "-h") == 0) {
            return true;
        }
    }
    return false;
}

/* The worker reads what it writes; a person at a terminal meant a command. */
static int serve(void)
{
    int exit_code = application_serve(serve_process);
    if (exit_code != EXIT_DONE && isatty(STDERR_FILENO) == 1) {
        fprintf(stderr, "%s", USAGE);
    }
    return exit_code;
}

int main(int argument_count, char **arguments)
{
    if (argument_count == 1) {
        return serve();
    }
    const char *command = arguments[1];
    if (help_wanted(arguments + 1)) {
        printf("%s%s", USAGE, HELP);
        return EXIT_DONE;
    }
    if (strcmp(command, "--version") == 0) {
        printf("he-tme %s (slideway " SLIDEWAY_VERSION ")\n",
               REPORT_VERSION_NUMBERS[REPORT_VERSION_LATEST]);
        return EXIT_DONE;
    }
    if (strcmp(command, "analyze") == 0) {
        return analyze_main(arguments + 2);
    }
    if (strcmp(command, "render") == 0) {
        return render_main(arguments + 2);
    }
    if (strcmp(command, "quality") == 0) {
        return quality_main(arguments + 2);
    }
    fprintf(stderr, "he-tme: there is no command '%s'\n%s", command, USAGE);
    return EXIT_USAGE;
}
