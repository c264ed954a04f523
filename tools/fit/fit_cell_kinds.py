#!/usr/bin/python3
"""Fits the classifier of cells (src/analysis/cell_kind_table.h) and says how good it is.

usage: fit_cell_kinds.py BUILD NUCLEI_DATA [OUT]

NUCLEI_DATA holds brca_m2c/ (Abousamra et al. 2021) and nucls_cc0/ (NuCLS). Detections near a dot have its
class, the others are no nuclei. A synthetic slide stands beside them so that very regular images work too.
One hidden layer, cross-entropy, Adam; staining varied at random, so that the slide's own normalisation need not
be exact. Without OUT it only prints the figures.
"""
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

HIDDEN = 16
EPOCHS = 60
MATCH_UM = 6
STANDARD_MAX = 5
# Columns of CellFeature that are densities of haematoxylin and of eosin.
HAEMATOXYLIN = [3, 4, 5, 6, 8, 13]
EOSIN = [7, 9]
NONE, INFLAMMATORY, EPITHELIAL, STROMAL = range(4)
SYNTHETIC = {"Carcinoma cell": EPITHELIAL, "Lymphocyte": INFLAMMATORY, "Fibroblast": STROMAL}
NUCLS = {0: EPITHELIAL, 1: STROMAL, 2: INFLAMMATORY}


def detect(build, slide, mpp):
    run = subprocess.run([build / "tools/fit/cell_features", slide, str(mpp)],
                         stdout=subprocess.PIPE, text=True, check=True)
    rows = [[float(v) for v in line.split(",")] for line in run.stdout.splitlines()]
    return np.array(rows).reshape(len(rows), -1) if rows else np.zeros((0, 16))


def match(found, dots, radius):
    """Pairs of indices, nearest first, each used once."""
    distance = np.hypot(found[:, None, 0] - dots[None, :, 0], found[:, None, 1] - dots[None, :, 1])
    pairs = np.argwhere(distance <= radius)
    pairs = pairs[np.argsort(distance[pairs[:, 0], pairs[:, 1]], kind="stable")]
    left, right, chosen = set(), set(), []
    for i, j in pairs:
        if i not in left and j not in right:
            left.add(i)
            right.add(j)
            chosen.append((i, j))
    return chosen


def sample(build, slide, mpp, dots):
    """Features and class of each detection, and how many dots there are."""
    found = detect(build, slide, mpp)
    classes = np.zeros(len(found), int)
    for i, j in match(found, dots, MATCH_UM / mpp):
        classes[i] = dots[j, 2]
    keep = classes >= 0
    return found[keep, 2:], classes[keep], len(dots)


def brca(build, data, split):
    folder = data / "brca_m2c"
    for name in (folder / f"brca_ds_{split}.txt").read_text().split():
        rows = np.loadtxt(folder / "labels" / f"{name[:-4]}_gt_class_coords.txt", ndmin=2)
        yield sample(build, folder / "images" / name, 0.5, rows[:, [1, 0, 2]])


def nucls(build, data):
    folder = data / "nucls_cc0/train"
    for image in sorted((folder / "images").iterdir()):
        text = (folder / "centroids" / f"{image.stem}.csv").read_text()
        rows = [[int(v) for v in line.split(",")] for line in text.split()]
        # -1: the sets' "other" may be any class; it is left out.
        dots = np.array([[x, y, NUCLS.get(c, -1)] for x, y, c in rows], float)
        yield sample(build, image, 0.25, dots)


def synthetic(build):
    with tempfile.TemporaryDirectory() as folder:
        slide, truth = pathlib.Path(folder) / "s.tiff", pathlib.Path(folder) / "s.csv"
        subprocess.run([build / "programs/slideway", "slide", "synthesize", "--width", "1536", "--height",
                        "1536", "--seed", "77", "--truth", truth, slide], check=True, stdout=subprocess.DEVNULL)
        rows = [line.split(",") for line in truth.read_text().splitlines()[1:]]
        dots = np.array([[float(r[1]), float(r[2]), SYNTHETIC[r[6]]] for r in rows])
        yield sample(build, slide, 0.5, dots)


def softmax(scores):
    powers = np.exp(scores - scores.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def standardise(features, mean, spread):
    return np.clip((features - mean) / spread, -STANDARD_MAX, STANDARD_MAX)


def vary(features, random):
    """As if the slide had been stained, or its staining judged, a little differently."""
    varied = features.copy()
    varied[:, HAEMATOXYLIN] *= np.exp(random.normal(0, 0.12, (len(features), 1)))
    varied[:, EOSIN] *= np.exp(random.normal(0, 0.25, (len(features), 1)))
    return varied


def fit(features, classes, weights, seed):
    random = np.random.default_rng(seed)
    mean, spread = features.mean(0), features.std(0)
    width = features.shape[1]
    values = [random.normal(0, width ** -0.5, (width, HIDDEN)), np.zeros(HIDDEN),
              random.normal(0, HIDDEN ** -0.5, (HIDDEN, 4)), np.zeros(4)]
    first, second = [np.zeros_like(v) for v in values], [np.zeros_like(v) for v in values]
    step = 0
    for epoch in range(EPOCHS):
        rate = 0.005 * (1 + np.cos(np.pi * epoch / EPOCHS)) + 1e-5
        for rows in np.array_split(random.permutation(len(features)), len(features) // 256):
            inputs = standardise(vary(features[rows], random), mean, spread)
            hidden = np.tanh(inputs @ values[0] + values[1])
            wrong = softmax(hidden @ values[2] + values[3])
            wrong[np.arange(len(rows)), classes[rows]] -= 1
            wrong *= weights[rows, None] / len(rows)
            back = wrong @ values[2].T * (1 - hidden * hidden)
            slopes = [inputs.T @ back + 3e-4 * values[0], back.sum(0),
                      hidden.T @ wrong + 3e-4 * values[2], wrong.sum(0)]
            step += 1
            for k, slope in enumerate(slopes):
                first[k] = 0.9 * first[k] + 0.1 * slope
                second[k] = 0.999 * second[k] + 0.001 * slope ** 2
                values[k] -= rate * (first[k] / (1 - 0.9 ** step)) / (
                    np.sqrt(second[k] / (1 - 0.999 ** step)) + 1e-8)
    return mean, spread, values


def predict(model, features):
    mean, spread, values = model
    hidden = np.tanh(standardise(features, mean, spread) @ values[0] + values[1])
    return softmax(hidden @ values[2] + values[3])


def judge(name, probabilities, classes, dot_count):
    for limit in (0.4, 0.5, 0.6):
        kept = probabilities[:, NONE] <= limit
        hits = (kept & (classes > 0)).sum()
        kinds = probabilities[:, 1:].argmax(1) + 1
        right = (kinds == classes)[kept & (classes > 0)].mean()
        print(f"{name} without what is none by {limit}: precision {hits / kept.sum():.3f} recall "
              f"{hits / dot_count:.3f} F1 {2 * hits / (kept.sum() + dot_count):.3f}, kind right {right:.3f}")


def numbers(values):
    """C literals, at most 100 columns a line."""
    lines, line = [], "   "
    for value in values:
        text = f" {value:.4g}"
        text += "F," if "." in text or "e" in text else ".0F,"
        if len(line) + len(text) > 100:
            lines.append(line)
            line = "   "
        line += text
    return "\n".join(lines + [line])


def write(model, path):
    mean, spread, values = model
    tables = [("FEATURE_MEANS[FEATURE_COUNT]", mean), ("FEATURE_SCALES[FEATURE_COUNT]", 1 / spread),
              ("HIDDEN_WEIGHTS[KIND_HIDDEN][FEATURE_COUNT]", values[0].T), ("HIDDEN_OFFSETS[KIND_HIDDEN]", values[1]),
              ("KIND_WEIGHTS[KIND_COUNT][KIND_HIDDEN]", values[2].T), ("KIND_OFFSETS[KIND_COUNT]", values[3])]
    text = ("/* SPDX-License-Identifier: Apache-2.0 */\n"
            "/*\n * Written by tools/fit/fit_cell_kinds.py, which says from what; see cell_kind.h. Included by\n"
            " * cell_kind.c alone.\n */\n#pragma once\n#include \"analysis/cell_kind.h\"\n\n"
            f"#define KIND_HIDDEN {HIDDEN}\n\n/* clang-format off */\n")
    for name, table in tables:
        rows = numbers(table) if table.ndim == 1 else "\n".join(f"    {{\n{numbers(row)}\n    }}," for row in table)
        text += f"static const float {name} = {{\n{rows}\n}};\n"
    path.write_text(text + "/* clang-format on */\n")


def main():
    build, data = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    sets = [("brca", list(brca(build, data, "train")), 1.0), ("nucls", list(nucls(build, data)), 2.0),
            ("synthetic", list(synthetic(build)), 0.5)]
    features = np.concatenate([s[0] for _, samples, _ in sets for s in samples])
    classes = np.concatenate([s[1] for _, samples, _ in sets for s in samples])
    weights = np.concatenate([np.full(len(s[1]), w) for _, samples, w in sets for s in samples])
    folds = np.concatenate([np.full(len(s[1]), i % 4) for _, samples, _ in sets for i, s in enumerate(samples)])
    source = np.concatenate([np.full(len(s[1]), k) for k, (_, samples, _) in enumerate(sets) for s in samples])
    crossed = np.zeros((len(classes), 4))
    for fold in range(4):
        train = (folds != fold) | (source == 2)
        crossed[folds == fold] = predict(fit(features[train], classes[train], weights[train], fold), features[folds == fold])
    for k, (name, samples, _) in enumerate(sets):
        judge(f"{name} (crossed)", crossed[source == k], classes[source == k], sum(s[2] for s in samples))
    model = fit(features, classes, weights, 0)
    held = list(brca(build, data, "val"))
    judge("brca val", predict(model, np.concatenate([s[0] for s in held])),
          np.concatenate([s[1] for s in held]), sum(s[2] for s in held))
    if len(sys.argv) > 3:
        write(model, pathlib.Path(sys.argv[3]))


if __name__ == "__main__":
    main()
