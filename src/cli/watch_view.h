/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a run's progress is shown: on a terminal a bar for the run and one for each item, drawn anew
 * in place; anywhere else a line for each change.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/attributes.h"

typedef struct WatchView {
    FILE *out; /* NULL: nothing is shown */
    bool on_terminal;
    int lines_drawn;
    unsigned turn;
    json_t *told; /* item id → the word that was last told */
} WatchView;

void watch_view_init(WatchView *view, FILE *out);
void watch_view_clear(WatchView *view);

void watch_view_show(WatchView *view, const json_t *run, const json_t *items);

/* "name 42 %" on one line of a terminal, drawn anew in place; `done` ends the line. */
void watch_view_transfer(FILE *out, const char *name, double fraction, bool done);
