/* SPDX-License-Identifier: Apache-2.0 */
/* Drawing a run's progress; see watch_view.h. */
#include "cli/watch_view.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/print.h"
#include "cli/run_reads.h"

enum { BAR_CELLS = 20, NAME_CELLS_MAX = 32, ROWS_DEFAULT = 24, COLUMNS_DEFAULT = 80 };

/* Up and to the left by so many lines, and clear what is below (ECMA-48 CPL and ED). */
#define REDRAW "\x1b[%dF\x1b[J"

void watch_view_init(WatchView *view, FILE *out)
{
    *view = (WatchView){
        .out = out,
        .on_terminal = out != NULL && isatty(fileno(out)) == 1,
        .told = json_object(),
    };
}

void watch_view_clear(WatchView *view)
{
    json_decref(view->told);
    *view = (WatchView){0};
}

static struct winsize terminal_size(const WatchView *view)
{
    struct winsize size = {0};
    if (ioctl(fileno(view->out), TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) {
        size.ws_row = ROWS_DEFAULT;
        size.ws_col = COLUMNS_DEFAULT;
    }
    return size;
}

static bool text_same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* Filled up to the fraction; below 0 a mark that wanders: it moves, nobody knows how far it is. */
static void fill_bar(char out[BAR_CELLS + 1], double fraction, unsigned turn)
{
    int filled = (int)(fraction * BAR_CELLS);
    for (int i = 0; i < BAR_CELLS; i++) {
        bool wanders = fraction < 0 && (unsigned)i / 4 == turn % (BAR_CELLS / 4);
        out[i] = i < filled || wanders ? '#' : '.';
    }
    out[BAR_CELLS] = '\0';
}

static void draw_item(WatchView *view, const json_t *item, unsigned columns)
{
    const char *word = item_word(item);
    bool ended = text_same(member_text(item, "state"), "TERMINATED");
    bool moves = text_same(word, "PROCESSING");
    char bar[BAR_CELLS + 1];
    fill_bar(bar, ended ? 1.0 : moves ? -1.0 : 0.0, view->turn);
    AUTO_FREE char *name = printable(member_text(item, "external_id"));
    AUTO_FREE char *message = printable(member_text(item, "error_message"));
    shorten(name, NAME_CELLS_MAX);
    AUTO_FREE char *line =
        alloc_format("[%s] %-12s %s%s%s", bar, word, name, message[0] == '\0' ? "" : ": ", message);
    /* A line that wraps would be drawn again below itself. */
    shorten(line, columns - 1);
    fprintf(view->out, "%s\n", line);
    view->lines_drawn++;
}

/* Items that move first, then those that wait, then those that ended. */
static int draw_items(WatchView *view, const json_t *items, int rows, unsigned columns)
{
    static const char *const STATES[] = {"PROCESSING", "PENDING", "TERMINATED"};
    int drawn = 0;
    for (size_t pass = 0; pass < ARRAY_COUNT(STATES); pass++) {
        size_t index = 0;
        const json_t *item = NULL;
        json_array_foreach(items, index, item)
        {
            if (drawn < rows && text_same(member_text(item, "state"), STATES[pass])) {
                draw_item(view, item, columns);
                drawn++;
            }
        }
    }
    return drawn;
}

static void draw(WatchView *view, const json_t *run, const json_t *items)
{
    struct winsize size = terminal_size(view);
    int64_t count = run_statistic(run, "item_count");
    int64_t left =
        run_statistic(run, "item_pending_count") + run_statistic(run, "item_processing_count");
    if (view->lines_drawn > 0) {
        fprintf(view->out, REDRAW, view->lines_drawn);
    }
    view->lines_drawn = 1;
    view->turn++;
    char bar[BAR_CELLS + 1];
    fill_bar(bar, count > 0 ? (double)(count - left) / (double)count : 0, 0);
    fprintf(view->out, "[%s] %lld of %lld items done\n", bar, (long long)(count - left),
            (long long)count);
    int shown = draw_items(view, items, size.ws_row > 4 ? size.ws_row - 4 : 1, size.ws_col);
    int hidden = (int)json_array_size(items) - shown;
    if (hidden > 0) {
        fprintf(view->out, "… and %d more\n", hidden);
        view->lines_drawn++;
    }
}

static void tell_changes(WatchView *view, const json_t *items)
{
    size_t index = 0;
    const json_t *item = NULL;
    json_array_foreach(items, index, item)
    {
        const char *id = member_text(item, "item_id");
        const char *word = item_word(item);
        if (id == NULL || text_same(member_text(view->told, id), word)) {
            continue;
        }
        json_object_set_new(view->told, id, json_string(word));
        AUTO_FREE char *name = printable(member_text(item, "external_id"));
        AUTO_FREE char *message = printable(member_text(item, "error_message"));
        fprintf(view->out, "%s %s%s%s\n", name, word, message[0] == '\0' ? "" : ": ", message);
    }
}

void watch_view_show(WatchView *view, const json_t *run, const json_t *items)
{
    if (view->out == NULL) {
        return;
    }
    if (view->on_terminal) {
        draw(view, run, items);
    } else {
        tell_changes(view, items);
    }
    fflush(view->out);
}

void watch_view_transfer(FILE *out, const char *name, double fraction, bool done)
{
    char bar[BAR_CELLS + 1];
    fill_bar(bar, fraction, 0);
    AUTO_FREE char *shown = printable(name);
    shorten(shown, NAME_CELLS_MAX);
    fprintf(out, "\r[%s] %3.0f %% uploading %s%s", bar, fraction * 100, shown, done ? "\n" : "");
    fflush(out);
}
