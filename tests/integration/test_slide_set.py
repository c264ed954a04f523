"""The set of real slides (TEST_DATA/wsi) against two tables written by hand: what the platform makes of
each (slide_set.csv), and what the pixels of each are (slide_pixels.csv), below any rule of an application."""
import csv
import hashlib
import io
import os
import pathlib
import subprocess
import zipfile

import numpy
import openslide
import pydicom
import pytest
import requests
from PIL import Image
from pydicom.encaps import generate_pixel_data_frame

import harness
import slide_files as files

HERE = pathlib.Path(__file__).resolve().parent
SLIDES = pathlib.Path(os.environ.get("TEST_DATA") or "/nonexistent") / "wsi"
READ_SLIDE = harness.BUILD / "tests/tools/read_slide"
needs_slides = pytest.mark.skipif(not SLIDES.is_dir(), reason="TEST_DATA has no wsi")
REAL = "CMU-1-Small-Region.svs"


def table(name):
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def read(path, level, width, height):
    done = subprocess.run([READ_SLIDE, "region", path, str(level), "0", "0", str(width), str(height)],
                          capture_output=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    return numpy.frombuffer(done.stdout, numpy.uint8).reshape(height, width, 3)


def by_openslide(path, level, width, height):
    return numpy.asarray(openslide.OpenSlide(path).read_region((0, 0), level, (width, height)).convert("RGB"))


def by_pillow(path, level, _width, _height):
    image = Image.open(path)
    image.seek(level)
    return numpy.asarray(image.convert("RGB"))


def by_pydicom(path, _level, width, height):
    """pydicom finds the frames, Pillow decodes them; tiles of one size in rows."""
    data = pydicom.dcmread(path)
    rows, columns, count = data.Rows, data.Columns, int(data.NumberOfFrames)
    if data["PixelData"].is_undefined_length:
        frames = [numpy.asarray(Image.open(io.BytesIO(frame)))
                  for frame in generate_pixel_data_frame(data.PixelData, count)]
    else:
        frames = numpy.frombuffer(data.PixelData, numpy.uint8)[:count * rows * columns * 3].reshape(
            -1, rows, columns, 3)
    assert rows == columns
    return files.put_together(frames, width, height, rows)


DECODERS = {"openslide": by_openslide, "pillow": by_pillow, "pydicom": by_pydicom}


@needs_slides
@pytest.mark.parametrize("row", table("slide_pixels.csv"), ids=lambda row: f"{row['file']}-{row['level']}")
def test_pixels_are_those_of_another_decoder(row):
    path, level = SLIDES / row["file"], int(row["level"])
    width, height = int(row["width"]), int(row["height"])
    ours = read(path, level, width, height)
    theirs = DECODERS[row["decoder"]](path, level, width, height)
    assert numpy.abs(ours.astype(int) - theirs).max() <= int(row["difference"])
    assert hashlib.sha256(ours.tobytes()).hexdigest() == row["sha256"]


@needs_slides
@pytest.mark.parametrize("name", [REAL, "CMU-1-small.tiff"])
def test_parts_are_those_of_openslide(name):
    """Across the borders of tiles and at the edges, where OpenSlide shows what lies outside as clear."""
    theirs = openslide.OpenSlide(SLIDES / name)
    for level, (width, height) in enumerate(theirs.level_dimensions):
        for x, y in ((0, 0), (width // 2 - 20, height // 2 - 10), (width - 90, height - 70)):
            corner = tuple(round(value * theirs.level_downsamples[level]) for value in (x, y))
            if level > 0 and (x, y) != (0, 0):
                continue  # OpenSlide places parts of coarser levels between pixels
            there = theirs.read_region(corner, level, (120, 100))
            white = Image.new("RGBA", there.size, "white")
            expected = numpy.asarray(Image.alpha_composite(white, there).convert("RGB"))
            done = subprocess.run([READ_SLIDE, "region", SLIDES / name, str(level), str(x), str(y), "120", "100"],
                                  capture_output=True, check=True, timeout=600)
            ours = numpy.frombuffer(done.stdout, numpy.uint8).reshape(100, 120, 3)
            assert (ours == expected).all(), (level, x, y)


@needs_slides
def test_a_tile_that_cannot_be_decoded_is_told():
    done = subprocess.run([READ_SLIDE, "region", SLIDES / "broken/unreadable.svs", "0", "0", "0", "16", "16"],
                          capture_output=True, check=False, timeout=600)
    assert done.returncode == 1
    assert done.stderr.startswith(b"A tile of the image cannot be decoded")


def unreadable_slide(path):
    """A slide large enough, with a tile whose code is cut off."""
    tiles = [files.encode_jpeg(tile) for tile in files.tiles_of(files.picture(150, 100))]
    tiles[4] = tiles[4][:len(tiles[4]) // 2]
    page = files.Page(150, 100, tiles, 7, 6, tags=[files.aperio_description(0.499)])
    path.write_bytes(files.tiff_bytes([page]))


@pytest.fixture(scope="module")
def made(module_folder):
    """Slides that are made of those of the set."""
    def archive(name, *members):
        files.write_zip(module_folder / name, [(member, (SLIDES / member).read_bytes()) for member in members])

    archive("boxes.zip", "dicom/boxes_0.dcm", "dicom/boxes_1.dcm")
    archive("several_series.zip", "dicom/boxes_0.dcm", "dicom/sm_image.dcm")
    archive("broken.zip", "broken/sm_image_jpegls.dcm")
    archive("slide_in_zip.zip", REAL)
    unreadable_slide(module_folder / "unreadable.svs")
    pixels = by_openslide(SLIDES / REAL, 0, 2220, 2967)
    frames = [tile.tobytes() for tile in files.tiles_of(pixels, 240)]
    data = files.attributes(2220, 2967, len(frames), side=240, mpp=0.499)
    slide = files.write_dicom(module_folder / "slide.dcm", data, frames)
    files.write_zip(module_folder / "slide.zip", [(files.PATIENT, slide.read_bytes())], zipfile.ZIP_DEFLATED)
    return module_folder


def item_of(client, row, index, path):
    content = path.read_bytes()
    metadata = {"checksum_base64_crc32c": harness.crc32c(content), "media_type": row["media_type"],
                "staining_method": "H&E", "specimen": {"disease": "LUNG_CANCER", "tissue": "LUNG"}}
    if row["resolution_mpp"]:
        metadata["resolution_mpp"] = float(row["resolution_mpp"])
    return {"external_id": f"slide-{index}", "input_artifacts": [
        {"name": "whole_slide_image", "download_url": client.upload(path), "metadata": metadata}]}


@pytest.fixture(scope="module")
def client(module_folder):
    up = harness.Up(module_folder / "data", module_folder / "up.log").start()
    yield up.client()
    up.stop()


@pytest.fixture(scope="module")
def ended(client, made):
    """The rows of the table with the item that each became."""
    rows = table("slide_set.csv")
    paths = [made / row["file"].removeprefix("made/") if row["file"].startswith("made/")
             else SLIDES / row["file"] for row in rows]
    known = {path.relative_to(SLIDES).as_posix() for folder in ("", "dicom", "broken")
             for path in (SLIDES / folder).glob("*.*")}
    assert known <= {row["file"] for row in rows}, "a file of the set is not in the table"
    run_id = client.create_run("he-tme", [item_of(client, row, index, path)
                                          for index, (row, path) in enumerate(zip(rows, paths))])
    client.wait_for_run(run_id, seconds=600)
    items = {item["external_id"]: item for item in client.items(run_id)}
    return [(row, items[f"slide-{index}"]) for index, row in enumerate(rows)]


@needs_slides
def test_the_platform_makes_of_each_what_the_table_says(ended):
    for row, item in ended:
        what = (row["file"], item["termination_reason"], item["error_message"])
        assert item["termination_reason"] == row["end"], what
        assert row["words"] in (item["error_message"] or ""), what


@needs_slides
def test_the_same_pixels_give_the_same_results_in_every_format(ended):
    """A SVS, and its pixels as DICOM and as DICOM in an archive."""
    found = []
    for row, item in ended:
        if row["end"] == "SUCCEEDED" and row["file"] != "boxes.tiff":
            artifact = next(one for one in item["output_artifacts"]
                            if one["name"] == "cell_classification:geojson_polygons")
            found.append(requests.get(artifact["download_url"], timeout=30).content)
    assert len(found) == 4 and len(found[0]) > 100_000
    assert all(content == found[0] for content in found)


@needs_slides
def test_no_output_names_the_patient(ended):
    """The DICOM files say a name, the archive's entry is called by it."""
    for row, item in ended:
        words = [item["error_message"] or ""]
        for artifact in item["output_artifacts"]:
            if artifact["download_url"]:
                words.append(requests.get(artifact["download_url"], timeout=30).content.decode("latin-1"))
        text = "".join(words)
        assert "Zebedee" not in text and files.LABEL_TEXT not in text, row["file"]


@needs_slides
def test_no_output_shows_the_label_or_the_macro(ended, tmp_path):
    """The real slide has both; no part of either is in any file that is made of it."""
    slide = openslide.OpenSlide(SLIDES / REAL)
    assert {"label", "macro"} <= set(slide.associated_images)
    sizes = {image.size for name, image in slide.associated_images.items() if name != "thumbnail"}
    for row, item in ended:
        if row["file"] != REAL or row["end"] != "SUCCEEDED":
            continue
        for artifact in item["output_artifacts"]:
            if artifact["metadata"].get("media_type") in ("image/tiff", "image/png"):
                image = Image.open(io.BytesIO(requests.get(artifact["download_url"], timeout=30).content))
                for frame in range(getattr(image, "n_frames", 1)):
                    image.seek(frame)
                    assert image.size not in sizes
