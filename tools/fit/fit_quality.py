#!/usr/bin/python3
"""Fits the limits of he-tme's quality map and prints them; they stand in src/analysis/quality_{ink,folds,focus}.c.

usage: fit_quality.py TEST_DATA

The tiles are those of every second patient of BRCA-M2C (tests/accuracy/quality_images.py); the others measure.
- Ink: percentiles of the colours of tissue, in mean colours of 4 microns. No picture of a pen is used.
- Blur: the ratio of fine to coarse detail that has the best F1 for blurred patches.
- Folds: a logistic regression on the logarithms of densities, for bands in which tissue lies double.
"""
import pathlib
import sys

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "accuracy"))
import quality_images  # noqa: E402

MAP_SIDE_PX = 8
WHITE_MIN = 232
SEED = 10
# As in quality_folds.c and quality_focus.c.
WINDOW_RADIUS_PX = 2
DENSITY_FLOOR, TISSUE_DENSITY_MIN, TISSUE_QUANTILE = 0.03, 0.12, 0.65
FINE_NOISE, COARSE_NOISE = 0.3, 0.5


def blocks(values, side):
    height, width = (size // side * side for size in values.shape[:2])
    parts = values[:height, :width].reshape(height // side, side, width // side, side, *values.shape[2:])
    return parts.mean((1, 3))


def window(values, radius=WINDOW_RADIUS_PX):
    """The mean of a square, over what exists of it."""
    side = 2 * radius + 1

    def sums(array):
        padded = numpy.pad(array, [(radius + 1, radius), (radius + 1, radius)] + [(0, 0)] * (array.ndim - 2))
        total = padded.cumsum(0).cumsum(1)
        return total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side]
    count = sums(numpy.ones(values.shape[:2]))
    return sums(values) / count.reshape(count.shape + (1,) * (values.ndim - 2))


def densities(image):
    mean = blocks(image.astype(float), MAP_SIDE_PX)
    white = numpy.maximum(WHITE_MIN, numpy.percentile(mean.reshape(-1, 3), 99, axis=0))
    return numpy.maximum(0, -numpy.log10(numpy.maximum(mean, 1) / white))


def haar(values):
    """The mean of 2 x 2 values and their detail (measures.h)."""
    a, b, c, d = values[::2, ::2], values[::2, 1::2], values[1::2, ::2], values[1::2, 1::2]
    detail = (abs(a + b - c - d) + abs(a + c - b - d) + abs(a + d - b - c)) / 4
    return (a + b + c + d) / 4, detail


def focus_ratio(image):
    green = image[..., 1].astype(float)
    green = green[:green.shape[0] // MAP_SIDE_PX * MAP_SIDE_PX, :green.shape[1] // MAP_SIDE_PX * MAP_SIDE_PX]
    quads, fine = haar(green)
    fours, _ = haar(quads)
    coarse = (abs(numpy.diff(fours, axis=0, append=fours[-2:-1])) + abs(numpy.diff(fours, axis=1, append=fours[:, -2:-1])))
    return (window(blocks(fine, 4)) + FINE_NOISE) / (window(blocks(coarse, 2)) + COARSE_NOISE)


def fold_features(image):
    density = densities(image)
    tissue = density[window(density[..., 1], 1) >= TISSUE_DENSITY_MIN]
    reference = numpy.log(numpy.quantile(tissue, TISSUE_QUANTILE, axis=0) + DENSITY_FLOOR)
    place = numpy.log(window(density) + DENSITY_FLOOR)
    return numpy.concatenate([place, numpy.broadcast_to(reference, place.shape)], -1).reshape(-1, 6)


def regression(features, labels):
    """Newton's method."""
    columns = numpy.c_[features, numpy.ones(len(features))]
    weights = numpy.zeros(columns.shape[1])
    for _ in range(30):
        chance = 1 / (1 + numpy.exp(-columns @ weights))
        curvature = (columns * (chance * (1 - chance))[:, None]).T @ columns
        weights -= numpy.linalg.solve(curvature + 1e-3 * numpy.eye(len(weights)), columns.T @ (chance - labels))
    return weights


def f1(found, true):
    return 2 * (found & true).sum() / (found.sum() + true.sum())


def fit_ink(tiles):
    density = numpy.concatenate([densities(tile).reshape(-1, 3) for tile in tiles])
    red, green, blue = density[density[:, 1] > 0.12].T
    print("ink: red over green, 99.99 %:", round(float(numpy.percentile(red - green, 99.99)), 3))
    print("ink: blue over green, 99.99 %:", round(float(numpy.percentile(blue / green, 99.99)), 3))
    reddish = (green > 0.2) & (red < 0.35 * green)
    shares = numpy.percentile((blue / green)[reddish], [93, 99.9])
    print("ink: blue over green where there is no red, 93 and 99.9 %:", numpy.round(shares, 3))


def masked(put, tiles, sizes, measure):
    """The measure of each place of the map, and whether the artifact is there."""
    generator = numpy.random.default_rng(SEED)
    values, labels = [], []
    for tile in tiles:
        for size in sizes:
            image, mask = put(tile, size, generator)
            values.append(measure(image))
            labels.append((quality_images.map_shares(mask, MAP_SIDE_PX) >= 0.5).ravel())
    return numpy.concatenate(values), numpy.concatenate(labels)


def fit_blur(tiles):
    ratios, labels = masked(quality_images.blurred, tiles, quality_images.BLUR_SIGMAS_PX,
                            lambda image: focus_ratio(image).ravel())
    limits = numpy.arange(0.15, 0.40, 0.01)
    scores = [f1(ratios < limit, labels) for limit in limits]
    best = int(numpy.argmax(scores))
    print(f"blur: ratio {limits[best]:.2f}, F1 {scores[best]:.3f}")


def fit_folds(tiles):
    features, labels = masked(quality_images.folded, tiles, quality_images.FOLD_WIDTHS_PX, fold_features)
    # Folds are rarer than here: tiles without any stand for what is not to be called one.
    untouched = numpy.concatenate([fold_features(tile) for tile in tiles] * 2)
    weights = regression(numpy.concatenate([features, untouched]), numpy.r_[labels, numpy.zeros(len(untouched))])
    print("folds: weights of the place", numpy.round(weights[:3], 2), "of the tissue", numpy.round(weights[3:6], 2),
          "constant", round(float(weights[6]), 2))
    scores, without = (values @ weights[:6] + weights[6] for values in (features, untouched))
    for limit in (-2, -1.5, -1, -0.5, 0):
        found = scores > limit
        print(f"folds: score {limit}: precision {(found & labels).sum() / found.sum():.3f}, recall "
              f"{(found & labels).sum() / labels.sum():.3f}, untouched {(without > limit).mean():.4f}")
    print("folds: score of 99.8 % of the untouched:", round(float(numpy.quantile(without, 0.998)), 2))


def main():
    folder = pathlib.Path(sys.argv[1]) / "nuclei" / "brca_m2c"
    fitted, _ = quality_images.split(quality_images.tile_names(folder))
    tiles = [quality_images.load(folder, name) for name in fitted]
    fit_ink(tiles)
    fit_blur(tiles)
    fit_folds(tiles)


if __name__ == "__main__":
    main()
