"""What he-tme leaves, seen by others: its class maps in OpenSlide and libtiff at every level, and that
nothing of a slide's label, its macro or its descriptions is in any file, artifact or log."""
import contextlib
import gzip
import json
import os
import subprocess

import numpy
import openslide
import pytest
import requests
from PIL import Image

import harness
import parquet_file
import slide_files

PROGRAM = harness.application_folder("he-tme") / "he-tme"
MICRONS_PER_CM, CENTIMETRE = 10000, 3
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT, SUBFILE_TYPE, TILE_WIDTH = 282, 283, 296, 254, 322
FULL, REDUCED = 0, 1


def analyze(slide, folder):
    done = subprocess.run([str(PROGRAM), "analyze", str(slide), "--output", str(folder)], text=True,
                          capture_output=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


# Class maps.

@pytest.fixture(scope="module")
def maps(tmp_path_factory):
    """Of a slide of 8 x 16,003 µm whose maps are wider than a page without coarser ones may be."""
    folder = tmp_path_factory.mktemp("maps")
    slide = harness.make_slide(folder / "slide.tiff", 18001, 1205, 0.5, seed=3)
    analyze(slide, folder / "results")
    return folder / "results"


def coarser(classes):
    """Each pixel has the class of most of its four; of equally many the one that comes first."""
    height, width = classes.shape
    even = numpy.pad(classes, ((0, height % 2), (0, width % 2)), "edge")
    four = numpy.stack([even[0::2, 0::2], even[0::2, 1::2], even[1::2, 0::2], even[1::2, 1::2]])
    votes = (four[:, None] == four[None]).sum(axis=1)
    return numpy.take_along_axis(four, votes.argmax(axis=0)[None], axis=0)[0]


def page(image, number):
    image.seek(number)
    tags = image.tag_v2
    assert (tags[RESOLUTION_UNIT], TILE_WIDTH in tags) == (CENTIMETRE, True)
    assert tags[SUBFILE_TYPE] == (REDUCED if number else FULL)
    assert tags[X_RESOLUTION] == tags[Y_RESOLUTION]
    palette = numpy.asarray(image.getpalette()).reshape(-1, 3)
    return numpy.asarray(image), MICRONS_PER_CM / float(tags[X_RESOLUTION]), palette


@pytest.mark.parametrize("name", ["tissue_qc", "tissue_segmentation"])
def test_every_level_of_a_map_has_its_resolution_and_its_classes(maps, name):
    path = maps / f"{name}_segmentation_map_image.tiff"
    image, slide = Image.open(path), openslide.OpenSlide(str(path))  # Pillow reads by libtiff
    assert image.n_frames == slide.level_count == 3
    properties = slide.properties
    assert properties["tiff.ResolutionUnit"] == "centimeter"
    finest_mpp = MICRONS_PER_CM / float(properties["tiff.XResolution"])
    assert finest_mpp == pytest.approx(18001 * 0.5 / 2250.125, rel=1e-6)
    expected, _, _ = page(image, 0)
    assert len(numpy.unique(expected)) >= 2
    for level in range(slide.level_count):
        classes, mpp, palette = page(image, level)
        assert mpp == pytest.approx(finest_mpp * 2 ** level, rel=1e-6)
        assert mpp == pytest.approx(finest_mpp * slide.level_downsamples[level], rel=0.01)
        assert (classes == expected).all()
        shown = slide.read_region((0, 0), level, slide.level_dimensions[level])
        assert (numpy.asarray(shown.convert("RGB")) == palette[classes]).all()
        expected = coarser(expected)


# Many cells.

MANY, ROWS_OF_A_GROUP = 100_000, 16_384


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """The files of a made-up slide, and the MiB that writing them took beside its cells."""
    folder = tmp_path_factory.mktemp("many")
    done = subprocess.run([str(harness.BUILD / "tests/bench/write_report"), str(MANY), str(folder)], check=True,
                          capture_output=True, text=True, timeout=300)
    return folder, float(done.stdout.split()[0])


def test_writers_do_not_hold_the_cells(many):
    """A copy of what is written of each cell, as text or as a tree, would be some 50 MiB."""
    _, mib = many
    assert mib > 0
    if "ASAN_OPTIONS" not in os.environ:  # sanitized programs keep what is freed for a while
        assert mib < 20


def test_a_table_of_many_cells_is_in_groups_with_limits_of_their_own(many):
    folder, _ = many
    table = parquet_file.ParquetFile(folder / "cell_classification_parquet_polygons.parquet")
    assert [group[3] for group in table.groups] == [ROWS_OF_A_GROUP] * 6 + [MANY - 6 * ROWS_OF_A_GROUP]
    columns = table.columns()
    assert columns["CELL_ID"] == list(range(1, MANY + 1))
    features = json.loads((folder / "cell_classification_geojson_polygons.json").read_text())["features"]
    assert [parquet_file.polygon(geometry) for geometry in columns["geometry"]] == [
        feature["geometry"]["coordinates"] for feature in features]
    # They come from top to bottom, so what a group says of its boxes leaves out the rest.
    tops = [columns["bbox.ymin"][begin:begin + ROWS_OF_A_GROUP] for begin in range(0, MANY, ROWS_OF_A_GROUP)]
    assert all(max(upper) <= min(lower) + 50 < max(lower) for upper, lower in zip(tops, tops[1:]))


# Label and macro.

NOBODY = (3, 251, 7)  # a colour that no picture of tissue and no class has
WORDS = [slide_files.PATIENT, "Zebedee", "ZEBEDEE", "Confidential", slide_files.LABEL_TEXT, "Barcode-4711"]


def name_plate(width, height):
    """The label's text as its bytes over and over, framed in the colour."""
    text = slide_files.LABEL_TEXT.encode() + b"-"
    pixels = numpy.frombuffer((text * (width * height * 3 // len(text) + 1))[:width * height * 3], numpy.uint8)
    plate = pixels.reshape(height, width, 3).copy()
    plate[:8], plate[-8:], plate[:, :8], plate[:, -8:] = NOBODY, NOBODY, NOBODY, NOBODY
    return plate


def described(text):
    return slide_files.tag(270, slide_files.ASCII, text.encode() + b"\0")


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """An SVS with tissue, a label and a macro, and a patient's name in everything that may be said."""
    folder = tmp_path_factory.mktemp("labelled")
    tissue = numpy.asarray(Image.open(harness.make_slide(folder / "plain.tiff", 1000, 700, 0.5)).convert("RGB"))
    about = (f"Aperio Image Library v11\r\n1000x700 (64x64)|AppMag = 20|MPP = 0.5|Patient = {slide_files.PATIENT}"
             f"|Title = {slide_files.LABEL_TEXT}|Barcode = Barcode-4711")
    kept = [slide_files.tag(number, slide_files.ASCII, slide_files.PATIENT.encode() + b"\0")
            for number in (269, 285, 305, 315, 316)]  # document, page, software, artist, computer
    pages = [
        slide_files.Page(1000, 700, [tile.tobytes() for tile in slide_files.tiles_of(tissue)], 1,
                         tags=[described(about), *kept]),
        slide_files.StripPage(tissue[::7, ::10].copy(), [described(about)]),
        slide_files.StripPage(name_plate(120, 110), [
            slide_files.tag(SUBFILE_TYPE, slide_files.LONG, 1),
            described(f"Aperio Image Library v11\nlabel 120x110 |Patient = {slide_files.PATIENT}")]),
        slide_files.StripPage(name_plate(300, 100), [
            slide_files.tag(SUBFILE_TYPE, slide_files.LONG, 9),
            described(f"Aperio Image Library v11\nmacro 300x100 |Patient = {slide_files.PATIENT}")]),
    ]
    path = folder / "slide.svs"
    path.write_bytes(slide_files.tiff_bytes(pages))
    return path


def unpacked(path):
    """A file's bytes, and what is compressed in it: pages of a table, strips of pictures."""
    content = path.read_bytes()
    if path.suffix == ".parquet":
        return content + repr(parquet_file.ParquetFile(path).columns()).encode()
    if path.suffix in (".png", ".tiff", ".svs"):
        with Image.open(path) as image:
            for number in range(getattr(image, "n_frames", 1)):
                image.seek(number)
                content += image.convert("RGB").tobytes()
    return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content


def told_in(content):
    return [word for word in [*WORDS, bytes(NOBODY) * 8]
            if (word if isinstance(word, bytes) else word.encode()) in content]


def test_the_slide_is_one_that_could_tell(labelled):
    """Else the tests below would find nothing in anything."""
    slide = openslide.OpenSlide(str(labelled))
    assert slide.properties["openslide.vendor"] == "aperio"
    assert set(slide.associated_images) == {"thumbnail", "label", "macro"}
    assert told_in(unpacked(labelled)) == [*WORDS, bytes(NOBODY) * 8]
    plate = numpy.asarray(slide.associated_images["label"].convert("RGB"))
    assert (plate == name_plate(120, 110)).all()


def test_no_file_of_the_program_tells_of_label_or_macro(labelled, tmp_path):
    said = analyze(labelled, tmp_path / "results")
    done = subprocess.run([str(PROGRAM), "render", str(labelled), "--output", str(tmp_path / "overlay.png")],
                          capture_output=True, check=True, timeout=300)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 14, "twelve artifacts, the thumbnail and the overlay"
    for path in files:
        assert told_in(unpacked(path)) == [], path.name
    assert told_in(said.encode() + done.stdout + done.stderr) == []
    with Image.open(tmp_path / "results/thumbnail.png") as thumbnail:
        shown = numpy.asarray(thumbnail)
    tissue = numpy.asarray(openslide.OpenSlide(str(labelled)).read_region((0, 0), 0, (1000, 700)).convert("RGB"))
    assert (shown == tissue).all(), "the thumbnail is of the slide's levels"


def test_no_artifact_and_no_log_of_the_platform_tells_of_them(labelled, up, tmp_path):
    """A slide that is analysed, one that does not fit its metadata and one that is cut off."""
    client, content = up.client(), labelled.read_bytes()
    cut = tmp_path / "cut.svs"
    cut.write_bytes(content[:len(content) // 2])
    facts = {"width": 1000, "height": 700, "staining_method": "H&E", "specimen": {"disease": "LUNG_CANCER"},
             "media_type": "application/octet-stream"}
    url = client.upload(labelled)
    run_id = client.create_run("he-tme", [
        harness.slide_item("good", url, content, **facts),
        harness.slide_item("narrow", url, content, **{**facts, "width": 999}),
        harness.slide_item("cut", client.upload(cut), cut.read_bytes(), **facts)])
    client.wait_for_run(run_id)
    items = {item["external_id"]: item for item in client.items(run_id)}
    assert {name: item["termination_reason"] for name, item in items.items()} == {
        "good": "SUCCEEDED", "narrow": "USER_ERROR", "cut": "USER_ERROR"}, items
    assert told_in(json.dumps(items).encode()) == []
    assert len(items["good"]["output_artifacts"]) == 12
    for artifact in items["good"]["output_artifacts"]:
        kind = {"image/tiff": ".tiff", "application/vnd.apache.parquet": ".parquet"}
        path = tmp_path / f"artifact{kind.get(artifact['metadata']['media_type'], '')}"
        path.write_bytes(requests.get(artifact["download_url"], timeout=30).content)
        assert told_in(unpacked(path)) == [], artifact["name"]
    # What the platform keeps, its logs and its database: all but the uploaded slides themselves.
    kept = [path for path in harness.files_below(up.data) if path.is_file() and "uploads" not in path.parts]
    assert any(path.suffix == ".log" for path in kept) and len(kept) > 100
    for path in [*kept, up.log]:
        with contextlib.suppress(FileNotFoundError):  # PostgreSQL works on and removes files
            assert told_in(path.read_bytes()) == [], path
