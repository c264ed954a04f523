"""Every readout of made-up slides against an implementation that looks at each pixel of each region
and at each pair of cells. It follows docs/he-tme.md and shares nothing with the program."""
import csv
import math
import os
import pathlib
import runpy
import subprocess
from fractions import Fraction

import numpy
import pytest

import harness
from readout_columns import (CELLS, NUCLEATED, QUALITY, RADII_UM, TISSUE, cell_columns, column,
                             slide_columns)

WRITE_READOUTS = harness.BUILD / "tests/tools/write_readouts"
COLUMN_LIST = pathlib.Path(os.environ.get("TEST_DATA", "/nonexistent")) / "../contract/slide_readout_columns.py"
COLUMN_COUNT = 4548
CELL_COUNT = 2000

# The numbers of the classes in maps and cells.
QUALITY_NUMBERS = {"Valid Tissue": 1, "Tissue Artifact": 2, "Marker": 3, "Out Of Focus": 4, "No Tissue": 5}
TISSUE_NUMBERS = {"Carcinoma": 1, "Epithelial Tissue": 2, "Necrosis": 3, "Stroma": 4, "Other": 5, "Blood": 6,
                  "Vessel": 7}
CELL_NUMBERS = {"Carcinoma cell": 1, "Epithelial cell": 2, "Fibroblast": 3, "Endothelial cell": 4,
                "Lymphocyte": 5, "Plasma cell": 6, "Macrophage": 7, "Granulocyte": 8, "Other": 9}


class Slide:
    """Maps in patches with specks and holes, and cells in crowds and alone."""

    def __init__(self, seed, mpp, scale, untold=()):
        self.random = numpy.random.default_rng(seed)
        self.mpp, self.scale = mpp, scale
        # No whole number of microns.
        self.width, self.height = int(802 / mpp) - 1, int(554 / mpp) - 1
        self.columns = math.ceil(self.width / scale)
        self.rows = math.ceil(self.height / scale)
        self.untold = set(untold)
        self.quality = self.make_map([n for name, n in QUALITY_NUMBERS.items() if name not in untold])
        self.tissue = self.make_map([0] + [n for name, n in TISSUE_NUMBERS.items() if name not in untold])
        self.make_cells()

    def make_map(self, numbers):
        """Patches of 12 pixels a side, whose borders and specks are noise."""
        rows, columns = numpy.indices((self.rows, self.columns))
        patches = self.random.choice(numbers, (self.rows // 12 + 2, self.columns // 12 + 2))
        shake = self.random.integers(0, 4, (2, self.rows, self.columns))
        classes = patches[(rows + shake[0]) // 12, (columns + shake[1]) // 12]
        specks = self.random.random(classes.shape) < 0.03
        return numpy.where(specks, self.random.choice(numbers, classes.shape), classes)

    def make_cells(self):
        draw = self.random
        crowds = draw.random((40, 2))
        places = numpy.where(draw.random((CELL_COUNT, 1)) < 0.5, draw.random((CELL_COUNT, 2)),
                             draw.choice(crowds, CELL_COUNT) + draw.normal(0, 0.02, (CELL_COUNT, 2)))
        places = numpy.clip(places, 0, 0.9999) * [self.width, self.height]
        places[1] = places[0]
        self.places = places.astype(numpy.float32).astype(float)
        told = [number for name, number in CELL_NUMBERS.items() if name not in self.untold]
        self.cells = draw.choice(told, CELL_COUNT)
        self.tissues = draw.choice([0] + [n for t, n in TISSUE_NUMBERS.items() if t not in self.untold],
                                   CELL_COUNT)
        # Groups of none, of one, and of two.
        rare = (self.cells == CELL_NUMBERS["Granulocyte"]) & (self.tissues == TISSUE_NUMBERS["Other"])
        self.tissues[rare] = TISSUE_NUMBERS["Blood"]
        for cell, tissue, kept in (("Macrophage", "Other", 1), ("Lymphocyte", "Carcinoma", 2)):
            group = (self.cells == CELL_NUMBERS[cell]) & (self.tissues == TISSUE_NUMBERS[tissue])
            self.tissues[numpy.flatnonzero(group)[kept:]] = TISSUE_NUMBERS["Necrosis"]
        shapes = draw.random((CELL_COUNT, 6)) * [60, 20, 8, 5, 0.3, 1] + [10, 14, 5, 2, 0.7, 0]
        self.shapes = shapes.astype(numpy.float32).astype(float)

    def bits(self, numbers):
        return sum(1 << number for name, number in numbers.items() if name in self.untold)

    def write(self, path):
        head = [self.width, self.height, self.mpp, self.columns, self.rows, self.scale,
                self.bits(QUALITY_NUMBERS), self.bits(TISSUE_NUMBERS), self.bits(CELL_NUMBERS), CELL_COUNT]
        cells = numpy.column_stack([self.places, self.cells, self.tissues, self.shapes])
        parts = [head, self.quality.ravel(), self.tissue.ravel(), cells.ravel()]
        path.write_bytes(numpy.concatenate(parts).astype(float).tobytes())


def write_readouts(slide, folder, threads=2):
    folder.mkdir()
    slide.write(folder / "slide.bin")
    subprocess.run([WRITE_READOUTS, folder / "slide.bin", folder, str(threads)], check=True, timeout=600,
                   capture_output=True)
    return folder


def table(path):
    lines = path.read_text().splitlines()
    assert lines[0] == "# For Research Use Only"
    return list(csv.reader(lines[1:]))


# --- Maps ---

def parts_of(mask):
    """The parts of a mask that hang together by sides, in the order of their first pixels."""
    left = mask.copy()
    for start in map(tuple, numpy.argwhere(mask)):
        if left[start]:
            part = numpy.zeros_like(mask)
            todo = [start]
            left[start] = False
            while todo:
                row, x = todo.pop()
                part[row, x] = True
                for place in ((row - 1, x), (row + 1, x), (row, x - 1), (row, x + 1)):
                    if 0 <= place[0] < mask.shape[0] and 0 <= place[1] < mask.shape[1] and left[place]:
                        left[place] = False
                        todo.append(place)
            yield part


def filled(mask):
    """A mask with all that it encloses."""
    padded = numpy.pad(mask, 1)
    outside = next(parts_of(~padded))
    return ~outside[1:-1, 1:-1]


def hull(points):
    """The corners of the convex hull, by Andrew's monotone chain over all points."""
    points = sorted(set(map(tuple, points.tolist())))
    corners = []
    for chain in (points, points[::-1]):
        part = []
        for p in chain:
            while len(part) > 1 and ((part[-1][0] - part[-2][0]) * (p[1] - part[-2][1])
                                     - (part[-1][1] - part[-2][1]) * (p[0] - part[-2][0])) <= 0:
                part.pop()
            part.append(p)
        corners += part[:-1]
    return corners


def ring_area(corners):
    x, y = numpy.array(corners, dtype=float).T
    return abs(numpy.sum(x * numpy.roll(y, -1) - numpy.roll(x, -1) * y)) / 2


def smallest_rectangle(corners):
    """Its longer and its shorter side; of several the longest. Squares of areas and sides are fractions, so
    that equal ones are equal."""
    best = None
    for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1]):
        dx, dy = bx - ax, by - ay
        along = [x * dx + y * dy for x, y in corners]
        across = [y * dx - x * dy for x, y in corners]
        length_squared = dx * dx + dy * dy
        sides = sorted(Fraction((max(places) - min(places)) ** 2, length_squared) for places in (along, across))
        best = min(best or (sides[0] * sides[1], -sides[1]), (sides[0] * sides[1], -sides[1]))
    return math.sqrt(-best[1]), math.sqrt(-best[0] / best[1])


def outline_length(mask):
    """From the sides of pixels at the border of a mask and the corners that they make, which are told
    by the four pixels around a point (Gray: Local properties of binary images, 1971)."""
    padded = numpy.pad(mask, 1).astype(int)
    sides = numpy.abs(numpy.diff(padded, axis=0)).sum() + numpy.abs(numpy.diff(padded, axis=1)).sum()
    a, b, c, d = padded[:-1, :-1], padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]
    count = a + b + c + d
    corners = numpy.sum(count == 1) + numpy.sum(count == 3) + 2 * numpy.sum((count == 2) & (a == d))
    return math.pi / 8 * ((1 + math.sqrt(2)) * sides - corners / math.sqrt(2))


def region_values(mask, mpp):
    rows, columns = numpy.nonzero(mask)
    area = len(rows)
    corners = numpy.concatenate([numpy.column_stack([rows + i, columns + j]) for i in (0, 1) for j in (0, 1)])
    ring = hull(corners)
    convex = ring_area(ring)
    whole = filled(mask)
    roundness = min(1, 4 * math.pi * whole.sum() / outline_length(whole) ** 2)
    major, minor = smallest_rectangle(ring)
    extent = (numpy.ptp(rows) + 1) * (numpy.ptp(columns) + 1)
    return {"area": area, "EXTENT": extent * mpp ** 2, "CONVEX_AREA": convex * mpp ** 2,
            "FILLED_AREA": whole.sum() * mpp ** 2, "ROUNDNESS": roundness, "ECCENTRICITY": 1 - roundness,
            "MAJ_AXIS": major * mpp, "MNR_AXIS": minor * mpp, "PERIMETER": outline_length(mask) * mpp,
            "SOLIDICITY": area / convex}


def crop(mask):
    rows, columns = numpy.nonzero(mask)
    return mask[rows.min():rows.max() + 1, columns.min():columns.max() + 1]


def mean(values):
    values = list(values)
    return sum(values) / len(values) if values else None


def share(part, whole):
    return None if part is None or not whole else part / whole


def percent(part, whole):
    return None if share(part, whole) is None else 100 * share(part, whole)


def class_areas(slide, classes, numbers):
    """In square microns, of what lies inside the image."""
    right = numpy.minimum(numpy.arange(1, slide.columns + 1) * slide.scale, slide.width)
    bottom = numpy.minimum(numpy.arange(1, slide.rows + 1) * slide.scale, slide.height)
    areas = numpy.outer(numpy.diff(bottom, prepend=0), numpy.diff(right, prepend=0)) * slide.mpp ** 2
    return {name: areas[classes == number].sum() for name, number in numbers.items()}


def expected_areas(slide):
    values = {}
    quality = class_areas(slide, slide.quality, QUALITY_NUMBERS)
    total = sum(area for name, area in quality.items() if name != "No Tissue")
    values["ABSOLUTE_AREA"] = total
    for name in QUALITY:
        area = None if name == "No Tissue" or name in slide.untold else quality[name]
        values[f"ABSOLUTE_AREA_{column(name)}"] = area
        values[f"RELATIVE_AREA_{column(name)}"] = percent(area, total)
    tissue = class_areas(slide, slide.tissue, TISSUE_NUMBERS)
    for name in TISSUE:
        area = None if name in slide.untold else tissue[name]
        values[f"ABSOLUTE_AREA_{column(name)}"] = area
        values[f"RELATIVE_AREA_{column(name)}"] = percent(area, sum(tissue.values()))
    return values, tissue


def expected_regions(slide):
    values = {}
    for name, number in TISSUE_NUMBERS.items():
        regions = [region_values(crop(part), slide.mpp * slide.scale) for part in parts_of(slide.tissue == number)]
        largest = max(regions, key=lambda region: region["area"], default=None)
        values[f"REGION_COUNT_{column(name)}"] = None if name in slide.untold else len(regions)
        for what in ("ECCENTRICITY", "EXTENT", "SOLIDICITY"):
            values[f"AVG_{what}_{column(name)}"] = mean(region[what] for region in regions)
        for what in ("CONVEX_AREA", "FILLED_AREA", "ROUNDNESS", "MAJ_AXIS", "MNR_AXIS", "PERIMETER",
                     "SOLIDICITY", "ECCENTRICITY"):
            values[f"LARGEST_{what}_{column(name)}"] = largest and largest[what]
    return values


# --- Cells ---

def roundness_of(shapes):
    return numpy.minimum(1, 4 * math.pi * shapes[:, 0] / shapes[:, 1] ** 2)


def nucleus_means(shapes):
    roundness = mean(roundness_of(shapes))
    means = {"AREA": mean(shapes[:, 0]), "PERIMETER": mean(shapes[:, 1]), "MAJ_AXIS": mean(shapes[:, 2]),
             "MNR_AXIS": mean(shapes[:, 3]), "ROUNDNESS": roundness}
    return {**means, "ECCENTRICITY": None if roundness is None else 1 - roundness}


def expected_cells(slide, tissue_areas):
    values = {"CELL_N_TOTAL": CELL_COUNT}
    values.update({f"NUCLEUS_AVG_{what}": value for what, value in nucleus_means(slide.shapes).items()})
    tissue_total = sum(tissue_areas.values())
    for cell in CELLS:
        of_class = slide.cells == CELL_NUMBERS[cell]
        count = None if cell in slide.untold else int(of_class.sum())
        values[f"CELL_COUNT_{column(cell)}"] = count
        values[f"CELL_PERCENTAGE_{column(cell)}"] = percent(count, CELL_COUNT)
        values[f"CELL_DENSITY_{column(cell)}"] = share(count, tissue_total)
        for what, value in nucleus_means(slide.shapes[of_class]).items():
            values[f"NUCLEUS_AVG_{what}_{column(cell)}"] = value
        for tissue in NUCLEATED:
            inside = slide.tissues == TISSUE_NUMBERS[tissue]
            known = count is not None and tissue not in slide.untold
            place = f"{column(cell)}_{column(tissue)}"
            here = int((of_class & inside).sum()) if known else None
            values[f"CELL_COUNT_{place}"] = here
            values[f"CELL_PERCENTAGE_{place}"] = percent(here, int(inside.sum()))
            values[f"CELL_DENSITY_{place}"] = share(here, tissue_areas[tissue])
    return values


def distances(slide):
    """Between all cells in microns; a cell is infinitely far from itself."""
    x, y = slide.places.T
    apart = numpy.hypot(x[:, None] - x, y[:, None] - y) * slide.mpp
    numpy.fill_diagonal(apart, math.inf)
    return apart


def area_around(slide, centers, radius):
    """Square microns whose middle is in the image and within the radius of the middle of one that holds
    a centre."""
    width, height = (sum(i + 0.5 < size * slide.mpp for i in range(int(size * slide.mpp) + 2))
                     for size in (slide.width, slide.height))
    covered = numpy.zeros((height, width), dtype=bool)
    offsets = numpy.arange(-radius, radius + 1)
    rows, columns = numpy.nonzero(offsets[:, None] ** 2 + offsets ** 2 <= radius ** 2)
    for x, y in slide.places[centers]:
        at_rows = math.floor(y * slide.mpp) + rows - radius
        at_columns = math.floor(x * slide.mpp) + columns - radius
        inside = (at_rows >= 0) & (at_rows < height) & (at_columns >= 0) & (at_columns < width)
        covered[at_rows[inside], at_columns[inside]] = True
    return float(covered.sum())


def expected_around(slide, apart, y, tissue, radius):
    """All columns about what is around the cells of class y in one tissue."""
    of_y = (slide.cells == CELL_NUMBERS[y]) & (slide.tissues == TISSUE_NUMBERS[tissue])
    known = not {y, tissue} & slide.untold
    near = apart[of_y] <= radius
    area = area_around(slide, of_y, radius)
    total = int(near.any(axis=0).sum())
    place = f"AROUND_{column(y)}_IN_{column(tissue)}_{radius}"
    values = {f"AREA_{place}": area if known else None,
              f"TOTAL_NUMBER_OF_NEIGHBORS_{place}": total if known else None}
    for x in CELLS:
        of_x = slide.cells == CELL_NUMBERS[x]
        both = known and x not in slide.untold
        nearest = apart[numpy.ix_(of_y, of_x)].min(axis=1, initial=math.inf)
        number = int(near[:, of_x].any(axis=0).sum()) if both else None
        name = column(x)
        values[f"NUMBER_OF_CELLS_WITH_{name}_NEIGHBORS_{place}"] = int((nearest <= radius).sum()) if both else None
        values[f"NUMBER_OF_{name}S_{place}"] = number
        values[f"DENSITY_OF_{name}S_{place}"] = share(number, area)
        values[f"RATIO_OF_{name}S_{place}"] = share(number, total)
        values[f"AVG_MIN_DISTANCE_OF_{name}S_{place}"] = mean(nearest[nearest <= radius]) if both else None
    return values


def expected_readouts(slide):
    values, tissue_areas = expected_areas(slide)
    values.update(SLIDE_UUID=None, SLIDE_NAME="random cells", IMAGE_RESOLUTION=slide.mpp)
    values["CELL_CLASSES"] = ";".join(name for name in CELL_NUMBERS if name not in slide.untold)
    values.update(expected_regions(slide))
    values.update(expected_cells(slide, tissue_areas))
    apart = distances(slide)
    for radius in RADII_UM:
        for y in CELLS:
            for tissue in NUCLEATED:
                values.update(expected_around(slide, apart, y, tissue, radius))
    return values


def agrees(found, expected):
    """Counts and texts to the letter, numbers to their four digits."""
    if expected is None:
        return found == "N/A"
    if isinstance(expected, (str, int)):
        return found == str(expected)
    if expected == 0:
        return found == "0"
    unit = 10 ** (math.floor(math.log10(abs(expected))) - 3)
    return found != "N/A" and abs(float(found) - expected) <= 0.501 * unit


SLIDES = {
    "all classes": {"seed": 11, "mpp": 0.5, "scale": 8.3},
    "fine pixels, classes that are not told": {
        "seed": 12, "mpp": 0.2527, "scale": 16, "untold": ("Marker", "Vessel", "Blood", "Plasma cell", "Macrophage")},
}


@pytest.fixture(scope="module", params=list(SLIDES))
def slide(request):
    return Slide(**SLIDES[request.param])


@pytest.fixture(scope="module")
def written(slide, tmp_path_factory):
    return write_readouts(slide, tmp_path_factory.mktemp("readouts") / "first")


def test_the_columns_follow_the_rules_of_their_names(written):
    header = table(written / "slide.csv")[0]
    assert len(header) == COLUMN_COUNT == len(set(header))
    assert header == list(slide_columns())
    assert table(written / "cells.csv")[0] == cell_columns()


def test_the_columns_are_those_of_the_list():
    if not COLUMN_LIST.exists():
        pytest.skip("there is no list of the columns beside TEST_DATA")
    assert list(slide_columns()) == runpy.run_path(str(COLUMN_LIST))["columns"]()


def test_each_readout_of_the_slide_is_what_brute_force_finds(slide, written):
    header, line = table(written / "slide.csv")
    found = dict(zip(header, line))
    expected = expected_readouts(slide)
    # Most columns that can have a number have one.
    assert set(found) <= set(expected)
    assert len(line) == COLUMN_COUNT
    assert sum(value not in ("N/A", "0") for value in line) > COLUMN_COUNT * (0.4 if slide.untold else 0.6)
    wrong = {name: (value, expected[name]) for name, value in found.items() if not agrees(value, expected[name])}
    assert not wrong, f"{len(wrong)} wrong, for instance {dict(list(wrong.items())[:10])}"


def test_each_readout_of_a_cell_is_what_it_was_made_of(slide, written):
    header, *lines = table(written / "cells.csv")
    assert len(lines) == CELL_COUNT
    names = {number: name for name, number in CELL_NUMBERS.items()}
    for index, line in enumerate(lines):
        found = dict(zip(header, line))
        area, perimeter, major, minor, solidity, hematoxylin = slide.shapes[index]
        roundness = min(1, 4 * math.pi * area / perimeter ** 2)
        expected = {"CELL_ID": index + 1, "CELL_CLASS": names[slide.cells[index]],
                    "NUCLEUS_AREA": area, "NUCLEUS_PERIMETER": perimeter, "NUCLEUS_MAJ_AXIS": major,
                    "NUCLEUS_MNR_AXIS": minor, "NUCLEUS_ROUNDNESS": roundness,
                    "NUCLEUS_ECCENTRICITY": 1 - roundness, "NUCLEUS_SOLIDITY": solidity,
                    "NUCLEUS_HEMATOXYLIN": hematoxylin}
        for name, value in expected.items():
            assert agrees(found[name], value), (name, found[name], value)
        for name, value in zip(("CENTROID_X", "CENTROID_Y"), slide.places[index]):
            assert float(found[name]) == pytest.approx(value, abs=0.0501)
        for tissue in NUCLEATED:
            inside = "true" if slide.tissues[index] == TISSUE_NUMBERS[tissue] else "false"
            assert found[f"IN_{column(tissue)}"] == ("N/A" if tissue in slide.untold else inside)


def test_the_readouts_do_not_depend_on_the_threads(slide, written, tmp_path):
    for threads in (1, 7):
        other = write_readouts(slide, tmp_path / str(threads), threads)
        for name in ("slide.csv", "cells.csv"):
            assert (other / name).read_bytes() == (written / name).read_bytes()
