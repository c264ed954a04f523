"""he-tme's class maps of a synthetic slide against its truth: for quality_accuracy.py and the test of quality."""
import csv
import pathlib
import subprocess

import numpy
from PIL import Image

# As classes.h numbers them.
QUALITY = {1: "valid_tissue", 2: "tissue_artifact", 3: "marker", 4: "out_of_focus", 5: "no_tissue"}
TISSUE = {1: "carcinoma", 2: "epithelial_tissue", 3: "necrosis", 4: "stroma", 5: "other", 6: "blood", 7: "vessel"}
WIDTH_PX, HEIGHT_PX, MPP = 6000, 5000, 0.5


class Slide:
    """A synthetic slide with artifacts, its truth, and what he-tme made of it."""

    def __init__(self, build, he_tme, folder, seed, width=WIDTH_PX, height=HEIGHT_PX):
        folder = pathlib.Path(folder)
        self.path = folder / f"synthetic-{seed}.tiff"
        truth = {name: folder / f"truth-{seed}-{name}" for name in ("cells", "quality", "tissue")}
        subprocess.run([build / "programs" / "slideway", "slide", "synthesize", self.path, "--width", str(width),
                        "--height", str(height), "--mpp", str(MPP), "--seed", str(seed), "--artifacts",
                        "--truth", truth["cells"], "--truth-quality", truth["quality"],
                        "--truth-tissue", truth["tissue"]], check=True, stdout=subprocess.DEVNULL)
        results = folder / f"results-{seed}"
        subprocess.run([he_tme, "analyze", self.path, "--output", results], check=True, stdout=subprocess.DEVNULL)
        self.true_quality, self.true_tissue = (numpy.asarray(Image.open(truth[name])) for name in ("quality", "tissue"))
        self.quality, self.tissue = (
            numpy.asarray(Image.open(results / f"{name}_segmentation_map_image.tiff"))
            for name in ("tissue_qc", "tissue_segmentation"))
        with open(truth["cells"], newline="", encoding="utf-8") as lines:
            self.cells = list(csv.DictReader(lines))


class Scores:
    """Counts of pixels by true and found class."""

    def __init__(self, names):
        self.names = names
        self.counts = numpy.zeros((max(names) + 1, max(names) + 1), dtype=numpy.int64)

    def add(self, true, found):
        """Only places that have a class in both."""
        known = (true > 0) & (found > 0)
        numpy.add.at(self.counts, (true[known], found[known]), 1)

    def overlap(self, value):
        """Intersection over union."""
        both = self.counts[value, value]
        return both / max(1, self.counts[value].sum() + self.counts[:, value].sum() - both)

    def accuracy(self):
        return numpy.trace(self.counts) / max(1, self.counts.sum())

    def tell(self, prefix):
        for value, name in self.names.items():
            print(f"{prefix}_{name}_iou {self.overlap(value):.3f} share")
        print(f"{prefix}_pixel_accuracy {self.accuracy():.3f} share")

    def merged(self, names, value_of):
        """The same counts with other classes."""
        result = Scores(names)
        for (true, found), count in numpy.ndenumerate(self.counts):
            if count > 0:
                result.counts[value_of(true), value_of(found)] += count
        return result


def epithelium_of_any_kind(tissue):
    """Carcinoma and other epithelium as one class, all else as another."""
    return tissue.merged({1: "epithelium_of_any_kind", 2: "rest"}, lambda value: 1 if value <= 2 else 2)


def scores(slides):
    """Of quality and of tissue."""
    quality, tissue = Scores(QUALITY), Scores(TISSUE)
    for slide in slides:
        quality.add(slide.true_quality, slide.quality)
        tissue.add(slide.true_tissue, slide.tissue)
    return quality, tissue
