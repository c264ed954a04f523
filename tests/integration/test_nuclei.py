"""How well he-tme finds nuclei and tells their classes on tiles of breast cancer that people have annotated: the ten that
BRCA-M2C (Abousamra et al. 2021) keeps for validation, in TEST_DATA/nuclei/brca_m2c, each with the model that has learned
no tile of its patient (docs/he-tme-model.md). The floors stand a little below what was measured, so that a change that
makes it worse is seen."""
import csv
import os
import pathlib
import subprocess
import sys

import numpy
import pytest
from PIL import Image

import harness

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "train"))
import cells
import folds

PROGRAM = harness.application_folder("he-tme") / "he-tme"
MODELS = ROOT / "applications" / "he-tme" / "models" / "folds"
DATA = pathlib.Path(os.environ.get("TEST_DATA", "/nonexistent")) / "nuclei" / "brca_m2c"
MPP = 0.5
DETECTION_F1_MIN = 0.85
CLASS_F1_MIN = 0.65
# The set's labels: 1 lymphocyte, 2 tumour or epithelial, 3 stromal.
KINDS = {"Lymphocyte": 1, "Carcinoma cell": 2, "Epithelial cell": 2, "Fibroblast": 3, "Endothelial cell": 3}


def found_cells(image, folder, mpp):
    """In pixels of the tile, which is given to the program with that resolution."""
    model = MODELS / f"fold-{folds.fold_of(image.stem)}.swnn"
    tile, scaled = Image.open(image).convert("RGB"), folder.with_suffix(".png")
    size = [round(side * MPP / mpp) for side in tile.size]
    tile.resize(size, Image.BICUBIC).save(scaled)
    subprocess.run([PROGRAM, "analyze", scaled, "--mpp", str(mpp), "--model", model, "--output", folder], check=True,
                   capture_output=True, timeout=600)
    with open(folder / "readout_generation_cell_readouts.csv", newline="", encoding="utf-8") as lines:
        next(lines)
        rows = list(csv.DictReader(lines))
    found = numpy.array([[float(row["CENTROID_X"]), float(row["CENTROID_Y"]), KINDS[row["CELL_CLASS"]]] for row in rows])
    return found * [tile.size[0] / size[0], tile.size[1] / size[1], 1]


@pytest.mark.skipif(not DATA.is_dir(), reason="TEST_DATA has no nuclei/brca_m2c")
@pytest.mark.parametrize("mpp", [MPP, 0.345, 0.4])
def test_nuclei_of_annotated_tiles_are_found_and_their_classes_told(folder, mpp):
    """At the resolution of the annotations, and at those of scanners of which no whole pixels make half a micron."""
    score = cells.Score()
    for name in (DATA / "brca_ds_val.txt").read_text().split():
        # A line is ROW COLUMN CLASS.
        rows = numpy.loadtxt(DATA / "labels" / f"{name[:-4]}_gt_class_coords.txt", ndmin=2)
        score.add(rows[:, [1, 0, 2]], found_cells(DATA / "images" / name, folder / f"{mpp}-{name[:-4]}", mpp))
    print(f"detection F1 {score.detection:.3f}, classes {numpy.round(score.f1[1:], 3)}, mean {score.classes:.3f}")
    assert score.counts[0, 2] == 3133
    assert score.detection >= DETECTION_F1_MIN
    assert score.classes >= CLASS_F1_MIN
