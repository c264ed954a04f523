"""From the network's logits to cells, and how well cells fit dots. The same decoding as src/analysis."""
import numpy as np

from layers import CLASSES, HEAT, LOGIT_UNIT

HEAT_RADIUS = 1  # the heat is summed over 3 x 3 places: single ones are noisy
PEAK_RADIUS = 2  # a centre is the maximum of its 5 x 5 places of the output
MATCH_PX = 6  # 3 microns
CLASS_NAMES = ("lymphocyte", "tumour_epithelial", "stromal")
# In units of logits, what is tried on the tiles that were learned: thresholds of the heat, and what is added to the
# logits of lymphocytes and stromal cells.
THRESHOLDS = np.arange(-2, 0.51, 0.125)
CLASS_OFFSETS = np.arange(-0.8, 0.81, 0.1)


def sum_around(plane):
    """Sums of the places at most HEAT_RADIUS away, zeros beyond the border."""
    padded = np.pad(plane, HEAT_RADIUS)
    size = 2 * HEAT_RADIUS + 1
    return sum(padded[row:row + plane.shape[0], column:column + plane.shape[1]]
               for row in range(size) for column in range(size))


def find_peaks(logits, threshold, shape):
    """Rows and columns of the centres. logits: channels x rows x columns, integers of 1 / LOGIT_UNIT; shape: rows and
    columns of the image, which may be smaller."""
    heat = sum_around(logits[HEAT] - threshold)
    rows, columns = np.nonzero(heat[:-(-shape[0] // 2), :-(-shape[1] // 2)] > 0)
    padded = np.pad(heat, PEAK_RADIUS, constant_values=np.iinfo(heat.dtype).min)
    highest = np.ones(len(rows), bool)
    for down in range(-PEAK_RADIUS, PEAK_RADIUS + 1):
        for right in range(-PEAK_RADIUS, PEAK_RADIUS + 1):
            other = padded[rows + PEAK_RADIUS + down, columns + PEAK_RADIUS + right]
            # Of equal ones the first in reading order stands.
            highest &= (heat[rows, columns] > other) if (down, right) < (0, 0) else (heat[rows, columns] >= other)
    return rows[highest], columns[highest]


def find_cells(logits, threshold, shape):
    """Rows of x, y (in pixels of the image), class from 1."""
    rows, columns = find_peaks(logits, threshold, shape)
    kinds = logits[CLASSES][:, rows, columns].argmax(0) + 1
    return np.stack([2 * columns + 0.5, 2 * rows + 0.5, kinds], axis=1)


def match(dots, cells):
    """Pairs of indices at most MATCH_PX apart, nearest first, each used once."""
    distance = np.hypot(dots[:, None, 0] - cells[None, :, 0], dots[:, None, 1] - cells[None, :, 1])
    pairs = np.argwhere(distance <= MATCH_PX)
    pairs = pairs[np.argsort(distance[pairs[:, 0], pairs[:, 1]], kind="stable")]
    free_dots, free_cells, chosen = np.ones(len(dots), bool), np.ones(len(cells), bool), []
    for dot, cell in pairs:
        if free_dots[dot] and free_cells[cell]:
            free_dots[dot] = free_cells[cell] = False
            chosen.append((dot, cell))
    return np.array(chosen, int).reshape(-1, 2)


class Score:
    """Adds up tiles; F1 of all detections and of each class, as pooled counts give it."""

    def __init__(self):
        self.counts = np.zeros((4, 3), int)  # all, then the classes: right, found, annotated

    def add(self, dots, cells):
        pairs = match(dots, cells)
        self.counts[0] += [len(pairs), len(cells), len(dots)]
        agree = dots[pairs[:, 0], 2] == cells[pairs[:, 1], 2]
        for kind in range(1, 4):
            right = (agree & (dots[pairs[:, 0], 2] == kind)).sum()
            self.counts[kind] += [right, (cells[:, 2] == kind).sum(), (dots[:, 2] == kind).sum()]

    @property
    def f1(self):
        return 2 * self.counts[:, 0] / np.maximum(1, self.counts[:, 1] + self.counts[:, 2])

    @property
    def detection(self):
        return self.f1[0]

    @property
    def classes(self):
        return self.f1[1:].mean()


def best_threshold(tiles, all_logits):
    """The threshold, in the integers of the logits, with the highest detection F1 on these tiles."""
    def detection(threshold):
        score = Score()
        for tile, logits in zip(tiles, all_logits):
            score.add(tile.dots, find_cells(logits, threshold, tile.rgb.shape))
        return score.detection

    return max((int(value * LOGIT_UNIT) for value in THRESHOLDS), key=detection)


def best_class_offsets(tiles, all_logits, threshold):
    """What to add to the logits of the three classes for the highest mean of their F1 on these tiles."""
    found, truth = [], []  # logits of the classes of each cell, and the class of its dot or 0
    annotated = np.zeros(3)
    for tile, logits in zip(tiles, all_logits):
        rows, columns = find_peaks(logits, threshold, tile.rgb.shape)
        cells = np.stack([2 * columns + 0.5, 2 * rows + 0.5], axis=1)
        pairs = match(tile.dots, cells)
        kinds = np.zeros(len(cells), int)
        kinds[pairs[:, 1]] = tile.dots[pairs[:, 0], 2]
        found.append(logits[CLASSES][:, rows, columns].T)
        truth.append(kinds)
        annotated += np.bincount(tile.dots[:, 2].astype(int), minlength=4)[1:]
    found, truth = np.concatenate(found), np.concatenate(truth)

    def mean_f1(offsets):
        kinds = (found + offsets).argmax(1) + 1
        right = np.bincount(kinds[kinds == truth], minlength=4)[1:]
        return (2 * right / (np.bincount(kinds, minlength=4)[1:] + annotated)).mean()

    candidates = [np.array([int(first * LOGIT_UNIT), 0, int(third * LOGIT_UNIT)])
                  for first in CLASS_OFFSETS for third in CLASS_OFFSETS]
    return max(candidates, key=mean_f1)
