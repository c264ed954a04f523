/* SPDX-License-Identifier: Apache-2.0 */
/* Progress lines; see progress.h. */
#include "sandbox/progress.h"

#include "base/parse.h"

static bool read_line(Progress *progress, Text line)
{
    static const char WORD[] = "progress ";
    if (!text_starts_with(line, WORD)) {
        return false;
    }
    Text rest = text_trim(text_from(line, sizeof WORD - 1));
    double fraction = 0;
    if (!parse_double(text_split(&rest, ' '), &fraction) || fraction < 0 || fraction > 1) {
        return false;
    }
    Text stage = rest.bytes == NULL ? TEXT("") : text_trim(rest);
    if (!text_is_utf8(stage) || memchr(stage.bytes, '\0', stage.length) != NULL) {
        return false;
    }
    progress->is_new = true;
    progress->fraction = fraction;
    memcpy(progress->stage, stage.bytes, stage.length);
    progress->stage_length = stage.length;
    return true;
}

/* The line is complete; `line_break` is "\n", or empty at the end of the stream. */
static void end_line(Progress *progress, LogTail *log, Text line_break)
{
    Text line = {progress->line, progress->line_length};
    if (progress->line_is_log || !read_line(progress, line)) {
        log_tail_append(log, line);
        log_tail_append(log, line_break);
    }
    progress->line_length = 0;
    progress->line_is_log = false;
}

static void add_to_line(Progress *progress, Text part, LogTail *log)
{
    if (progress->line_length + part.length > sizeof progress->line) {
        log_tail_append(log, (Text){progress->line, progress->line_length});
        progress->line_length = 0;
        progress->line_is_log = true;
    }
    if (progress->line_is_log) {
        log_tail_append(log, part);
        return;
    }
    memcpy(progress->line + progress->line_length, part.bytes, part.length);
    progress->line_length += part.length;
}

void progress_append(Progress *progress, Text bytes, LogTail *log)
{
    while (bytes.length > 0) {
        Text part = text_split(&bytes, '\n');
        add_to_line(progress, part, log);
        if (bytes.bytes != NULL) {
            end_line(progress, log, TEXT("\n"));
        }
    }
}

void progress_finish(Progress *progress, LogTail *log)
{
    if (progress->line_length > 0) {
        end_line(progress, log, TEXT(""));
    }
}

bool progress_take(Progress *progress, double *fraction_out, Text *stage_out)
{
    if (!progress->is_new) {
        return false;
    }
    progress->is_new = false;
    *fraction_out = progress->fraction;
    *stage_out = (Text){progress->stage, progress->stage_length};
    return true;
}
