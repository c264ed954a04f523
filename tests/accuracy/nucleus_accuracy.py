#!/usr/bin/python3
"""How well he-tme finds nuclei and tells their classes, on tiles that its model has not learned. A line a figure:
NAME VALUE UNIT.

usage: nucleus_accuracy.py --data DIR [--build DIR] [--scorer FILE]

Each tile of brca_m2c is analysed by the program with the model of the fold that left its patient out; `pooled` is all
of them. `validation` is the set's own list of ten tiles with the model that learned the other eighty, two of whose
patients are among the ten. dsb2018_cc0 was never learned: instance F1 at an intersection over union of 0.5, for each
kind of image, with the model that he-tme ships. What a model that is not there would give is left out, and so is
`pooled` where one of a fold is missing.
"""
import argparse
import concurrent.futures
import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image, ImageDraw

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "train"))
import folds

MODELS = ROOT / "applications" / "he-tme" / "models"
BRCA_MPP = 0.5
# Nobody says how large a pixel of dsb2018 is. Nuclei of its H&E images are 35 pixels wide: 8 to 9 microns at this.
DSB_MPP = 0.25
IOU_MIN = 0.5
DRAWING_SCALE = 4  # PIL draws the border of a polygon too, up to a pixel wide
ANALYSIS_SECONDS_MAX = 300


class Analyzer:
    """Runs he-tme; the results of an image are in a folder of its own."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def run(self, image, mpp, model):
        out = self.folder / model.stem / image.stem
        out.mkdir(parents=True)
        command = [self.program, "analyze", image, "--mpp", str(mpp), "--model", model, "--threads", "1", "--output", out]
        done = subprocess.run(command, capture_output=True, text=True, timeout=ANALYSIS_SECONDS_MAX, check=False)
        if done.returncode:
            sys.exit(f"nucleus_accuracy: {image.name}: {done.stderr.strip()}")
        return out

    def run_all(self, tasks):
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(lambda task: self.run(*task), tasks))


def score(scorer, labels, cells, names):
    """Name and value of each figure that the scorer prints for these tiles."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as wanted:
        wanted.write("".join(f"{name}.png\n" for name in names))
        wanted.flush()
        done = subprocess.run([sys.executable, scorer, "--gt", labels, "--pred", cells, "--list", wanted.name,
                               "--x", "CENTROID_X", "--y", "CENTROID_Y", "--class", "CELL_CLASS"],
                              stdout=subprocess.PIPE, text=True, check=True)
    return {name: float(value) for name, value in (line.split() for line in done.stdout.splitlines())}


def report_scores(prefix, figures):
    for name in ("detection_f1", "mean_class_f1", "f1_lymphocyte", "f1_tumour_epithelial", "f1_stromal"):
        print(f"he_tme_{prefix}_{name} {figures[name]:.4f} ratio", flush=True)


def model_of(split):
    return MODELS / ("." if split == "nuclei" else "folds") / f"{split}.swnn"


def with_models(splits):
    """Those of the splits whose models are there; says which are not."""
    for split in splits:
        if not model_of(split).is_file():
            print(f"nucleus_accuracy: {model_of(split)} is not there: {split} is left out", file=sys.stderr, flush=True)
    return {split: tiles for split, tiles in splits.items() if model_of(split).is_file()}


def measure_brca(analyzer, brca, scorer):
    splits = {f"fold-{number}": [] for number in range(1, folds.COUNT + 1)}
    for tile, fold in folds.table().items():
        splits[f"fold-{fold}"].append(tile)
    measured = with_models(splits)
    cells = collect(analyzer, brca, measured, "pooled")
    for split, names in measured.items():
        report_scores(split.replace("-", "_"), score(scorer, brca / "labels", cells, names))
    if measured == splits:
        report_scores("pooled", score(scorer, brca / "labels", cells, sorted(folds.table())))
    validation = [name.removesuffix(".png") for name in (brca / "brca_ds_val.txt").read_text().split()]
    for split, names in with_models({"validation": validation}).items():
        cells = collect(analyzer, brca, {split: names}, "official")
        report_scores(split, score(scorer, brca / "labels", cells, names))


def collect(analyzer, brca, splits, name):
    """A folder with the cells of all tiles of the splits, each found by its split's model."""
    tasks = [(brca / "images" / f"{tile}.png", BRCA_MPP, model_of(split))
             for split, tiles in splits.items() for tile in tiles]
    cells = analyzer.folder / name
    cells.mkdir()
    for (image, _, _), out in zip(tasks, analyzer.run_all(tasks)):
        (out / "readout_generation_cell_readouts.csv").rename(cells / f"{image.stem}.csv")
    return cells


def draw_instances(path, size):
    """Labels from 1 of the outlines in a GeoJSON file, drawn one over the other: a pixel is inside where its middle is."""
    canvas = Image.new("I", (size[0] * DRAWING_SCALE, size[1] * DRAWING_SCALE))
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    for label, feature in enumerate(features, 1):
        ring = [(x * DRAWING_SCALE, y * DRAWING_SCALE) for x, y in feature["geometry"]["coordinates"][0]]
        ImageDraw.Draw(canvas).polygon(ring, fill=label)
    return np.array(canvas)[DRAWING_SCALE // 2::DRAWING_SCALE, DRAWING_SCALE // 2::DRAWING_SCALE]


def instance_counts(truth, found):
    """Matched, found and true instances. Above one half an instance has at most one partner."""
    pairs, both = np.unique(np.stack([truth.ravel(), found.ravel()]), axis=1, return_counts=True)
    true_areas, found_areas = np.bincount(truth.ravel()), np.bincount(found.ravel())
    inside = (pairs > 0).all(0)
    union = true_areas[pairs[0]] + found_areas[pairs[1]] - both
    matched = (inside & (both > IOU_MIN * union)).sum()
    return np.array([matched, (found_areas[1:] > 0).sum(), (true_areas[1:] > 0).sum()])


def measure_dsb(analyzer, dsb):
    with open(dsb / "index.csv", newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    tasks = [(dsb / "images" / row["file"], DSB_MPP, model_of("nuclei")) for row in rows]
    sums = {}
    for row, out in zip(rows, analyzer.run_all(tasks)):
        truth = np.array(Image.open(dsb / "labels" / row["file"]))
        found = draw_instances(out / "cell_classification_geojson_polygons.json", truth.shape[::-1])
        for kind in (row["kind"], "all"):
            sums[kind] = sums.get(kind, 0) + instance_counts(truth, found)
    for kind, (matched, found, true) in sorted(sums.items()):
        print(f"he_tme_dsb2018_{kind}_instance_f1 {2 * matched / (found + true):.4f} ratio", flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__,
                                        formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", required=True, type=pathlib.Path)
    arguments.add_argument("--build", default=ROOT / "build", type=pathlib.Path)
    arguments.add_argument("--scorer", type=pathlib.Path, help="default: ../tools/score_cells.py beside the data")
    options = arguments.parse_args()
    scorer = options.scorer or options.data.parent / "tools" / "score_cells.py"
    programs = sorted(options.build.glob("applications/he-tme/*/he-tme"))
    if not scorer.is_file() or not programs:
        sys.exit(f"nucleus_accuracy: {scorer} or he-tme in {options.build} is not there: name the data (TEST_DATA) and build")
    with tempfile.TemporaryDirectory() as folder:
        analyzer = Analyzer(programs[-1], pathlib.Path(folder))
        measure_brca(analyzer, options.data / "nuclei" / "brca_m2c", scorer)
        if with_models({"nuclei": []}):
            measure_dsb(analyzer, options.data / "nuclei" / "dsb2018_cc0")


if __name__ == "__main__":
    main()
