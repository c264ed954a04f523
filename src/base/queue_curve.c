/* SPDX-License-Identifier: Apache-2.0 */
/* Curves of queue positions; see queue_curve.h. */
#include "base/queue_curve.h"

#include <stdint.h>

#include "base/parse.h"
#include "base/text.h"

static int between(int left, int right, int part, int whole)
{
    return left + (int)(((int64_t)(right - left) * part + whole / 2) / whole);
}

QueueKnot queue_curve_at(const QueueCurve *curve, int place)
{
    int next = 1;
    while (next < curve->count && curve->knots[next].place <= place) {
        next++;
    }
    QueueKnot left = curve->knots[next - 1];
    int part = place - left.place;
    if (next == curve->count) {
        return (QueueKnot){place, left.organization + part, left.platform + part};
    }
    QueueKnot right = curve->knots[next];
    int whole = right.place - left.place;
    return (QueueKnot){place, between(left.organization, right.organization, part, whole),
                       between(left.platform, right.platform, part, whole)};
}

static bool knot_follows(const QueueCurve *curve, const QueueKnot *knot)
{
    if (curve->count == 0) {
        return knot->place == 0;
    }
    const QueueKnot *last = &curve->knots[curve->count - 1];
    return knot->place > last->place && knot->organization >= last->organization &&
           knot->platform >= last->platform;
}

bool queue_curve_parse(const char *text, QueueCurve *curve_out)
{
    Text rest = text_of(text);
    if (!text_starts_with(rest, "{") || !text_ends_with(rest, "}")) {
        return false;
    }
    rest = (Text){rest.bytes + 1, rest.length - 2};
    QueueCurve curve = {.count = 0};
    do {
        int64_t numbers[3];
        for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
            if (!parse_int64(text_split(&rest, ','), 0, INT32_MAX, &numbers[i])) {
                return false;
            }
        }
        QueueKnot knot = {(int)numbers[0], (int)numbers[1], (int)numbers[2]};
        if (curve.count == QUEUE_KNOTS_MAX || !knot_follows(&curve, &knot)) {
            return false;
        }
        curve.knots[curve.count++] = knot;
    } while (rest.bytes != NULL);
    *curve_out = curve;
    return true;
}

void queue_curve_write(const QueueCurve *curve, Buffer *buffer)
{
    for (int i = 0; i < curve->count; i++) {
        const QueueKnot *knot = &curve->knots[i];
        buffer_format(buffer, "%c%d,%d,%d", i == 0 ? '{' : ',', knot->place, knot->organization,
                      knot->platform);
    }
    buffer_byte(buffer, '}');
}
