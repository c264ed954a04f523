"""Goal: outlines are counted as found where they are, figures are those of the scorer, and a missing model hides no other."""
import json
import sys

import numpy as np
import pytest
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


class Analyzer:
    """Finds nothing, and keeps which model was asked about which image."""

    def __init__(self, folder):
        self.folder, self.asked = folder, {}

    def run_all(self, tasks):
        return [self.run(image, model) for image, _, model in tasks]

    def run(self, image, model):
        self.asked.setdefault(model.stem, []).append(image.stem)
        out = self.folder / model.stem / image.stem
        out.mkdir(parents=True)
        (out / "readout_generation_cell_readouts.csv").touch()
        return out


@pytest.fixture
def measure(tmp_path, monkeypatch, capsys):
    """Measures with models of these names alone: what was asked, the figures, what was said."""
    scorer = tmp_path / "scorer.py"
    figures = ("detection_f1", "mean_class_f1", "f1_lymphocyte", "f1_tumour_epithelial", "f1_stromal")
    scorer.write_text(f"for name in {figures}: print(name, 0.5)\n", encoding="utf-8")
    (tmp_path / "brca_ds_val.txt").write_text("one.png\ntwo.png\n", encoding="utf-8")
    (tmp_path / "models" / "folds").mkdir(parents=True)
    monkeypatch.setattr(accuracy, "MODELS", tmp_path / "models")
    monkeypatch.setattr(accuracy.folds, "table", lambda: {f"tile-{number}": number for number in range(1, 6)})

    def run(models):
        for name in models:
            (tmp_path / "models" / "folds" / f"{name}.swnn").touch()
        analyzer = Analyzer(tmp_path)
        accuracy.measure_brca(analyzer, tmp_path, scorer)
        printed = capsys.readouterr()
        parts = [line.removeprefix("he_tme_").removesuffix("_detection_f1 0.5000 ratio")
                 for line in printed.out.splitlines() if "_detection_f1" in line]
        return analyzer.asked, parts, printed.err.splitlines()

    return run


def test_each_tile_is_analysed_by_the_model_that_has_not_learned_it(measure):
    asked, parts, said = measure([*(f"fold-{number}" for number in range(1, 6)), "validation"])
    assert asked == {**{f"fold-{number}": [f"tile-{number}"] for number in range(1, 6)}, "validation": ["one", "two"]}
    assert parts == ["fold_1", "fold_2", "fold_3", "fold_4", "fold_5", "pooled", "validation"]
    assert said == []


@pytest.mark.parametrize("models, parts, missing", [
    (["fold-1", "fold-2", "fold-3", "fold-4", "fold-5"], ["fold_1", "fold_2", "fold_3", "fold_4", "fold_5", "pooled"],
     ["validation"]),
    (["fold-1", "fold-3", "fold-4", "fold-5", "validation"], ["fold_1", "fold_3", "fold_4", "fold_5", "validation"],
     ["fold-2"]),
])
def test_missing_model_is_named_and_the_rest_measured(measure, models, parts, missing):
    asked, measured, said = measure(models)
    assert sorted(asked) == sorted(models)
    assert measured == parts
    assert [line.split(" is not there: ")[1] for line in said] == [f"{name} is left out" for name in missing]
    assert all(f"{name}.swnn" in line for name, line in zip(missing, said))
