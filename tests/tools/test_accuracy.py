"""Goal: outlines are counted as found where they are, and figures are those of the scorer."""
import json
import sys

import numpy as np
from conftest import ROOT

sys.path.insert(0, str(ROOT / "tests" / "accuracy"))
import nucleus_accuracy as accuracy


def squares(*places, size=(40, 40)):
    labels = np.zeros(size, int)
    for label, (row, column, side) in enumerate(places, 1):
        labels[row:row + side, column:column + side] = label
    return labels


def test_instance_is_matched_above_one_half_of_the_union():
    truth = squares((0, 0, 10), (20, 20, 10))
    assert accuracy.instance_counts(truth, truth).tolist() == [2, 2, 2]
    # Moved by 3 of 10: 70 of 130. By 4: 60 of 140.
    assert accuracy.instance_counts(truth, squares((0, 3, 10), (20, 24, 10))).tolist() == [1, 2, 2]


def test_missing_and_doubled_instances_are_counted():
    truth = squares((0, 0, 10), (20, 20, 10))
    assert accuracy.instance_counts(truth, squares()).tolist() == [0, 0, 2]
    assert accuracy.instance_counts(squares(), truth).tolist() == [0, 2, 0]
    # Two halves of one: neither has more than half of the union.
    halves = truth.copy()
    halves[5:10, 0:10] = 3
    assert accuracy.instance_counts(truth, halves).tolist() == [1, 3, 2]


def test_outlines_are_drawn_where_their_points_are(tmp_path):
    path = tmp_path / "cells.json"
    rings = [[[2, 3], [12, 3], [12, 9], [2, 9], [2, 3]], [[20, 20], [30, 20], [30, 30], [20, 20]]]
    path.write_text(json.dumps({"features": [{"geometry": {"type": "Polygon", "coordinates": [ring]}}
                                             for ring in rings]}), encoding="utf-8")
    drawn = accuracy.draw_instances(path, (40, 35))
    assert drawn.shape == (35, 40)
    assert np.array_equal(drawn == 1, np.pad(np.ones((6, 10)), ((3, 26), (2, 28))))
    assert drawn[22, 28] == 2 and drawn[28, 22] == 0


def test_scores_are_read_from_the_scorer(tmp_path):
    scorer = tmp_path / "scorer.py"
    scorer.write_text("import sys\nlines = open(sys.argv[sys.argv.index('--list') + 1]).read().split()\n"
                      "print('images', len(lines))\nprint('detection_f1 0.8125')\n", encoding="utf-8")
    assert accuracy.score(scorer, tmp_path, tmp_path, ["a", "b"]) == {"images": 2, "detection_f1": 0.8125}
