"""The program he-tme: every file that it makes is opened by other code than ours and compared with
the others. A synthetic slide always, a real one when TEST_DATA has it."""
import contextlib
import csv
import hashlib
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import time

import numpy
import pytest
import requests
from PIL import Image

import harness
import parquet_file
import slide_files
from readout_columns import CELLS, NUCLEATED, QUALITY, TISSUE, cell_columns, column, slide_columns

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench"))
import repeat_slide  # noqa: E402
import small_parent  # noqa: E402

PROGRAM = harness.application_folder("he-tme") / "he-tme"
REAL_SLIDE = pathlib.Path(os.environ.get("TEST_DATA", "/nonexistent")) / "wsi" / "CMU-1-Small-Region.svs"
MICRONS_PER_CM = 10000

FILES = {
    "tissue_qc:segmentation_map_image": "tissue_qc_segmentation_map_image.tiff",
    "tissue_qc:geojson_polygons": "tissue_qc_geojson_polygons.json",
    "tissue_qc:csv_class_information": "tissue_qc_csv_class_information.csv",
    "tissue_qc:parquet_polygons": "tissue_qc_parquet_polygons.parquet",
    "tissue_segmentation:segmentation_map_image": "tissue_segmentation_segmentation_map_image.tiff",
    "tissue_segmentation:geojson_polygons": "tissue_segmentation_geojson_polygons.json",
    "tissue_segmentation:csv_class_information": "tissue_segmentation_csv_class_information.csv",
    "tissue_segmentation:parquet_polygons": "tissue_segmentation_parquet_polygons.parquet",
    "cell_classification:geojson_polygons": "cell_classification_geojson_polygons.json",
    "cell_classification:parquet_polygons": "cell_classification_parquet_polygons.parquet",
    "readout_generation:slide_readouts": "readout_generation_slide_readouts.csv",
    "readout_generation:cell_readouts": "readout_generation_cell_readouts.csv",
}
# Version → what it makes.
FILES_OF = {"1.2.0": FILES, "1.0.0": {name: file for name, file in FILES.items() if "parquet" not in name}}
MEDIA_TYPE = r"\w+\/\w+[-+.|\w+]+\w+"  # as the API's document has it
MEDIA_TYPES = {".tiff": "image/tiff", ".json": "application/geo+json", ".csv": "text/csv",
               ".parquet": "application/vnd.apache.parquet"}
MAPS = ["tissue_qc", "tissue_segmentation"]
# No rule tells the other inflammatory cells from lymphocytes, and none is left without a class.
TOLD_CELLS = set(CELLS) - {"Granulocyte", "Macrophage", "Plasma cell", "Other"}
CLASSES = {"tissue_qc": QUALITY, "tissue_segmentation": TISSUE}


def run(*arguments, check=True, env=None, cwd=None, program=PROGRAM):
    done = subprocess.run([str(program), *map(str, arguments)], text=True, capture_output=True,
                          check=False, timeout=600, env=env, cwd=cwd)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


class Request:
    """What the worker would leave for the program, and what the program left."""

    def __init__(self, folder, slide, version="1.2.0", **metadata):
        self.folder, self.version = pathlib.Path(folder), version
        self.output = self.folder / "output"
        self.output.mkdir(parents=True)
        artifact = {"name": "whole_slide_image", "path": str(slide), "mime_type": "image/tiff",
                    "metadata": metadata}
        (self.folder / "input.json").write_text(json.dumps({
            "application_id": "he-tme", "version_number": version, "run_id": "r", "attempt_id": "a",
            "item_id": "0193d2a0-0000-7000-8000-000000000001", "external_id": "slide 1",
            "input_artifacts": [artifact]}))

    def run(self):
        """By the program that stands beside the version's manifest."""
        program = harness.application_folder("he-tme", self.version) / "he-tme"
        return run(check=False, cwd=self.folder, program=program, env={
            "SLIDEWAY_INPUT": str(self.folder / "input.json"), "SLIDEWAY_OUTPUT": str(self.output),
            "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"})

    def error(self):
        return json.loads((self.output / "error.json").read_text())


class Results:
    """The files of one slide."""

    def __init__(self, folder, width, height, mpp, version="1.2.0"):
        self.folder, self.version = pathlib.Path(folder), version
        self.width, self.height, self.mpp = width, height, mpp

    def features(self, name):
        document = json.loads((self.folder / FILES[name]).read_text())
        assert document["type"] == "FeatureCollection"
        return document["features"]

    def rows(self, name, skip):
        lines = (self.folder / FILES[name]).read_text().splitlines()
        assert lines[:skip] == ["# For Research Use Only"][:skip]
        return list(csv.DictReader(lines[skip:]))

    def table(self, prefix):
        return parquet_file.ParquetFile(self.folder / FILES[f"{prefix}:parquet_polygons"])

    def slide_readouts(self):
        return self.rows("readout_generation:slide_readouts", 1)

    def cell_readouts(self):
        return self.rows("readout_generation:cell_readouts", 1)

    def class_areas(self, prefix):
        rows = self.rows(f"{prefix}:csv_class_information", 0)
        return {row["CLASS"]: float(row["AREA_UM2"]) for row in rows}

    def image(self, prefix):
        return Image.open(self.folder / FILES[f"{prefix}:segmentation_map_image"])

    def hashes(self):
        return {name: hashlib.sha256((self.folder / file).read_bytes()).hexdigest()
                for name, file in FILES_OF[self.version].items()}


def signed_area(ring):
    points = numpy.asarray(ring, dtype=float)
    x, y = points[:, 0], points[:, 1]
    return float(numpy.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) / 2)


def polygon_areas(features):
    """Class -> area in level 0 pixels, with the rules of RFC 7946 checked on the way."""
    areas = {}
    for feature in features:
        assert feature["type"] == "Feature" and feature["geometry"]["type"] == "Polygon"
        name = feature["properties"]["classification"]["name"]
        for index, ring in enumerate(feature["geometry"]["coordinates"]):
            assert len(ring) >= 4 and ring[0] == ring[-1]
            corners = list(map(tuple, ring[:-1]))
            assert len(set(corners)) == len(corners), "a ring meets itself"
            area = signed_area(ring)
            assert area > 0 if index == 0 else area < 0
            areas[name] = areas.get(name, 0) + area
    return areas


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory):
    """A slide whose sides are no multiples of anything."""
    return harness.make_slide(tmp_path_factory.mktemp("slide") / "slide.tiff", 2021, 1503, 0.5, seed=7)


def serve(slide, folder, width, height, mpp, version="1.2.0"):
    request = Request(folder, slide, version, width_px=width, height_px=height, resolution_mpp=mpp,
                      staining_method="H&E", specimen={"disease": "LUNG_CANCER", "tissue": "LUNG"})
    done = request.run()
    assert done.returncode == 0, done.stdout + done.stderr
    return Results(request.output, width, height, mpp, version), done


@pytest.fixture(scope="module", params=["synthetic", "real"])
def results(request, synthetic, tmp_path_factory):
    folder = tmp_path_factory.mktemp("results") / "run"
    if request.param == "synthetic":
        return serve(synthetic, folder, 2021, 1503, 0.5)[0]
    if not REAL_SLIDE.exists():
        pytest.skip("TEST_DATA has no wsi/CMU-1-Small-Region.svs")
    return serve(REAL_SLIDE, folder, 2220, 2967, 0.499)[0]


def check_outputs(results):
    """The manifest, output.json and the folder name the same artifacts."""
    folder, files = harness.application_folder("he-tme", results.version), FILES_OF[results.version]
    manifest = json.loads((folder / "application.json").read_text())
    assert manifest["version_number"] == results.version
    declared = {output["name"]: output for output in manifest["output_artifacts"]}
    made = json.loads((results.folder / "output.json").read_text())["artifacts"]
    assert [artifact["name"] for artifact in made] == list(declared) == list(files)
    for artifact in made:
        output = declared[artifact["name"]]
        assert artifact["path"] == files[artifact["name"]]
        assert output["mime_type"] == MEDIA_TYPES[pathlib.Path(artifact["path"]).suffix]
        assert re.fullmatch(MEDIA_TYPE, output["mime_type"])
        assert (output["scope"], output["visibility"]) == ("ITEM", "EXTERNAL")
        # The platform adds these two.
        known = {**artifact["metadata"], "checksum_base64_crc32c": "", "media_type": output["mime_type"]}
        schema = output["metadata_schema"]
        assert set(schema["required"]) <= set(known) <= set(schema["properties"])
        assert schema["properties"]["media_type"] == {"const": output["mime_type"]}
    on_disk = {path.name for path in results.folder.iterdir()}
    assert on_disk == {*files.values(), "output.json"}


def test_manifest_and_outputs_name_the_same_artifacts(results):
    check_outputs(results)


def test_the_first_version_keeps_its_nine_files(synthetic, tmp_path):
    old, _ = serve(synthetic, tmp_path / "old", 2021, 1503, 0.5, version="1.0.0")
    new, _ = serve(synthetic, tmp_path / "new", 2021, 1503, 0.5)
    check_outputs(old)
    assert len(old.hashes()) == 9 and len(new.hashes()) == 12
    assert old.hashes().items() <= new.hashes().items()


def test_a_version_that_is_not_there_is_no_fault_of_the_slide(synthetic, tmp_path):
    request = Request(tmp_path / "run", synthetic)
    text = (request.folder / "input.json").read_text()
    for number, message in (('"1.1.0"', "this program has no version '1.1.0'"),
                            ("null", "the request has no version_number")):
        (request.folder / "input.json").write_text(text.replace('"1.2.0"', number))
        done = request.run()
        assert done.returncode == 1 and message in done.stderr
        assert list(request.output.iterdir()) == []


@pytest.mark.parametrize("prefix", MAPS)
def test_map_image_agrees_with_its_metadata(results, prefix):
    made = json.loads((results.folder / "output.json").read_text())["artifacts"]
    metadata = next(artifact["metadata"] for artifact in made
                    if artifact["name"] == f"{prefix}:segmentation_map_image")
    image = results.image(prefix)
    assert image.mode == "P"
    assert image.size == (metadata["width_px"], metadata["height_px"])
    assert sorted(metadata["class_colors"]) == sorted(CLASSES[prefix])
    palette = numpy.asarray(image.getpalette()).reshape(-1, 3).tolist()
    used = {tuple(palette[value]) for value in numpy.unique(numpy.asarray(image)) if value != 0}
    assert used <= set(map(tuple, metadata["class_colors"].values()))
    unit, centimetre = image.tag_v2[296], 3
    assert unit == centimetre
    mpp = metadata["resolution_mpp"]
    assert float(image.tag_v2[282]) == pytest.approx(MICRONS_PER_CM / mpp, rel=1e-4)
    scale = mpp / results.mpp
    assert (image.width - 1) * scale < results.width <= image.width * scale + 1e-6
    assert (image.height - 1) * scale < results.height <= image.height * scale + 1e-6
    assert 322 in image.tag_v2, "the image has no tiles"


@pytest.mark.parametrize("prefix", MAPS)
def test_areas_of_map_polygons_and_table_agree(results, prefix):
    table = results.class_areas(prefix)
    assert sorted(table) == sorted(CLASSES[prefix])
    um2_per_px = results.mpp ** 2
    polygons = polygon_areas(results.features(f"{prefix}:geojson_polygons"))
    assert set(polygons) == {name for name, area in table.items() if area > 0}
    for name, area_px in polygons.items():
        assert area_px * um2_per_px == pytest.approx(table[name], rel=2e-3, abs=5)
    if prefix == "tissue_qc":
        assert sum(table.values()) == pytest.approx(results.width * results.height * um2_per_px, rel=1e-6)
    made = json.loads((results.folder / "output.json").read_text())["artifacts"]
    colors = next(artifact["metadata"]["class_colors"] for artifact in made
                  if artifact["name"] == f"{prefix}:segmentation_map_image")
    image = results.image(prefix)
    pixels = numpy.asarray(image.convert("RGB")).reshape(-1, 3)
    background = numpy.asarray(image).reshape(-1) == 0
    pixel_um2 = (results.width * results.height * um2_per_px) / (image.width * image.height)
    for name, color in colors.items():
        count = int(numpy.sum(numpy.all(pixels == color, axis=1) & ~background))
        # The last row and column reach beyond the image.
        assert count * pixel_um2 == pytest.approx(table[name], rel=0.02, abs=100 * pixel_um2)


@pytest.mark.parametrize("prefix", MAPS)
def test_polygons_have_the_classes_and_colours_of_the_map(results, prefix):
    made = json.loads((results.folder / "output.json").read_text())["artifacts"]
    colors = next(artifact["metadata"]["class_colors"] for artifact in made
                  if artifact["name"] == f"{prefix}:segmentation_map_image")
    for feature in results.features(f"{prefix}:geojson_polygons"):
        properties = feature["properties"]
        assert properties["objectType"] == "annotation"
        assert properties["classification"]["color"] == colors[properties["classification"]["name"]]
        for ring in feature["geometry"]["coordinates"]:
            for x, y in ring:
                assert 0 <= x <= results.width and 0 <= y <= results.height


def check_table(table, features, id_name):
    """The table has what the GeoJSON file has, and says where it is as GeoParquet 1.1.0 wants it."""
    columns = table.columns()
    rings = [parquet_file.polygon(geometry) for geometry in columns["geometry"]]
    assert rings == [feature["geometry"]["coordinates"] for feature in features]
    assert columns[id_name] == [feature["id"] for feature in features]
    classes = [feature["properties"]["classification"] for feature in features]
    assert columns["CLASS"] == [each["name"] for each in classes]
    assert columns["COLOR"] == ["#%02x%02x%02x" % tuple(each["color"]) for each in classes]
    boxes = [(*numpy.min(ring[0], axis=0), *numpy.max(ring[0], axis=0)) for ring in rings]
    for axis, name in enumerate(("xmin", "ymin", "xmax", "ymax")):
        # As a float that covers: not inside the box, and outside by no more than a float's step.
        exact = numpy.asarray([box[axis] for box in boxes])
        outside = (numpy.asarray(columns[f"bbox.{name}"]) - exact) * (-1 if axis < 2 else 1)
        assert (0 <= outside).all() and (outside <= numpy.spacing(exact.astype(numpy.float32))).all()
    geo = json.loads(table.notes["geo"])
    assert (geo["version"], geo["primary_column"], list(geo["columns"])) == ("1.1.0", "geometry", ["geometry"])
    described = geo["columns"]["geometry"]
    if boxes:
        assert described.pop("bbox") == [min(box[0] for box in boxes), min(box[1] for box in boxes),
                                         max(box[2] for box in boxes), max(box[3] for box in boxes)]
    assert described == {
        "encoding": "WKB", "geometry_types": ["Polygon"], "crs": None, "edges": "planar",
        "orientation": "counterclockwise",
        "covering": {"bbox": {name: ["bbox", name] for name in ("xmin", "ymin", "xmax", "ymax")}}}
    return columns


@pytest.mark.parametrize("prefix", MAPS)
def test_table_of_regions_has_the_polygons_of_the_map(results, prefix):
    features = results.features(f"{prefix}:geojson_polygons")
    assert [feature["id"] for feature in features] == list(range(1, len(features) + 1))
    columns = check_table(results.table(prefix), features, "ID")
    areas = {}
    for name, area in zip(columns["CLASS"], columns["AREA_UM2"]):
        areas[name] = areas.get(name, 0) + area
    for name, area in results.class_areas(prefix).items():
        assert areas.get(name, 0) == pytest.approx(area, abs=0.006)
    for feature, area in zip(features, columns["AREA_UM2"]):
        [area_px] = polygon_areas([feature]).values()
        assert area_px * results.mpp ** 2 == pytest.approx(area, rel=2e-2, abs=5)


def test_table_of_cells_has_the_cells_of_the_readouts(results):
    table, readouts = results.table("cell_classification"), results.cell_readouts()
    columns = check_table(table, results.features("cell_classification:geojson_polygons"), "CELL_ID")
    assert list(map(str, columns["CELL_ID"])) == [row["CELL_ID"] for row in readouts]
    assert columns["CLASS"] == [row["CELL_CLASS"] for row in readouts]
    for name, other, tolerance in (("AREA_UM2", "NUCLEUS_AREA", {"rel": 1e-3}),
                                   ("CENTROID_X", "CENTROID_X", {"abs": 0.0501}),
                                   ("CENTROID_Y", "CENTROID_Y", {"abs": 0.0501})):
        assert columns[name] == pytest.approx([float(row[other]) for row in readouts], **tolerance)


def test_cells_are_the_same_in_all_files(results):
    cells = results.features("cell_classification:geojson_polygons")
    table = results.cell_readouts()
    slide = results.slide_readouts()[0]
    assert len(cells) > 100
    assert len(cells) == len(table) == int(slide["CELL_N_TOTAL"])
    assert list(table[0]) == cell_columns()
    ratios = []
    for cell, row in zip(cells, table):
        assert str(cell["id"]) == row["CELL_ID"]
        assert cell["properties"]["objectType"] == "cell"
        assert cell["properties"]["classification"]["name"] == row["CELL_CLASS"]
        ring = numpy.asarray(cell["geometry"]["coordinates"][0])
        assert ring[0].tolist() == ring[-1].tolist() and len(ring) >= 4
        # Where the nucleus is, and about as large.
        assert ring.min(axis=0)[0] - 1 <= float(row["CENTROID_X"]) <= ring.max(axis=0)[0] + 1
        assert ring.min(axis=0)[1] - 1 <= float(row["CENTROID_Y"]) <= ring.max(axis=0)[1] + 1
        area = signed_area(ring) * results.mpp ** 2
        assert area > 0
        ratios.append(area / float(row["NUCLEUS_AREA"]))
        assert sum(row[f"IN_{column(name)}"] == "true" for name in NUCLEATED) <= 1
    # An outline leaves out small bays, and encloses the holes that an area does not count.
    assert 0.75 < numpy.percentile(ratios, 1) and numpy.percentile(ratios, 99) < 1.25
    assert {row["CELL_CLASS"] for row in table} <= TOLD_CELLS
    for name in TOLD_CELLS:
        expected = sum(row["CELL_CLASS"] == name for row in table)
        assert int(slide[f"CELL_COUNT_{column(name)}"]) == expected
        for tissue in NUCLEATED:
            inside = sum(row["CELL_CLASS"] == name and row[f"IN_{column(tissue)}"] == "true"
                         for row in table)
            assert int(slide[f"CELL_COUNT_{column(name)}_{column(tissue)}"]) == inside


def test_slide_readouts_follow_from_the_other_files(results):
    rows = results.slide_readouts()
    assert len(rows) == 1
    slide = rows[0]
    assert list(slide) == list(slide_columns())
    assert slide["SLIDE_UUID"] == "0193d2a0-0000-7000-8000-000000000001"
    assert slide["SLIDE_NAME"] == "slide 1"
    assert float(slide["IMAGE_RESOLUTION"]) == pytest.approx(results.mpp, rel=1e-3)
    quality, tissue = results.class_areas("tissue_qc"), results.class_areas("tissue_segmentation")
    looked_at = sum(quality.values()) - quality["No Tissue"]
    assert float(slide["ABSOLUTE_AREA"]) == pytest.approx(looked_at, rel=1e-3)
    assert slide["ABSOLUTE_AREA_NO_TISSUE"] == slide["RELATIVE_AREA_NO_TISSUE"] == "N/A"
    for name in set(QUALITY) - {"No Tissue"}:
        assert float(slide[f"ABSOLUTE_AREA_{column(name)}"]) == pytest.approx(quality[name], rel=1e-3, abs=0.01)
        share = 100 * quality[name] / looked_at
        assert float(slide[f"RELATIVE_AREA_{column(name)}"]) == pytest.approx(share, rel=1e-3, abs=1e-4)
    table = results.cell_readouts()
    for name in TISSUE:
        assert float(slide[f"ABSOLUTE_AREA_{column(name)}"]) == pytest.approx(tissue[name], rel=1e-3, abs=0.01)
        regions = [feature for feature in results.features("tissue_segmentation:geojson_polygons")
                   if feature["properties"]["classification"]["name"] == name]
        assert int(slide[f"REGION_COUNT_{column(name)}"]) == len(regions)
    mean = numpy.mean([float(row["NUCLEUS_AREA"]) for row in table])
    assert float(slide["NUCLEUS_AVG_AREA"]) == pytest.approx(mean, rel=2e-3)
    for name in set(CELLS) - TOLD_CELLS:
        found = {value for key, value in slide.items() if key.startswith("CELL_COUNT_" + column(name))}
        assert found == {"N/A"}
    for name in TOLD_CELLS:
        count = int(slide[f"CELL_COUNT_{column(name)}"])
        assert float(slide[f"CELL_PERCENTAGE_{column(name)}"]) == pytest.approx(100 * count / len(table), rel=1e-3)
        density = count / sum(tissue.values())
        assert float(slide[f"CELL_DENSITY_{column(name)}"]) == pytest.approx(density, rel=1e-3)
        inside, area = int(slide[f"CELL_COUNT_{column(name)}_STROMA"]), tissue["Stroma"]
        expected = pytest.approx(inside / area, rel=1e-3) if area > 0 else "N/A"
        found = slide[f"CELL_DENSITY_{column(name)}_STROMA"]
        assert (float(found) if area > 0 else found) == expected
    for value in slide.values():
        digits = re.fullmatch(r"-?(\d+)(?:\.(\d+))?(?:e-\d+)?", value)
        if digits and digits[2]:
            assert len((digits[1] + digits[2]).lstrip("0")) <= 4, value


@pytest.mark.parametrize("slide", ["synthetic", "real"])
def test_results_do_not_depend_on_the_run_or_the_threads(slide, synthetic, tmp_path):
    path = synthetic if slide == "synthetic" else REAL_SLIDE
    if not path.exists():
        pytest.skip("TEST_DATA has no wsi/CMU-1-Small-Region.svs")
    found = []
    for name, threads in (("first", 1), ("second", 2), ("third", 2)):
        folder = tmp_path / name
        run("analyze", path, "--output", folder, "--threads", threads)
        found.append(Results(folder, 2021, 1503, 0.5).hashes())
    assert found[0] == found[1] == found[2]


# Sanitized programs are slow, and keep what is freed for a while.
SANITIZED = "ASAN_OPTIONS" in os.environ
SIDE, GROWTH_MIB_MAX = (3000, None) if SANITIZED else (12_000, 24)


def test_memory_does_not_grow_with_the_slide(tmp_path):
    """Of four times the area, with 70,000 cells and 1.7 million places of the maps more: holding the cells with
    their outlines would be some 15 MiB, and planes of all that is worked with on the maps some 40 MiB."""
    small = harness.make_slide(tmp_path / "small.tiff", 2048, 2048, 0.25, seed=7)
    peaks = []
    for side in (SIDE, 2 * SIDE):
        slide = repeat_slide.write(small, tmp_path / "large.tiff", side, side)
        _, _, peak_mib = small_parent.run(PROGRAM, "analyze", slide, "--output", tmp_path / "files", "--threads", 1)
        peaks.append(peak_mib)
    assert min(peaks) > 0
    assert SANITIZED or peaks[1] - peaks[0] < GROWTH_MIB_MAX, peaks


def test_a_summary_tells_in_json_what_was_written(synthetic, tmp_path):
    folder = tmp_path / "files"
    summary = json.loads(run("analyze", synthetic, "--output", folder, "--json").stdout)
    results = Results(folder, 2021, 1503, 0.5)
    assert (summary["width_px"], summary["height_px"]) == (2021, 1503)
    assert summary["mpp"] == pytest.approx(0.5, rel=1e-3)
    assert summary["folder"] == str(folder)
    assert summary["files"] == sorted(path.name for path in folder.iterdir())
    counts = summary["cells"]
    table = results.cell_readouts()
    assert counts.pop("total") == len(table)
    assert counts == {name: sum(row["CELL_CLASS"] == name for row in table) for name in TOLD_CELLS}
    # Pixels of 0.5 microns.
    valid = results.class_areas("tissue_qc")["Valid Tissue"] / 0.25 / 1e6
    assert summary["tissue_megapixels"] == pytest.approx(valid, rel=0.02)
    assert summary["tissue_megapixels_per_second"] == pytest.approx(
        summary["tissue_megapixels"] / summary["seconds"], rel=0.01)


@pytest.mark.parametrize("width, height", [(642, 514), (647, 519), (640, 513)])
def test_a_region_of_the_whole_slide_is_no_region(tmp_path, width, height):
    """Maps have a pixel for 8 of the slide, the last of which may show one or two."""
    whole = Image.open(harness.make_slide(tmp_path / "slide.tiff", 1024, 1024, 0.5, seed=3))
    whole.crop((100, 100, 100 + width, 100 + height)).save(tmp_path / "tile.png")
    found = []
    for index, options in enumerate(((), ("--regions", f"0,0,{width},{height}"))):
        run("analyze", tmp_path / "tile.png", "--mpp", 0.5, "--output", tmp_path / str(index), *options)
        found.append({path.name: path.read_bytes() for path in (tmp_path / str(index)).iterdir()})
    assert found[0] == found[1]


def test_only_the_regions_asked_for_are_looked_at(synthetic, tmp_path):
    parts = [(400, 300, 600, 400), (1200, 900, 300, 500)]
    options = [option for part in parts for option in ("--regions", ",".join(map(str, part)))]
    run("analyze", synthetic, "--output", tmp_path / "parts", *options)
    run("analyze", synthetic, "--output", tmp_path / "all")
    some, everything = (Results(tmp_path / name, 2021, 1503, 0.5) for name in ("parts", "all"))
    area = sum(some.class_areas("tissue_qc").values()) / 0.25
    assert area == pytest.approx(600 * 400 + 300 * 500, rel=0.03)

    def places(results, margin):
        """Of the cells well within the parts, by whole pixels: stains are those of what is looked at."""
        cells = [(float(row["CENTROID_X"]), float(row["CENTROID_Y"])) for row in results.cell_readouts()]
        return {(round(x), round(y)) for x, y in cells
                if any(x0 + margin <= x <= x0 + width - margin and y0 + margin <= y <= y0 + height - margin
                       for x0, y0, width, height in parts)}

    assert len(places(some, -10)) == len(some.cell_readouts()) > 50
    assert len(places(some, 10) ^ places(everything, 10)) < 0.05 * len(places(everything, 10))
    refused = run("analyze", synthetic, "--output", tmp_path / "none", "--regions", "0,0,3000,10", check=False)
    assert refused.returncode == 10
    assert "--regions must be X,Y,WIDTH,HEIGHT inside the 2021 x 1503 px of the slide" in refused.stderr


def processor_seconds(pid):
    """What the process has used so far, its own and the kernel's for it."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ended_processor_seconds():
    """What the ended programs of this test have used in all."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_analysis_leaves_no_files(tmp_path, number):
    small = harness.make_slide(tmp_path / "small.tiff", 2048, 2048, 0.5, seed=3)
    slide = repeat_slide.write(small, tmp_path / "slide.tiff", 36_000, 36_000)
    folder = tmp_path / "files"
    child = subprocess.Popen([str(PROGRAM), "analyze", str(slide), "--output", str(folder), "--threads", "1"])
    deadline = time.monotonic() + harness.START_SECONDS
    while not list(folder.glob(".he-tme-*")):
        assert child.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    before = processor_seconds(child.pid)
    others = ended_processor_seconds()
    child.send_signal(number)
    assert child.wait(timeout=harness.END_SECONDS) == 128 + number
    # By its own time, since the machine may have others to serve.
    assert ended_processor_seconds() - others - before < 5
    assert not folder.exists(), "it was made for files that never came"


def test_a_tile_gives_the_same_results_from_every_kind_of_file(tmp_path):
    """JPEG as a camera or a colleague saves it; the others hold the pixels that Pillow shows of it."""
    whole = Image.open(harness.make_slide(tmp_path / "slide.tiff", 1024, 1024, 0.5, seed=3))
    whole.crop((200, 200, 840, 712)).save(tmp_path / "tile", "JPEG", quality=90)
    shown, results = Image.open(tmp_path / "tile").convert("RGB"), []
    for kind, options in (("JPEG", {}), ("PNG", {}), ("TIFF", {"tiffinfo": {278: 100}})):
        folder = tmp_path / kind
        folder.mkdir()
        if kind == "JPEG":
            (tmp_path / "tile").rename(folder / "tile")
        else:
            shown.save(folder / "tile", kind, **options)
        done = json.loads(run("analyze", folder / "tile", "--mpp", 0.5, "--output", folder / "files", "--json").stdout)
        assert done["cells"]["total"] > 50
        results.append({path.name: path.read_bytes() for path in (folder / "files").iterdir()})
    assert len(results[0]) == 13
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("there, asked, left", [
    ("", "files", []), ("", "a//b/c/", []), ("a", "a/b/c", ["a"]), ("files", "files", ["files"]),
    ("a/b", "a/b/", ["a", "a/b"])])
def test_a_failure_leaves_no_folder_that_was_not_there(tmp_path, there, asked, left):
    slide, place = tmp_path / "text.tiff", tmp_path / "place"
    slide.write_text("this is no slide")
    (place / there).mkdir(parents=True)
    for arguments in (("analyze", slide, "--output", f"{place}/{asked}"),
                      ("render", slide, "--output", f"{place}/{asked}/x.png")):
        assert run(*arguments, check=False).returncode == 10
        assert sorted(str(path.relative_to(place)) for path in place.rglob("*")) == left


def test_a_failure_leaves_what_is_not_its_own(tmp_path):
    (tmp_path / "text.tiff").write_text("this is no slide")
    (tmp_path / "files").mkdir()
    (tmp_path / "files/mine.txt").write_text("mine")
    assert run("analyze", tmp_path / "text.tiff", "--output", tmp_path / "files", check=False).returncode == 10
    assert [path.name for path in (tmp_path / "files").iterdir()] == ["mine.txt"]
    done = run("analyze", tmp_path / "text.tiff", "--output", tmp_path / "files/mine.txt/a", check=False)
    assert done.returncode == 1 and (tmp_path / "files/mine.txt").read_text() == "mine"


def test_a_model_that_is_none_is_refused(synthetic, tmp_path):
    done = run("analyze", synthetic, "--output", tmp_path / "files", "--model", synthetic, check=False)
    assert done.returncode != 0
    assert f"--model '{synthetic}'" in done.stderr
    assert not (tmp_path / "files").exists()


def test_progress_grows_to_one(synthetic, tmp_path):
    _, done = serve(synthetic, tmp_path / "run", 2021, 1503, 0.5)
    lines = done.stdout.splitlines()
    matches = [re.fullmatch(r"progress (\d\.\d+) (\S.*)", line) for line in lines]
    assert all(matches), lines
    fractions = [float(match[1]) for match in matches]
    assert len(fractions) > 3
    assert fractions == sorted(fractions) and 0 <= fractions[0] and fractions[-1] == 1


@pytest.mark.parametrize("metadata, message", [
    ({"width_px": 2020}, "The width in the metadata (width_px) is 2020 px, but the slide has 2021 px."),
    ({"height_px": 1504}, "The height in the metadata (height_px) is 1504 px, but the slide has 1503 px."),
    ({"resolution_mpp": 0.25}, "The resolution in the metadata (resolution_mpp) is 0.25 microns per pixel, "
                               "but the slide has 0.5."),
    ({"staining_method": "IHC"}, "The staining method in the metadata (staining_method) is 'IHC'; only slides "
                                 "stained with H&E can be processed."),
])
def test_wrong_metadata_is_the_senders_error(synthetic, tmp_path, metadata, message):
    request = Request(tmp_path / "run", synthetic, **metadata)
    assert request.run().returncode == 10
    assert request.error() == {"error_code": "INVALID_INPUT", "message": message}
    assert not (request.output / "output.json").exists()


def white_tiff(path, width, height, mpp=0.25):
    """A slide whose scanner left all of its tiles out."""
    count = -(-width // slide_files.SIDE) * -(-height // slide_files.SIDE)
    page = slide_files.Page(width, height, [b""] * count, 1, tags=[slide_files.aperio_description(mpp)])
    path.write_bytes(slide_files.tiff_bytes([page]))
    return path


@pytest.mark.parametrize("width, height, message", [
    (173000, 100, "The image width is 173000 px, but the maximum width is 150000 px"),
    (100, 150001, "The image height is 150001 px, but the maximum height is 150000 px"),
    (63, 100, "The image width is 63 px, but the minimum width is 64 px"),
    (100, 40, "The image height is 40 px, but the minimum height is 64 px"),
])
def test_a_side_out_of_its_range_is_told_with_its_bound(tmp_path, width, height, message):
    request = Request(tmp_path / "run", white_tiff(tmp_path / "slide.svs", width, height),
                      media_type="application/octet-stream")
    assert request.run().returncode == 10
    assert request.error() == {"error_code": "INVALID_INPUT", "message": message}


@pytest.mark.parametrize("width, height, mpp", [(150000, 64, 0.25), (64, 150000, 0.25), (64, 64, 0.08), (64, 64, 0.55)])
def test_the_ends_of_the_ranges_belong_to_them(tmp_path, width, height, mpp):
    request = Request(tmp_path / "run", white_tiff(tmp_path / "slide.svs", width, height, mpp),
                      media_type="application/octet-stream")
    done = request.run()
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_slide_that_says_it_has_other_stains_is_refused(tmp_path):
    def stained(*substances):
        return slide_files.dicom_of(tmp_path / "slide.dcm", slide_files.picture(150, 100),
                                    SpecimenDescriptionSequence=slide_files.staining(substances))

    hematoxylin, eosin = ("12710003", "hematoxylin stain"), ("36879007", "water soluble eosin stain")
    for name, substances, code in (("he", (hematoxylin, eosin), 0), ("congo", (("61089006", "x"),), 10),
                                   ("half", (hematoxylin,), 10)):
        request = Request(tmp_path / name, stained(*substances), media_type="application/dicom")
        assert request.run().returncode == code
        assert code == 0 or request.error()["message"] == (
            "The file says that the slide is stained with other substances than haematoxylin and "
            "eosin; only slides stained with H&E can be processed.")


def test_slides_that_do_not_fit_are_refused_in_plain_words(tmp_path):
    for mpp in (0.6, 0.07):
        request = Request(tmp_path / f"{mpp}", white_tiff(tmp_path / "slide.svs", 100, 100, mpp))
        assert request.run().returncode == 10
        assert request.error()["message"] == (
            f"The image resolution is {mpp} microns per pixel, but it must be 0.08 to 0.55")
    request = Request(tmp_path / "zip", white_tiff(tmp_path / "slide.svs", 100, 100),
                      media_type="application/zip")
    assert request.run().returncode == 10
    assert request.error()["message"] == (
        "The media type in the metadata (media_type) is 'application/zip', but the file is "
        "application/octet-stream.")
    silent = tmp_path / "silent.png"
    Image.new("RGB", (100, 100), "white").save(silent)
    request = Request(tmp_path / "silent", silent)
    assert request.run().returncode == 10
    assert request.error()["message"] == (
        "The slide does not tell its resolution; give it in the metadata (resolution_mpp).")
    oblong = tmp_path / "oblong.tiff"
    page = slide_files.StripPage(numpy.full((100, 100, 3), 255, numpy.uint8),
                                 slide_files.resolution_tags(20_000, 10_000, 3))
    oblong.write_bytes(slide_files.tiff_bytes([page]))
    request = Request(tmp_path / "oblong", oblong)
    assert request.run().returncode == 10
    sides = "The pixels of the slide are 0.5 microns wide and 1 microns high, but their sides may differ by at most 10 %"
    assert request.error()["message"] == sides
    done = run("analyze", oblong, "--output", tmp_path / "files", check=False)
    assert (done.returncode, done.stderr) == (10, f"he-tme: {oblong}: {sides}\n")
    assert run("analyze", oblong, "--mpp", 0.5, "--output", tmp_path / "files").returncode == 0
    text = tmp_path / "text.tiff"
    text.write_text("this is no slide")
    request = Request(tmp_path / "text", text)
    assert request.run().returncode == 10
    assert request.error()["error_code"] == "INVALID_INPUT"


def test_glass_alone_gives_empty_results(tmp_path):
    glass = tmp_path / "glass.png"
    Image.new("RGB", (300, 200), (243, 243, 243)).save(glass)
    request = Request(tmp_path / "run", glass, resolution_mpp=0.5)
    done = request.run()
    assert done.returncode == 0, done.stderr
    results = Results(request.output, 300, 200, 0.5)
    assert results.features("cell_classification:geojson_polygons") == []
    assert check_table(results.table("cell_classification"), [], "CELL_ID")["CLASS"] == []
    assert results.cell_readouts() == []
    assert results.class_areas("tissue_qc")["No Tissue"] == pytest.approx(300 * 200 / 4)
    assert results.slide_readouts()[0]["NUCLEUS_AVG_AREA"] == "N/A"


def test_failures_of_the_system_are_no_user_errors(synthetic, tmp_path):
    request = Request(tmp_path / "gone", tmp_path / "missing.svs")
    assert request.run().returncode == 1
    request = Request(tmp_path / "unwritable", synthetic)
    request.output.rmdir()
    assert request.run().returncode == 1
    done = run(check=False, env={"PATH": "/usr/bin:/bin"})
    assert done.returncode == 1
    assert "SLIDEWAY_INPUT is not set" in done.stderr


def test_render_draws_over_the_slide(synthetic, tmp_path):
    picture = tmp_path / "overlay.png"
    run("render", synthetic, "--output", picture, "--region", "500,400,600,500")
    image = Image.open(picture)
    assert image.size == (600, 500)
    drawn = numpy.asarray(image.convert("RGB")).astype(int)
    plain = numpy.asarray(Image.open(synthetic).convert("RGB").crop((500, 400, 1100, 900))).astype(int)
    changed = numpy.abs(drawn - plain).max(axis=2) > 4
    assert 0.02 < changed.mean()
    # Outlines have the pure colours of their classes.
    run("analyze", synthetic, "--output", tmp_path / "files")
    results = Results(tmp_path / "files", 2021, 1503, 0.5)
    inside = {tuple(cell["properties"]["classification"]["color"])
              for cell in results.features("cell_classification:geojson_polygons")
              if all(510 < x < 1090 and 410 < y < 890 for x, y in cell["geometry"]["coordinates"][0])}
    assert inside and inside <= set(map(tuple, drawn.reshape(-1, 3).tolist()))


@pytest.mark.parametrize("arguments, problem", [
    (["paint"], "there is no command 'paint'"),
    (["analyze"], "one slide is needed"),
    (["analyze", "slide.svs"], "--output is needed"),
    (["analyze", "slide.svs", "--output", "out", "--region", "0,0,1,1"], "there is no option --region"),
    (["analyze", "slide.svs", "--output", "out", "--mpp", "-1"], "--mpp must be positive"),
    (["analyze", "slide.svs", "--output", "out", "--mpp", "0"], "--mpp must be positive"),
    (["analyze", "slide.svs", "--output", "out", "--threads", "257"], "--threads must be at most 256"),
    (["render", "slide.svs", "--output", "out.jpg"], "--output must name a file that ends in .png"),
])
def test_wrong_usage_is_told(arguments, problem):
    done = run(*arguments, check=False)
    assert done.returncode == 2
    assert problem in done.stderr


def test_a_region_outside_the_slide_is_refused(synthetic, tmp_path):
    for region in ("0,0,2022,10", "2021,0,1,1", "1,2,3", "a,b,c,d", "0,0,0,0", "1,1,1,1,1"):
        done = run("render", synthetic, "--output", tmp_path / "x.png", "--region", region, check=False)
        assert done.returncode == 10
        assert "inside the 2021 x 1503 px" in done.stderr


def test_out_is_output(synthetic, tmp_path):
    run("analyze", synthetic, "--out", tmp_path / "short")
    run("analyze", synthetic, "--output", tmp_path / "long")
    short, long = (Results(tmp_path / name, 2021, 1503, 0.5).hashes() for name in ("short", "long"))
    assert short == long


@pytest.mark.parametrize("name, shown", [
    (b"S21-7 #2.png", '"S21-7 #2.png"'),
    (b'two, "three".png', '"two, ""three"".png"'),
    ("Präparat.png".encode(), "Präparat.png"),
    (b"Pr\xe4parat.png", "Pr?parat.png"),
])
def test_names_of_files_break_neither_tables_nor_summaries(tmp_path, name, shown):
    """A reader that takes '#' for the begin of a comment does not within quotes; all is UTF-8."""
    slide, folder = os.fsencode(tmp_path) + b"/" + name, os.fsencode(tmp_path) + b"/of " + name
    Image.new("RGB", (100, 80), (243, 243, 243)).save(tmp_path / "glass.png")
    os.rename(tmp_path / "glass.png", slide)
    done = subprocess.run([os.fsencode(PROGRAM), b"analyze", slide, b"--mpp", b"0.5", b"--output", folder, b"--json"],
                          capture_output=True, check=True, timeout=60)
    with open(folder + b"/readout_generation_slide_readouts.csv", encoding="utf-8") as table:
        assert table.read().splitlines()[2].startswith(f"N/A,{shown},0.5,")
    told = pathlib.PurePath(json.loads(done.stdout.decode("utf-8"))["folder"]).name
    assert told == f"of {name.decode('utf-8', 'replace')}".replace("\ufffd", "?")


def test_errors_name_the_slide(tmp_path):
    text = tmp_path / "text.tiff"
    text.write_text("this is no slide")
    for arguments in (("analyze", text, "--output", tmp_path), ("render", text, "--output", tmp_path / "x.png"),
                      ("quality", text, "--output", tmp_path / "x.tiff")):
        assert run(*arguments, check=False).stderr.startswith(f"he-tme: {text}: ")


def test_a_picture_that_cannot_be_written_is_told_before_the_analysis(tmp_path):
    """Two seconds of work, of which nothing is done."""
    small = harness.make_slide(tmp_path / "small.tiff", 2048, 2048, 0.5, seed=3)
    slide = repeat_slide.write(small, tmp_path / "slide.tiff", 12_000, 12_000)
    (tmp_path / "file").touch()
    before = ended_processor_seconds()
    done = run("render", slide, "--output", tmp_path / "file" / "x.png", check=False)
    assert done.returncode == 1
    assert f"'{tmp_path}/file/' is not a folder" in done.stderr
    assert SANITIZED or ended_processor_seconds() - before < 0.5


def test_a_stopped_render_leaves_the_picture_that_was_there(tmp_path):
    small = harness.make_slide(tmp_path / "small.tiff", 2048, 2048, 0.5, seed=3)
    slide = repeat_slide.write(small, tmp_path / "slide.tiff", 36_000, 36_000)
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "x.png").write_bytes(b"before")
    child = subprocess.Popen([str(PROGRAM), "render", str(slide), "--output", str(folder / "x.png")])
    deadline = time.monotonic() + harness.START_SECONDS
    while not list(folder.glob(".he-tme-*")):
        assert child.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    assert child.wait(timeout=harness.END_SECONDS) == 128 + signal.SIGINT
    assert [path.read_bytes() for path in folder.iterdir()] == [b"before"]


def shown_at_a_terminal():
    """What the program tells there when it is called without anything."""
    reader, terminal = os.openpty()
    subprocess.run([str(PROGRAM)], env={"PATH": "/usr/bin:/bin"}, stderr=terminal, check=False, timeout=60)
    os.close(terminal)
    shown = b""
    with os.fdopen(reader, "rb", buffering=0) as lines, contextlib.suppress(OSError):  # the end is an error
        while part := lines.read(4096):
            shown += part
    return shown.decode()


def test_help_and_version():
    for arguments in (("--help",), ("-h",), ("analyze", "--help"), ("render", "slide.svs", "-h")):
        assert "analyze SLIDE --output DIR" in run(*arguments).stdout
    assert "usage:" not in run(check=False, env={"PATH": "/usr/bin:/bin"}).stderr
    assert "usage: he-tme analyze" in shown_at_a_terminal()
    version = (harness.ROOT / "VERSION").read_text().strip()
    assert run("--version").stdout == f"he-tme 1.2.0 (slideway {version})\n"


def test_a_run_on_the_platform_gives_what_the_program_gives(up, synthetic, tmp_path):
    """The worker's sandbox, the store and the signed URLs change not a byte, and a wrong size ends
    the other item with the message of the program. Who asks for the first version gets its files."""
    client = up.client()
    versions = [version["number"] for version in client.get("/applications/he-tme").json()["versions"]]
    assert versions == ["1.2.0", "1.0.0"], "the newest first"
    content = synthetic.read_bytes()
    url = client.upload(synthetic)
    facts = {"width": 2021, "height": 1503, "staining_method": "H&E",
             "specimen": {"disease": "BREAST_CANCER", "tissue": "BREAST"}}
    good = harness.slide_item("good", url, content, **facts)
    bad = harness.slide_item("bad", url, content, name="user_slide", **{**facts, "width": 2020})
    run_id = client.create_run("he-tme", [good, bad])
    old_id = client.create_run("he-tme", [good], version_number="1.0.0")
    ended = client.wait_for_run(run_id)
    assert (ended["output"], ended["version_number"]) == ("PARTIAL", "1.2.0")
    items = {item["external_id"]: item for item in client.items(run_id)}
    assert items["bad"]["termination_reason"] == "USER_ERROR"
    assert "is 2020 px, but the slide has 2021 px." in items["bad"]["error_message"]
    client.wait_for_run(old_id)
    run("analyze", synthetic, "--output", tmp_path)
    for item, version in ((items["good"], "1.2.0"), (client.items(old_id)[0], "1.0.0")):
        assert item["termination_reason"] == "SUCCEEDED", item["error_message"]
        artifacts = {artifact["name"]: artifact for artifact in item["output_artifacts"]}
        assert sorted(artifacts) == sorted(FILES_OF[version])
        for name, artifact in artifacts.items():
            downloaded = requests.get(artifact["download_url"], timeout=30).content
            assert artifact["metadata"]["checksum_base64_crc32c"] == harness.crc32c(downloaded)
            assert artifact["metadata"]["media_type"] == MEDIA_TYPES[pathlib.Path(FILES[name]).suffix]
            if name != "readout_generation:slide_readouts":  # it holds the item's id
                assert downloaded == (tmp_path / FILES[name]).read_bytes()
