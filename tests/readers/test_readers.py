"""What he-tme writes, read by the programs that people read it with: Parquet by pyarrow, DuckDB and
GeoPandas, class maps by tifffile and by the OpenSlide that QuPath brings. Each is compared with the GeoJSON file and the class table."""
import csv
import json
import os
import pathlib
import subprocess

import duckdb
import geopandas
import numpy
import openslide
import pyarrow
import pyarrow.dataset
import pyarrow.parquet
import pytest
import shapely
import tifffile

BUILD = pathlib.Path(os.environ["BUILD_DIR"])
REAL_SLIDE = pathlib.Path(os.environ.get("TEST_DATA") or "/nonexistent") / "wsi/CMU-1-Small-Region.svs"
TABLES = {"tissue_qc": "ID", "tissue_segmentation": "ID", "cell_classification": "CELL_ID"}
BOX = ("xmin", "ymin", "xmax", "ymax")
SYNTHETIC_CELLS = 40_000
ROWS_OF_A_GROUP = 16_384
MICRONS_PER_CM, CENTIMETRE = 10000, 3


def run(*arguments):
    return subprocess.run(list(map(str, arguments)), check=True, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module", params=["synthetic", "glass", "real"])
def results(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    slide = REAL_SLIDE if request.param == "real" else folder / "slide.tiff"
    if not REAL_SLIDE.exists() and slide == REAL_SLIDE:
        pytest.skip("TEST_DATA has no wsi/CMU-1-Small-Region.svs")
    if request.param == "synthetic":  # wide enough for coarser pages of its maps
        run(BUILD / "programs/slideway", "slide", "synthesize", slide, "--width", 9001, "--height", 1300)
    if request.param == "glass":  # no tissue and no cell: tables without rows
        tifffile.imwrite(slide, numpy.full((200, 300, 3), 243, numpy.uint8), tile=(64, 64), photometric="rgb")
    run(BUILD / "applications/he-tme/1.2.0/he-tme", "analyze", slide, "--output", folder / "out", "--mpp", 0.5)
    return folder / "out"


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """The table of made-up cells from top to bottom, in three row groups."""
    folder = tmp_path_factory.mktemp("many")
    run(BUILD / "tests/bench/write_report", SYNTHETIC_CELLS, folder)
    return folder / "cell_classification_parquet_polygons.parquet"


def table(results, name):
    return results / f"{name}_parquet_polygons.parquet"


def features(results, name):
    return json.loads((results / f"{name}_geojson_polygons.json").read_text())["features"]


def class_names(found):
    return [feature["properties"]["classification"]["name"] for feature in found]


@pytest.mark.parametrize("name", TABLES)
def test_pyarrow_reads_the_polygons_of_the_geojson(results, name):
    file = pyarrow.parquet.ParquetFile(table(results, name), page_checksum_verification=True)
    limits = pyarrow.struct([pyarrow.field(limit, pyarrow.float32(), nullable=False) for limit in BOX])
    fields = [(TABLES[name], pyarrow.int32()), ("CLASS", pyarrow.string()), ("COLOR", pyarrow.string()),
              ("AREA_UM2", pyarrow.float64())]
    if name == "cell_classification":
        fields += [("CENTROID_X", pyarrow.float32()), ("CENTROID_Y", pyarrow.float32())]
    fields += [("geometry", pyarrow.binary()), ("bbox", limits)]
    assert file.schema_arrow.equals(pyarrow.schema(
        [pyarrow.field(column, kind, nullable=False) for column, kind in fields]))
    rows, expected = file.read().to_pylist(), features(results, name)
    assert [row[TABLES[name]] for row in rows] == [feature["id"] for feature in expected]
    assert [row["CLASS"] for row in rows] == class_names(expected)
    for row, feature in zip(rows, expected):
        polygon = shapely.from_wkb(row["geometry"])
        rings = [[list(point) for point in ring.coords] for ring in (polygon.exterior, *polygon.interiors)]
        assert rings == feature["geometry"]["coordinates"]
        assert polygon.is_valid and shapely.is_ccw(polygon.exterior)
        assert list(row["bbox"].values()) == pytest.approx(polygon.bounds, rel=1e-6)


@pytest.mark.parametrize("name", TABLES)
def test_duckdb_sums_what_the_other_files_sum(results, name):
    expected = {}
    for each in class_names(features(results, name)):
        expected[each] = expected.get(each, 0) + 1
    connection = duckdb.connect()
    rows = connection.execute("SELECT CLASS, count(*), sum(AREA_UM2), min(bbox.xmin), max(bbox.ymax) "
                              "FROM read_parquet(?) GROUP BY CLASS", [str(table(results, name))]).fetchall()
    assert {row[0]: row[1] for row in rows} == expected
    if name != "cell_classification":
        with open(results / f"{name}_csv_class_information.csv", encoding="utf-8") as lines:
            areas = {row["CLASS"]: float(row["AREA_UM2"]) for row in csv.DictReader(lines)}
        assert {row[0]: row[2] for row in rows} == pytest.approx(
            {each: area for each, area in areas.items() if area > 0}, abs=0.006)


@pytest.mark.parametrize("name", TABLES)
def test_geopandas_takes_it_for_geoparquet(results, name):
    frame = geopandas.read_parquet(table(results, name))
    expected = features(results, name)
    assert frame.crs is None and len(frame) == len(expected)
    assert frame.geometry.is_valid.all()
    if len(frame) == 0:
        return
    middle = expected[len(expected) // 2]["geometry"]["coordinates"][0]
    x, y = numpy.mean(middle, axis=0)
    box = (x - 150, y - 150, x + 150, y + 150)
    near = geopandas.read_parquet(table(results, name), bbox=box)
    # It looks at the boxes of the polygons alone.
    bounds = frame.geometry.bounds
    met = ((bounds.minx <= box[2]) & (bounds.maxx >= box[0]) & (bounds.miny <= box[3]) & (bounds.maxy >= box[1]))
    assert set(near[TABLES[name]]) == set(frame[TABLES[name]][met]) and len(near) > 0


def test_row_groups_are_left_out_by_their_statistics(many):
    """Cells are written from top to bottom, so a part of the slide is in few of the groups."""
    described = pyarrow.parquet.ParquetFile(many).metadata
    groups = [described.row_group(index) for index in range(described.num_row_groups)]
    assert [group.num_rows for group in groups] == [ROWS_OF_A_GROUP, ROWS_OF_A_GROUP,
                                                    SYNTHETIC_CELLS - 2 * ROWS_OF_A_GROUP]
    columns = {described.schema.column(index).path: index for index in range(described.num_columns)}
    rows = pyarrow.parquet.read_table(many)
    for name, index in columns.items():
        values, begin = pyarrow.compute.struct_field(rows["bbox"], name[5:]) if "." in name else rows[name], 0
        for group in groups:
            found = group.column(index).statistics
            part = values.slice(begin, group.num_rows)
            begin += group.num_rows
            assert found.null_count == 0
            if name != "geometry":
                limits = pyarrow.compute.min_max(part).as_py()
                assert (found.min, found.max) == (limits["min"], limits["max"]), name
    middle = groups[1].column(columns["bbox.ymin"]).statistics.max
    below = pyarrow.dataset.field("bbox", "ymin") > middle
    [fragment] = pyarrow.dataset.dataset(many).get_fragments()
    assert fragment.to_table(filter=below)["CELL_ID"].to_pylist() == [
        row["CELL_ID"] for row in rows.to_pylist() if row["bbox"]["ymin"] > middle]
    said = duckdb.connect().execute("SELECT count(*) FROM read_parquet(?) WHERE bbox.ymin > ?",
                                    [str(many), middle]).fetchone()
    assert said == (fragment.to_table(filter=below).num_rows,)


@pytest.mark.parametrize("name", ["tissue_qc", "tissue_segmentation"])
def test_tifffile_finds_the_levels_of_a_map(results, name):
    with tifffile.TiffFile(results / f"{name}_segmentation_map_image.tiff") as file:
        [series] = file.series
        width, height = series.shape[::-1]
        wanted = [(height, width)]
        while max(wanted[-1]) > 1024:
            wanted.append(tuple((side + 1) // 2 for side in wanted[-1]))
        assert [level.shape for level in series.levels] == wanted
        for index, level in enumerate(series.levels):
            tags = level.keyframe.tags
            assert level.keyframe.is_tiled and tags["ResolutionUnit"].value == CENTIMETRE
            pixels_per_cm = numpy.divide(*tags["XResolution"].value)
            finest = numpy.divide(*file.pages[0].tags["XResolution"].value)
            assert pixels_per_cm * 2 ** index == pytest.approx(finest, rel=1e-6)
            assert level.keyframe.photometric == tifffile.PHOTOMETRIC.PALETTE
            used = set(numpy.unique(level.asarray()).tolist())
            assert used <= set(numpy.unique(series.levels[0].asarray()).tolist())
            colors = {tuple((tags["ColorMap"].value[:, value] // 257).tolist()) for value in used - {0}}
            assert colors <= {tuple(feature["properties"]["classification"]["color"])
                              for feature in features(results, name)}


@pytest.mark.parametrize("name", ["tissue_qc", "tissue_segmentation"])
def test_openslide_4_tells_the_resolution_and_shows_each_level(results, name):
    path = results / f"{name}_segmentation_map_image.tiff"
    with openslide.OpenSlide(path) as slide, tifffile.TiffFile(path) as file:
        levels = file.series[0].levels
        resolution = numpy.divide(*file.pages[0].tags["XResolution"].value)
        for axis in "xy":
            assert float(slide.properties[f"openslide.mpp-{axis}"]) == pytest.approx(
                MICRONS_PER_CM / resolution, rel=1e-6)
        assert slide.level_dimensions == tuple(level.shape[::-1] for level in levels)
        for index, level in enumerate(levels):
            palette = (level.keyframe.tags["ColorMap"].value // 257).T
            shown = slide.read_region((0, 0), index, slide.level_dimensions[index]).convert("RGB")
            assert (numpy.asarray(shown) == palette[level.asarray()]).all()
