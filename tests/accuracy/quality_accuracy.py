#!/usr/bin/python3
"""How well he-tme's quality map finds pens, blur and folds on real pixels; a line `name value unit` a figure.

usage: quality_accuracy.py --build DIR --data DIR

--build  a build folder
--data   the folder with qc/histoqc and nuclei/brca_m2c (TEST_DATA)

Pens are compared with HistoQC's hand masks. Blur and folds are put on the BRCA-M2C tiles of every second patient, not
those whose tiles fitted the limits (quality_images.split). A pixel of the map counts as an artifact where the mask
has at least half of it. Last, both maps of two synthetic slides are compared with their truth.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy
from PIL import Image

import quality_images
import synthetic_regions

# As classes.h numbers them.
VALID_TISSUE, TISSUE_ARTIFACT, MARKER, OUT_OF_FOCUS = 1, 2, 3, 4
PENS = ("black", "green", "red")
# The pictures of the pens are overviews whose resolution is not told; a slide is 25 mm wide.
PEN_MPP = 30
MAP_SIDE_PX = 8
SEED = 20
SYNTHETIC_SEEDS = (3, 4)


class Counts:
    """Pixels: found and true, found, true."""

    def __init__(self):
        self.hit = self.found = self.true = 0

    def add(self, found, true):
        self.hit += int((found & true).sum())
        self.found += int(found.sum())
        self.true += int(true.sum())

    def merge(self, other):
        self.hit, self.found, self.true = self.hit + other.hit, self.found + other.found, self.true + other.true

    def tell(self, name):
        print(f"{name}_precision {self.hit / max(1, self.found):.3f} share")
        print(f"{name}_recall {self.hit / max(1, self.true):.3f} share")

    def tell_overlap(self, name):
        print(f"{name}_iou {self.hit / max(1, self.found + self.true - self.hit):.3f} share")


def measure_pens(program, data, folder):
    pictures = data / "qc" / "histoqc" / "pen" / "1k_version"
    everything = Counts()
    for pen in PENS:
        made = folder / f"{pen}.tiff"
        subprocess.run([program, "quality", pictures / f"pen_{pen}.png", "--mpp", str(PEN_MPP), "--output", made],
                       check=True)
        mask = numpy.asarray(Image.open(pictures / f"pen_{pen}_mask.png").convert("L")) > 127
        counts = Counts()
        counts.add(numpy.asarray(Image.open(made)) == MARKER, mask)
        counts.tell_overlap(f"quality_pen_{pen}")
        everything.merge(counts)
    everything.tell_overlap("quality_pen")
    everything.tell("quality_pen")


def quality_map(program, pixels, folder):
    image = folder / "tile.png"
    Image.fromarray(pixels).save(image)
    subprocess.run([program, "analyze", image, "--mpp", str(quality_images.MPP), "--output", folder / "results"],
                   check=True, stdout=subprocess.DEVNULL)
    return numpy.asarray(Image.open(folder / "results" / "tissue_qc_segmentation_map_image.tiff"))


def measure_artifact(program, tiles, folder, artifact):
    """`artifact`: its name, class, how to put it on a tile, and the sizes (in pixels) with their names."""
    name, value, put, sizes = artifact
    everything = Counts()
    for size_px in sizes:
        counts = Counts()
        generator = numpy.random.default_rng(SEED + size_px)
        for pixels in tiles:
            image, mask = put(pixels, size_px, generator)
            true = quality_images.map_shares(mask, MAP_SIDE_PX) >= 0.5
            found = quality_map(program, image, folder)[:true.shape[0], :true.shape[1]]
            counts.add(found == value, true)
        counts.tell(f"quality_{name}_{size_px * quality_images.MPP:g}um")
        everything.merge(counts)
    everything.tell(f"quality_{name}")


def measure_untouched(program, tiles, folder):
    """What is called an artifact on tiles as they are."""
    pixels = wrong = 0
    for tile in tiles:
        classes = quality_map(program, tile, folder)
        wrong += int(numpy.isin(classes, (TISSUE_ARTIFACT, MARKER, OUT_OF_FOCUS)).sum())
        pixels += classes.size
    print(f"quality_false_artifacts {wrong / pixels:.4f} share")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--data", required=True, type=pathlib.Path)
    options = parser.parse_args()
    programs = sorted((options.build / "applications" / "he-tme").glob("*/he-tme"))
    if not programs:
        sys.exit(f"{options.build} has no he-tme")
    program = programs[-1]
    tiles_folder = options.data / "nuclei" / "brca_m2c"
    _, measured = quality_images.split(quality_images.tile_names(tiles_folder))
    tiles = [quality_images.load(tiles_folder, name) for name in measured]
    with tempfile.TemporaryDirectory(prefix="slideway-quality-") as name:
        folder = pathlib.Path(name)
        measure_pens(program, options.data, folder)
        measure_artifact(program, tiles, folder,
                         ("blur", OUT_OF_FOCUS, quality_images.blurred, quality_images.BLUR_SIGMAS_PX))
        measure_artifact(program, tiles, folder,
                         ("fold", TISSUE_ARTIFACT, quality_images.folded, quality_images.FOLD_WIDTHS_PX))
        measure_untouched(program, tiles, folder)
        slides = [synthetic_regions.Slide(options.build, program, folder, seed) for seed in SYNTHETIC_SEEDS]
        quality, tissue = synthetic_regions.scores(slides)
        quality.tell("synthetic_quality")
        tissue.tell("synthetic_tissue")
        merged = synthetic_regions.epithelium_of_any_kind(tissue)
        print(f"synthetic_tissue_epithelium_of_any_kind_iou {merged.overlap(1):.3f} share")


if __name__ == "__main__":
    main()
