/* SPDX-License-Identifier: Apache-2.0 */
/* How evenly backlogged organisations are served; see referee_parts.h. */
#include <math.h>

#include "base/alloc.h"

#include "referee_parts.h"

enum { WINDOW_COUNT = 8, SAMPLES_A_WINDOW = 16, JAIN_ORGANIZATIONS_LEAST = 5 };
/* Services so many batches long differ so little that the bound alone gives an index of 0.99. */
#define JAIN_BATCHES_LEAST 10
#define JAIN_LEAST 0.99

typedef struct Window {
    int64_t length;       /* in starts */
    int64_t started_from; /* World.started_count at its begin */
    int64_t next_sample;
    int64_t *before; /* started_count of each organisation at its begin */
} Window;

struct Shares {
    const World *world;
    RefereeReport *report;
    Window windows[WINDOW_COUNT];
    double jain_sum;
};

static void begin(const Shares *shares, Window *window)
{
    window->started_from = shares->world->started_count;
    window->next_sample = window->started_from + window->length / SAMPLES_A_WINDOW;
    for (int i = 0; i < shares->world->plan->organization_count; i++) {
        window->before[i] = shares->world->organizations[i].started_count;
    }
}

Shares *shares_create(const World *world, RefereeReport *report)
{
    Shares *shares = ALLOC_NEW(Shares);
    shares->world = world;
    shares->report = report;
    for (int i = 0; i < WINDOW_COUNT; i++) {
        Window *window = &shares->windows[i];
        window->length = ((int64_t)world->plan->item_count / 1000 + SAMPLES_A_WINDOW) << i;
        window->before =
            alloc_zeroed((size_t)world->plan->organization_count, sizeof *window->before);
        begin(shares, window);
    }
    return shares;
}

void shares_destroy(Shares *shares)
{
    for (int i = 0; i < WINDOW_COUNT; i++) {
        alloc_free(shares->windows[i].before);
    }
    alloc_free(shares);
}

/* What the organisation got in the window, by its weight; false: it was not backlogged all along.
 */
static bool service(const Shares *shares, const Window *window, int number, double *service_out)
{
    const WorldOrganization *organization = &shares->world->organizations[number];
    if (organization->eligible_count == 0 || organization->eligible_since > window->started_from) {
        return false;
    }
    *service_out =
        (double)(organization->started_count - window->before[number]) / organization->weight;
    return true;
}

/* Every pair keeps the bound if the least upper end stays above the greatest lower end. */
static void sample(Shares *shares, const Window *window)
{
    double lower = -INFINITY;
    double upper = INFINITY;
    int count = 0;
    for (int i = 0; i < shares->world->plan->organization_count; i++) {
        double served;
        if (service(shares, window, i, &served)) {
            double batch = (double)BATCH_MAX / shares->world->organizations[i].weight;
            lower = fmax(lower, served - batch);
            upper = fmin(upper, served + batch);
            count++;
        }
    }
    if (count < 2) {
        return;
    }
    /* Virtual times are cut to whole millionths, once a turn. */
    double rounding = 1e-6 * (double)(shares->world->started_count - window->started_from);
    promise_check(shares->report, PROMISE_SHARES, lower <= upper + rounding);
    double room = upper - lower;
    shares->report->room_least = fmin(shares->report->room_least, room);
}

/* Jain, Chiu, Hawe: A quantitative measure of fairness and discrimination. DEC TR-301, 1984. */
static void judge(Shares *shares, const Window *window)
{
    double sum = 0;
    double squares = 0;
    int count = 0;
    for (int i = 0; i < shares->world->plan->organization_count; i++) {
        double served;
        if (service(shares, window, i, &served)) {
            sum += served;
            squares += served * served;
            count++;
        }
    }
    if (count < JAIN_ORGANIZATIONS_LEAST || sum / count < JAIN_BATCHES_LEAST * BATCH_MAX) {
        return;
    }
    double index = sum * sum / (count * squares);
    promise_check(shares->report, PROMISE_JAIN, index >= JAIN_LEAST);
    shares->report->jain_least = fmin(shares->report->jain_least, index);
    shares->jain_sum += index;
}

void shares_start(Shares *shares)
{
    for (int i = 0; i < WINDOW_COUNT; i++) {
        Window *window = &shares->windows[i];
        if (shares->world->started_count < window->next_sample) {
            continue;
        }
        window->next_sample = shares->world->started_count + window->length / SAMPLES_A_WINDOW;
        sample(shares, window);
        if (shares->world->started_count >= window->started_from + window->length) {
            judge(shares, window);
            begin(shares, window);
        }
    }
}

void shares_end(Shares *shares)
{
    int64_t windows = shares->report->checks[PROMISE_JAIN];
    shares->report->jain_mean = windows == 0 ? 1 : shares->jain_sum / (double)windows;
}
