#!/usr/bin/python3
"""The five folds of the cross-validation: all tiles of a patient are in the same one.

usage: folds.py --data DIR     writes folds.csv beside this file
"""
import argparse
import csv
import functools
import pathlib

import numpy as np

FILE = pathlib.Path(__file__).with_name("folds.csv")
COUNT = 5
SEED = 2026


@functools.cache
def table():
    with open(FILE, newline="", encoding="utf-8") as lines:
        return {row["tile"]: int(row["fold"]) for row in csv.DictReader(lines)}


def fold_of(tile):
    return table()[tile]


def deal(names):
    """Patients in an order drawn at random, dealt in turn."""
    patients = np.random.default_rng(SEED).permutation(sorted({name[:12] for name in names}))
    fold = {patient: index % COUNT + 1 for index, patient in enumerate(patients)}
    return [(name, fold[name[:12]]) for name in sorted(names)]


def main():
    arguments = argparse.ArgumentParser(description=__doc__,
                                        formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", required=True)
    images = pathlib.Path(arguments.parse_args().data) / "nuclei" / "brca_m2c" / "images"
    with open(FILE, "w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(["tile", "fold"])
        writer.writerows(deal([image.stem for image in images.glob("*.png")]))


if __name__ == "__main__":
    main()
