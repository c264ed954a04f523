"""The readers of slides against other decoders: pydicom's files, Pillow's and OpenSlide's pixels. Each
file is made here, so that what it holds is known; tests/integration/test_slide_set.py has real ones."""
import io
import itertools
import json
import struct
import subprocess
import zipfile
import zlib

import numpy
import openslide
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

import harness
import slide_files as files

READ_SLIDE = harness.BUILD / "tests/tools/read_slide"
WIDTH, HEIGHT = 150, 100
COLUMNS, ROWS = 3, 2
# Two right decoders of YCbCr may round a half differently.
ROUNDING = 1


@pytest.fixture(scope="module")
def image():
    return files.picture(WIDTH, HEIGHT)


def run(*arguments):
    return subprocess.run([str(part) for part in arguments], capture_output=True, check=False, timeout=600)


def read(path, level, x, y, width, height):
    done = run(READ_SLIDE, "region", path, level, x, y, width, height)
    assert done.returncode == 0, done.stderr
    return numpy.frombuffer(done.stdout, numpy.uint8).reshape(height, width, 3)


def refusal(path):
    """The sentence that says why the slide is not opened, or not read."""
    done = run(READ_SLIDE, "region", path, 0, 0, 0, WIDTH, HEIGHT)
    assert done.returncode == 1 and done.stdout == b"", done
    return done.stderr.decode().strip()


def info(path):
    done = run(harness.program("slideway"), "slide", "info", path, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def difference(one, other):
    return int(numpy.abs(one.astype(int) - other.astype(int)).max())


def ycbcr_frames(image):
    return [files.to_ycbcr(tile) for tile in files.tiles_of(image)]


def native(frames):
    return [frame.tobytes() for frame in frames]


def by_planes(frames):
    return [numpy.ascontiguousarray(frame.transpose(2, 0, 1)).tobytes() for frame in frames]


def halved_colours(frames):
    """PS3.3 C.7.6.3.1.2: Y Y Cb Cr for two pixels."""
    packed = []
    for frame in frames:
        pairs = frame.reshape(-1, 2, 3)
        packed.append(numpy.stack([pairs[:, 0, 0], pairs[:, 1, 0], pairs[:, 0, 1], pairs[:, 0, 2]],
                                  axis=1).tobytes())
    return packed


def show_halved(frames):
    shown = []
    for frame in frames:
        pairs = frame.reshape(-1, 2, 3).copy()
        pairs[:, 1, 1:] = pairs[:, 0, 1:]
        shown.append(files.from_ycbcr(pairs.reshape(frame.shape)))
    return shown


def with_adobe_marker(data):
    """In the place of JFIF's: the components are RGB."""
    assert data[2:4] == b"\xff\xe0"
    return data[:2] + bytes.fromhex("ffee000e41646f62650064000000000000")[:15] + b"\0" + data[20:]


def jpeg_cases(tiles):
    ycbcr = [files.encode_jpeg(tile) for tile in tiles]
    yield "JPEG YBR_FULL_422", files.JPEG, "YBR_FULL_422", ycbcr, [*map(files.decode_jpeg, ycbcr)], 0
    planes = [files.encode_jpeg(tile, components=True) for tile in tiles]
    shown = [files.decode_jpeg(data, components=True) for data in planes]
    yield "JPEG RGB", files.JPEG, "RGB", planes, shown, 0
    # An Adobe marker says what the components are, whatever the attribute says: transform 0 is RGB.
    marked = [*map(with_adobe_marker, planes)]
    yield "JPEG Adobe RGB", files.JPEG, "YBR_FULL_422", marked, shown, 0


def jpeg2000_cases(tiles):
    reversible = [files.encode_jpeg2000(tile, True, True) for tile in tiles]
    yield "J2K RCT", files.JPEG2000_LOSSLESS, "YBR_RCT", reversible, tiles, 0
    plain = [files.encode_jpeg2000(tile, False, True) for tile in tiles]
    yield "J2K RGB", files.JPEG2000_LOSSLESS, "RGB", plain, tiles, 0
    lossy = [files.encode_jpeg2000(tile, True, False) for tile in tiles]
    yield "J2K ICT", files.JPEG2000, "YBR_ICT", lossy, [*map(files.decode_jpeg, lossy)], ROUNDING
    # The transform is named by the attribute alone, not by the code stream.
    planes = [files.to_ycbcr(tile) for tile in tiles]
    unnamed = [files.encode_jpeg2000(frame, False, True) for frame in planes]
    yield ("J2K ICT unnamed", files.JPEG2000, "YBR_ICT", unnamed, [*map(files.from_ycbcr, planes)],
           ROUNDING)


def dicom_cases():
    """Name, transfer syntax, colours, frames, what they show, the tolerance, attributes."""
    image = files.picture(WIDTH, HEIGHT)
    tiles, planes = list(files.tiles_of(image)), ycbcr_frames(image)
    shown = [*map(files.from_ycbcr, planes)]
    yield "explicit", files.EXPLICIT, "RGB", native(tiles), tiles, 0, {}
    yield "implicit", files.IMPLICIT, "RGB", native(tiles), tiles, 0, {}
    yield "planes", files.EXPLICIT, "RGB", by_planes(tiles), tiles, 0, {"PlanarConfiguration": 1}
    yield "YBR_FULL", files.EXPLICIT, "YBR_FULL", native(planes), shown, ROUNDING, {}
    yield ("YBR_FULL_422", files.EXPLICIT, "YBR_FULL_422", halved_colours(planes),
           show_halved(planes), ROUNDING, {})
    for case in itertools.chain(jpeg_cases(tiles), jpeg2000_cases(tiles)):
        yield *case, {}


@pytest.mark.parametrize("case", dicom_cases(), ids=lambda case: case[0].replace(" ", "-"))
def test_dicom_has_the_colours_that_it_says(case, tmp_path):
    _, syntax, colours, frames, shown, tolerance, more = case
    data = files.attributes(WIDTH, HEIGHT, len(frames), PhotometricInterpretation=colours, **more)
    path = files.write_dicom(tmp_path / "slide.dcm", data, frames, syntax)
    expected = files.put_together(shown, WIDTH, HEIGHT)
    assert difference(read(path, 0, 0, 0, WIDTH, HEIGHT), expected) <= tolerance
    assert difference(read(path, 0, 50, 30, 40, 60), expected[30:90, 50:90]) <= tolerance


@pytest.mark.parametrize("offsets, fragments", [("basic", 1), ("basic", 3), ("basic", 0), ("extended", 1),
                                                ("none", 1), ("none", 3)])
def test_frames_are_found_by_either_table_or_none(image, tmp_path, offsets, fragments):
    frames = [files.encode_jpeg(tile) for tile in files.tiles_of(image)]
    data = files.attributes(WIDTH, HEIGHT, len(frames), PhotometricInterpretation="YBR_FULL_422")
    path = files.write_dicom(tmp_path / "slide.dcm", data, frames, files.JPEG, offsets, fragments)
    expected = files.put_together(map(files.decode_jpeg, frames), WIDTH, HEIGHT)
    assert difference(read(path, 0, 0, 0, WIDTH, HEIGHT), expected) == 0


def test_sparse_tiles_lie_where_they_say(image, tmp_path):
    """Out of order, one of them missing, and one of another optical path at a place of the first."""
    tiles = list(files.tiles_of(image))
    order = [4, 0, 5, 1, 3]
    positions = [(1 + index % COLUMNS * files.SIDE, 1 + index // COLUMNS * files.SIDE)
                 for index in order]
    data = files.attributes(
        WIDTH, HEIGHT, 6, DimensionOrganizationType="TILED_SPARSE",
        PerFrameFunctionalGroupsSequence=files.places([(1, 1), *positions], ["2"] + ["1"] * 5))
    frames = native([numpy.zeros_like(tiles[0]), *(tiles[index] for index in order)])
    path = files.write_dicom(tmp_path / "slide.dcm", data, frames)
    shown = [tile if index in order else None for index, tile in enumerate(tiles)]
    expected = files.put_together(shown, WIDTH, HEIGHT)
    assert difference(read(path, 0, 0, 0, WIDTH, HEIGHT), expected) == 0
    assert info(path)["properties"]["organization"] == "TILED_SPARSE"


def test_the_middle_focal_plane_of_the_first_path_is_shown(image, tmp_path):
    planes = [native(files.tiles_of(files.picture(WIDTH, HEIGHT, seed))) for seed in (2, 1, 3, 4, 5, 6)]
    data = files.attributes(WIDTH, HEIGHT, 36, TotalPixelMatrixFocalPlanes=3, NumberOfOpticalPaths=2)
    path = files.write_dicom(tmp_path / "slide.dcm", data, sum(planes, []))
    assert difference(read(path, 0, 0, 0, WIDTH, HEIGHT), image) == 0


@pytest.fixture(scope="module")
def series(image, tmp_path_factory):
    """Three levels, a thumbnail, a label and an overview, in names that say nothing."""
    folder = tmp_path_factory.mktemp("series")
    files.dicom_of(folder / "1", files.halved(files.halved(image)), mpp=4 * files.MPP)
    files.dicom_of(folder / "2", image)
    files.dicom_of(folder / "3", files.halved(image), mpp=2 * files.MPP)
    files.dicom_of(folder / "4", files.picture(30, 20), flavor="THUMBNAIL")
    files.dicom_of(folder / "5", files.picture(64, 64), flavor="LABEL")
    files.dicom_of(folder / "6", files.picture(60, 40), flavor="OVERVIEW")
    (folder / "readme.txt").write_text("not an image")
    return folder


def check_series(path, image):
    found = info(path)
    assert [(level["width_px"], level["height_px"]) for level in found["levels"]] == [
        (150, 100), (75, 50), (38, 25)]
    assert found["resolution_mpp"] == pytest.approx(files.MPP)
    assert sorted(entry["kind"] for entry in found["associated"]) == ["label", "macro", "thumbnail"]
    levels = [image, files.halved(image), files.halved(files.halved(image))]
    for index, expected in enumerate(levels):
        height, width = expected.shape[:2]
        assert difference(read(path, index, 0, 0, width, height), expected) == 0


def test_a_folder_with_a_series_is_one_slide(series, image):
    check_series(series, image)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_of_a_series_is_one_slide(series, image, tmp_path, compression):
    members = [(f"../{path.name}/../x", path.read_bytes()) for path in sorted(series.iterdir())]
    path = files.write_zip(tmp_path / "slide.zip", [("folder/", b""), *members], compression)
    before = sorted(tmp_path.parent.rglob("*"))
    check_series(path, image)
    assert info(path)["media_type"] == "application/zip"
    assert sorted(tmp_path.parent.rglob("*")) == before, "something was unpacked"


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip64_archive_is_read(image, tmp_path, compression):
    content = files.dicom_of(tmp_path / "slide.dcm", image).read_bytes()
    path = files.write_zip(tmp_path / "slide.zip", [("slide.dcm", content)], compression)
    path.write_bytes(files.with_zip64_end(path.read_bytes()))
    assert difference(read(path, 0, 0, 0, WIDTH, HEIGHT), image) == 0


def test_a_large_deflated_slide_is_read_at_any_place(tmp_path):
    """More than one of the places that inflating goes on from, read backwards."""
    wide = files.picture(2048, 1024)
    content = files.dicom_of(tmp_path / "slide.dcm", wide).read_bytes()
    path = files.write_zip(tmp_path / "slide.zip", [("slide.dcm", content)])
    assert len(content) > 6 << 20
    whole = read(path, 0, 0, 0, 2048, 1024)
    assert difference(whole, wide) == 0
    for level, x, y in ((0, 1900, 960), (0, 0, 0), (0, 1000, 500)):
        assert difference(read(path, level, x, y, 100, 64), wide[y:y + 64, x:x + 100]) == 0


def test_tiles_are_whole_and_white_outside(image, tmp_path):
    path = files.dicom_of(tmp_path / "slide.dcm", image)
    padded = numpy.full((ROWS * files.SIDE, COLUMNS * files.SIDE, 3), 255, numpy.uint8)
    padded[:HEIGHT, :WIDTH] = image
    for row, column in itertools.product(range(ROWS), range(COLUMNS)):
        done = run(READ_SLIDE, "tile", path, 0, column, row)
        tile = numpy.frombuffer(done.stdout, numpy.uint8).reshape(files.SIDE, files.SIDE, 3)
        y, x = row * files.SIDE, column * files.SIDE
        assert difference(tile, padded[y:y + files.SIDE, x:x + files.SIDE]) == 0
    for column, row in ((3, 0), (0, 2), (-1, 0)):
        assert b"has no tile" in run(READ_SLIDE, "tile", path, 0, column, row).stderr


def tiff_cases():
    """Name, compression, photometric, tiles, what they show, more tags."""
    tiles = list(files.tiles_of(files.picture(WIDTH, HEIGHT)))
    yield "none", 1, 2, native(tiles), tiles, []
    yield "deflate", 8, 2, [zlib.compress(tile.tobytes()) for tile in tiles], tiles, []
    for name, number in (("tiff_lzw", 5), ("packbits", 32773), ("zstd", 50000)):
        yield name, number, 2, [files.encode_strip(tile, name) for tile in tiles], tiles, []
    jpegs = [files.encode_jpeg(tile) for tile in tiles]
    shown = [*map(files.decode_jpeg, jpegs)]
    yield "JPEG", 7, 6, jpegs, shown, []
    tables, pictures = files.shared_tables(jpegs)
    yield "JPEG-tables", 7, 6, pictures, shown, [tables]
    planes = [files.encode_jpeg(tile, components=True) for tile in tiles]
    yield "JPEG-RGB", 7, 2, planes, [files.decode_jpeg(data, components=True) for data in planes], []
    yield "JPEG-2000", 34712, 2, [files.encode_jpeg2000(tile, True, True) for tile in tiles], tiles, []
    missing = [b"" if index == 1 else tile.tobytes() for index, tile in enumerate(tiles)]
    yield "a-missing-tile", 1, 2, missing, [tile if data else None for tile, data in zip(tiles, missing)], []


@pytest.mark.parametrize("case", tiff_cases(), ids=lambda case: case[0])
def test_tiff_is_read_in_every_compression(case, tmp_path):
    _, compression, photometric, tiles, shown, tags = case
    path = tmp_path / "slide.tiff"
    path.write_bytes(files.tiff_bytes([
        files.Page(WIDTH, HEIGHT, tiles, compression, photometric, tags=tags)]))
    expected = files.put_together(shown, WIDTH, HEIGHT)
    assert difference(read(path, 0, 0, 0, WIDTH, HEIGHT), expected) == 0


def aperio(path, image, compression, encode):
    pages, part = [], image
    for _ in range(2):
        height, width = part.shape[:2]
        tiles = [encode(tile) for tile in files.tiles_of(part)]
        pages.append(files.Page(width, height, tiles, compression, tags=[files.aperio_description()]))
        part = files.halved(part)
    path.write_bytes(files.tiff_bytes(pages))
    return path


@pytest.mark.parametrize("compression, encode, shown", [
    (33003, lambda tile: files.encode_jpeg2000(files.to_ycbcr(tile), False, True),
     lambda tile: files.from_ycbcr(files.to_ycbcr(tile))),
    (33005, lambda tile: files.encode_jpeg2000(tile, False, True), lambda tile: tile),
    (33005, lambda tile: files.encode_jpeg2000(tile, True, True), lambda tile: tile),
], ids=["YCbCr", "RGB", "RGB-transformed"])
def test_aperios_jpeg_2000_looks_as_in_openslide(image, tmp_path, compression, encode, shown):
    path = aperio(tmp_path / "slide.svs", image, compression, encode)
    ours = read(path, 0, 0, 0, WIDTH, HEIGHT)
    expected = files.put_together(map(shown, files.tiles_of(image)), WIDTH, HEIGHT)
    assert difference(ours, expected) <= ROUNDING
    theirs = openslide.OpenSlide(path)
    assert theirs.level_count == 2
    for level, x, y, width, height in ((0, 0, 0, WIDTH, HEIGHT), (0, 60, 60, 20, 40), (1, 10, 5, 60, 40)):
        there = theirs.read_region((x << level, y << level), level, (width, height)).convert("RGB")
        # OpenSlide cuts the fraction of a colour off, which we round.
        assert difference(read(path, level, x, y, width, height), numpy.asarray(there)) <= 2


def changed(data, **more):
    for keyword, value in more.items():
        setattr(data, keyword, value)
    return data


def uncompressed(path, frames=6, syntax=files.EXPLICIT, pixels=None, **more):
    data = files.attributes(WIDTH, HEIGHT, frames, **more)
    side = data.Rows
    return files.write_dicom(path, data, pixels or [bytes(side * side * 3)] * 6, syntax)


def jpeg_dicom(path, offsets="basic", **more):
    frames = [files.encode_jpeg(tile) for tile in files.tiles_of(files.picture(WIDTH, HEIGHT))]
    data = files.attributes(WIDTH, HEIGHT, 6, **{"PhotometricInterpretation": "YBR_FULL_422", **more})
    return files.write_dicom(path, data, frames, files.JPEG, offsets)


def patched(path, old, new):
    data = path.read_bytes()
    assert data.count(old) >= 1
    path.write_bytes(data.replace(old, new, 1))
    return path


def cut(path, count):
    path.write_bytes(path.read_bytes()[:count])
    return path


def nested(path, depth):
    inner = Dataset()
    inner.CodeValue = "x"
    for _ in range(depth):
        outer = Dataset()
        outer.ConceptCodeSequence = Sequence([inner])
        inner = outer
    return uncompressed(path, AcquisitionContextSequence=Sequence([inner]))


def label_alone(path):
    return files.dicom_of(path, files.picture(64, 64), flavor="LABEL")


def sparse(path, *positions):
    return uncompressed(path, frames=len(positions), pixels=[bytes(64 * 64 * 3)] * len(positions),
                        DimensionOrganizationType="TILED_SPARSE",
                        PerFrameFunctionalGroupsSequence=files.places(positions))


OFFSET_TABLE = struct.pack("<HHI", 0xfffe, 0xe000, 24)

BAD_DICOM = {
    "a label alone": (label_alone, "hold no image of the whole slide's tissue"),
    "another kind of image": (
        lambda path: uncompressed(path, SOPClassUID="1.2.840.10008.5.1.4.1.1.2"),
        "The file holds no DICOM whole slide microscopy image"),
    "RLE": (lambda path: patched(uncompressed(path), b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0"),
            "The DICOM transfer syntax is RLE Lossless; only"),
    "big endian": (
        lambda path: patched(uncompressed(path), b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.2\0"),
        "The DICOM transfer syntax is Explicit VR Big Endian; only"),
    "an unknown syntax": (
        lambda path: patched(uncompressed(path), b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.9\0"),
        "The DICOM transfer syntax is 1.2.840.10008.1.2.9; only"),
    "grey": (lambda path: uncompressed(path, SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2"),
             "The image has 1 samples of 8 bits a pixel, but 3 of 8 bits are needed"),
    "16 bits": (lambda path: uncompressed(path, BitsAllocated=16, BitsStored=12),
                "The image has 3 samples of 12 bits a pixel, but 3 of 8 bits are needed"),
    "a palette": (lambda path: uncompressed(path, PhotometricInterpretation="PALETTE COLOR"),
                  "The image's colours are PALETTE COLOR, which is not read in this transfer syntax"),
    "a huge frame": (lambda path: uncompressed(path, Rows=5000),
                     "The image has frames of 64 x 5000 px, but a side may have 1 to 4096 px"),
    "a huge matrix": (
        lambda path: uncompressed(path, TotalPixelMatrixColumns=2_000_000),
        "The image has a level of 2000000 x 100 px, but a side may have 1 to 1000000 px"),
    "too many tiles": (
        lambda path: uncompressed(path, TotalPixelMatrixColumns=900_000, TotalPixelMatrixRows=900_000),
        "The image has a level of 197767969 tiles, but at most 67108864 are read"),
    "more tiles than frames can be": (
        lambda path: uncompressed(path, TotalPixelMatrixColumns=99_999, TotalPixelMatrixRows=99_999),
        "The DICOM image has 2442969 tiles, more than 2000000"),
    "too few frames": (
        lambda path: uncompressed(path, frames=5),
        "The DICOM image has 5 frames, but 6 tiles in each of 1 focal planes and 1 optical paths"),
    "a huge number of frames": (lambda path: uncompressed(path, frames=2_000_000_000),
                                "has '2000000000' frames, but 1 to 2000000 can be read"),
    "no number of frames": (lambda path: patched(uncompressed(path), b"IS\2\x006 ", b"IS\2\x00x "),
                            "has 'x' frames, but 1 to 2000000 can be read"),
    "pixels cut off": (lambda path: cut(uncompressed(path), -20), "is broken or was cut off"),
    "a header cut off": (lambda path: cut(uncompressed(path), 400), "is broken or was cut off"),
    "no pixels": (lambda path: cut(uncompressed(path), path.read_bytes().index(b"\xe0\x7f\x10\0")),
                  "The DICOM file has no pixel data"),
    "a VR of no letters": (lambda path: patched(uncompressed(path), b"\x10\0\x10\0PN", b"\x10\0\x10\0\xfe\xff"),
                           None),
    "sequences in sequences": (lambda path: nested(path, 20), "nested more than 16 times"),
    "a concatenation": (lambda path: uncompressed(path, ConcatenationUID="2.25.1"),
                        "is a part of a concatenation, which is not read"),
    "an offset table of the wrong size": (
        lambda path: patched(jpeg_dicom(path), OFFSET_TABLE, struct.pack("<HHI", 0xfffe, 0xe000, 20)),
        "The DICOM offset table does not fit"),
    "offsets that go back": (
        lambda path: patched(jpeg_dicom(path), OFFSET_TABLE + bytes(4), OFFSET_TABLE + b"\xff\xff\0\0"),
        "The DICOM offset table does not fit the pixel data"),
    "more fragments than frames": (
        lambda path: jpeg_dicom(path, "none", NumberOfFrames=3, TotalPixelMatrixRows=64),
        "The DICOM file should have 3 frames, but its pixel data has more"),
    "fewer fragments than frames": (
        lambda path: jpeg_dicom(path, "none", NumberOfFrames=9, TotalPixelMatrixRows=150),
        "The DICOM file should have 9 frames, but its pixel data has fewer"),
    "tiles between the places": (lambda path: sparse(path, (1, 1), (60, 1)),
                                 "has a tile at column 60, row 1, which is not on the grid"),
    "tiles outside": (lambda path: sparse(path, (193, 1)), "has a tile at column 193, row 1, which is not"),
    "frames without places": (
        lambda path: changed_frames(path), "The DICOM file has 3 frames, but tells the places of 2"),
    "a frame of another size": (
        lambda path: jpeg_dicom(path, Rows=32, TotalPixelMatrixRows=64),
        "A tile of the image cannot be decoded: the tile is 64 x 64 px of 3 components"),
}


def changed_frames(path):
    return uncompressed(path, frames=3, DimensionOrganizationType="TILED_SPARSE",
                        PerFrameFunctionalGroupsSequence=files.places([(1, 1), (65, 1)]))


@pytest.mark.parametrize("name", BAD_DICOM)
def test_bad_dicom_is_refused_with_its_reason(name, tmp_path):
    make, reason = BAD_DICOM[name]
    path = make(tmp_path / "slide.dcm")
    if reason is None:  # the element is passed over
        assert run(READ_SLIDE, "region", path, 0, 0, 0, 1, 1).returncode == 0
    else:
        assert reason in refusal(path)


def zip_of_slide(path, **options):
    content = files.dicom_of(path.parent / "x.dcm", files.picture(WIDTH, HEIGHT)).read_bytes()
    return files.write_zip(path, [("x.dcm", content)], **options)


def two_series(path):
    one = files.dicom_of(path.parent / "1", files.picture(WIDTH, HEIGHT)).read_bytes()
    other = files.dicom_of(path.parent / "2", files.picture(75, 50), SeriesInstanceUID="2.25.7").read_bytes()
    return files.write_zip(path, [("1", one), ("2", other)])


def same_size_twice(path):
    one = files.dicom_of(path.parent / "1", files.picture(WIDTH, HEIGHT)).read_bytes()
    return files.write_zip(path, [("1", one), ("2", one)])


def bomb(path):
    """A megabyte of zeros a thousand times, in an entry that says so."""
    return files.write_zip(path, [("x.dcm", bytes(64 << 20))])


def lying_bomb(path):
    """It inflates to more than it says: nothing beyond what it says is looked at."""
    content = files.dicom_of(path.parent / "x.dcm", files.picture(WIDTH, HEIGHT)).read_bytes()
    files.write_zip(path, [("x.dcm", content + bytes(32 << 20))])
    data = bytearray(path.read_bytes())
    central = data.rindex(b"PK\1\2")
    struct.pack_into("<I", data, central + 24, len(content) - 5000)
    path.write_bytes(data)
    return path


def field_of_entry(path, offset, kind, value):
    data = bytearray(zip_of_slide(path).read_bytes())
    struct.pack_into(kind, data, data.rindex(b"PK\1\2") + offset, value)
    path.write_bytes(data)
    return path


def broken_deflate(path):
    data = bytearray(zip_of_slide(path).read_bytes())
    start = data.index(b"x.dcm") + 5
    data[start:start + 16] = b"\xff" * 16
    path.write_bytes(data)
    return path


def end_field(path, offset, kind, value):
    data = bytearray(zip_of_slide(path).read_bytes())
    struct.pack_into(kind, data, data.rindex(b"PK\5\6") + offset, value)
    path.write_bytes(data)
    return path


BAD_ZIP = {
    "no DICOM": (lambda path: files.write_zip(path, [("a.txt", b"text")]),
                 "The zip archive holds no DICOM whole slide microscopy image"),
    "empty": (lambda path: files.write_zip(path, []), "The zip archive holds no DICOM whole slide"),
    "several series": (two_series, "The files belong to several DICOM series; one slide is one series"),
    "one size twice": (same_size_twice, "which is no coarser level of the one with 150 x 100 px"),
    "a bomb": (bomb, "that would become 67108864 bytes from"),
    "a lying bomb": (lying_bomb, "is broken or was cut off"),
    "many entries": (lambda path: files.write_zip(path, [(str(i), b"") for i in range(4097)]),
                     "The zip archive has 4097 entries, but at most 4096 are read"),
    "encrypted": (lambda path: field_of_entry(path, 8, "<H", 1), "The zip archive is encrypted"),
    "bzip2": (lambda path: zip_of_slide(path, compression=zipfile.ZIP_BZIP2),
              "has an entry of compression method 12; only stored and deflated ones are read"),
    "in parts": (lambda path: end_field(path, 4, "<H", 1), "is split into several parts"),
    "cut off": (lambda path: cut(zip_of_slide(path), -30), "The zip archive is broken or was cut off"),
    "an offset outside": (lambda path: field_of_entry(path, 42, "<I", 0x7fffffff), "is broken or was cut off"),
    "a directory outside": (lambda path: end_field(path, 16, "<I", 0x7fffffff), "is broken or was cut off"),
    "broken data": (broken_deflate, "The zip archive holds no DICOM whole slide microscopy image"),
    "a size that differs": (lambda path: field_of_entry(path, 10, "<H", 0), "is broken or was cut off"),
}


@pytest.mark.parametrize("name", BAD_ZIP)
def test_a_bad_zip_is_refused_with_its_reason(name, tmp_path):
    make, reason = BAD_ZIP[name]
    assert reason in refusal(make(tmp_path / "slide.zip"))


def test_links_in_a_folder_are_not_followed(image, tmp_path):
    """What they lead to would be another series, which is refused."""
    files.dicom_of(tmp_path / "other.dcm", files.picture(75, 50), SeriesInstanceUID="2.25.7")
    folder = tmp_path / "series"
    folder.mkdir()
    files.dicom_of(folder / "1.dcm", image)
    (folder / "2.dcm").symlink_to(tmp_path / "other.dcm")
    assert difference(read(folder, 0, 0, 0, WIDTH, HEIGHT), image) == 0


def deflated_tiff(path, tags=(), pages=1, **options):
    tiles = [zlib.compress(tile.tobytes()) for tile in files.tiles_of(files.picture(WIDTH, HEIGHT))]
    page = files.Page(WIDTH, HEIGHT, tiles, 8, tags=tags)
    path.write_bytes(files.tiff_bytes([page] * pages, **options))
    return path


BAD_TIFF = {
    "grey": (lambda path: deflated_tiff(path, [files.tag(277, files.SHORT, 1), files.tag(258, files.SHORT, 8),
                                               files.tag(262, files.SHORT, 1)]),
             "The image has 1 samples of 8 bits a pixel in other colours, but 3 of 8 bits"),
    "16 bits": (lambda path: deflated_tiff(path, [files.tag(258, files.SHORT, [16, 16, 16])]),
                "The image has 3 samples of 16 bits a pixel, but 3 of 8 bits"),
    "a huge side": (lambda path: deflated_tiff(path, [files.tag(256, files.LONG, 3_000_000)]),
                    "has a level of 3000000 x 100 px, but a side may have 1 to 1000000 px"),
    "too many tiles": (
        lambda path: deflated_tiff(path, [files.tag(256, files.LONG, 999_999), files.tag(257, files.LONG, 999_999)]),
        "has a level of 244140625 tiles, but at most 67108864 are read"),
    "data of another compression": (lambda path: deflated_tiff(path, [files.tag(259, files.SHORT, 7)]),
                                    "A tile of the image cannot be decoded"),
    "offsets outside": (lambda path: cut_tiles(path), "A tile of the image cannot be"),
}


def cut_tiles(path):
    data = deflated_tiff(path).read_bytes()
    count = struct.pack("<HHI", 324, files.LONG, 6)
    at = struct.unpack_from("<I", data, data.index(count) + 8)[0]
    path.write_bytes(data[:at] + struct.pack("<I", 0x7ffffff0) * 6 + data[at + 24:])
    return path


@pytest.mark.parametrize("name", BAD_TIFF)
def test_a_bad_tiff_is_refused_with_its_reason(name, tmp_path):
    make, reason = BAD_TIFF[name]
    assert reason in refusal(make(tmp_path / "slide.tiff"))


@pytest.mark.parametrize("bits", [8, 16])
def test_a_png_has_the_colours_that_it_says(image, tmp_path, bits):
    """The upper halves of 16 bits, which are no linear light."""
    (tmp_path / "tile.png").write_bytes(files.png_bytes(image, bits))
    assert difference(read(tmp_path / "tile.png", 0, 0, 0, WIDTH, HEIGHT), image) == 0


@pytest.mark.parametrize("mode", ["L", "P", "RGBA"])
def test_a_png_of_another_kind_becomes_rgb(image, tmp_path, mode):
    picture = Image.fromarray(image).convert(mode)
    picture.save(tmp_path / "tile.png")
    found = read(tmp_path / "tile.png", 0, 0, 0, WIDTH, HEIGHT)
    assert difference(found, numpy.asarray(picture.convert("RGB"))) == 0


def jpeg_cases_of_files(image):
    """Name, the bytes of a JPEG file."""
    yield "YCbCr", files.encode_jpeg(image)
    yield "full colours", files.encode_jpeg(image, subsampling=0)
    yield "progressive", files.encode_jpeg(image, progressive=True)
    turned = Image.Exif()
    turned[0x0112] = 6  # the camera was held upright: viewers turn the picture, which has 150 x 100 px
    yield "turned", files.encode_jpeg(image, exif=turned)
    yield "RGB", with_adobe_marker(files.encode_jpeg(image, components=True))
    grey = io.BytesIO()
    Image.fromarray(image).convert("L").save(grey, "JPEG")
    yield "grey", grey.getvalue()


@pytest.mark.parametrize("name, data", jpeg_cases_of_files(files.picture(WIDTH, HEIGHT)))
def test_a_jpeg_has_the_pixels_that_pillow_shows(name, data, tmp_path):
    path = tmp_path / "tile"
    path.write_bytes(data)
    shown = numpy.asarray(Image.open(path).convert("RGB"))
    assert shown.shape == (HEIGHT, WIDTH, 3)
    assert difference(read(path, 0, 0, 0, WIDTH, HEIGHT), shown) <= ROUNDING
    assert difference(read(path, 0, 50, 30, 40, 60), shown[30:90, 50:90]) <= ROUNDING
    found = info(path)
    assert (found["media_type"], found["width_px"], found["height_px"]) == ("image/jpeg", WIDTH, HEIGHT)
    assert "resolution_mpp" not in found, f"the density of a {name} JPEG is a screen's"


START_OF_FRAME, START_OF_SCAN, END_OF_IMAGE = b"\xff\xc0", b"\xff\xda", b"\xff\xd9"


def resized(data, width, height):
    """It says another size than it has pixels for."""
    at = data.index(START_OF_FRAME) + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4:]


def many_scans(data, count):
    """The last scan, which makes the pixels a little finer, again and again."""
    start = data.rindex(START_OF_SCAN)
    return data[:start] + data[start:-2] * count + END_OF_IMAGE


def cmyk(image):
    out = io.BytesIO()
    Image.fromarray(image).convert("CMYK").save(out, "JPEG")
    return out.getvalue()


BAD_JPEG = {
    "CMYK": (cmyk, "The JPEG image has 4 components (CMYK), but 1 (grey) or 3 (RGB or YCbCr) are needed"),
    "cut off": (lambda image: files.encode_jpeg(image)[:-900], "The JPEG image cannot be read: Premature end of JPEG"),
    "a header cut off": (lambda image: files.encode_jpeg(image)[:200], "The JPEG image cannot be read: "),
    "a progressive one cut off": (lambda image: files.encode_jpeg(image, progressive=True)[:-900],
                                  "The JPEG image cannot be read: Premature end of JPEG"),
    "huge": (lambda image: resized(files.encode_jpeg(image), 65_000, 65_000),
             "The JPEG image has 65000 x 65000 px, more than 67108864 in all"),
    "wider than libjpeg reads": (lambda image: resized(files.encode_jpeg(image), 65_535, 10),
                                 "The JPEG image cannot be read: Maximum supported image dimension"),
    "no width": (lambda image: resized(files.encode_jpeg(image), 0, 10), "The JPEG image cannot be read: Empty JPEG"),
    "taller than its data": (lambda image: resized(files.encode_jpeg(image), WIDTH, 60_000)[:-2],
                             "The JPEG image cannot be read: Premature end of JPEG"),
    "too many scans": (lambda image: many_scans(files.encode_jpeg(image, progressive=True), 40),
                       "The JPEG image cannot be read: more than 32 scans"),
    "noise": (lambda image: b"\xff\xd8\xff" + image.tobytes(), "The JPEG image cannot be read: "),
}


@pytest.mark.parametrize("name", BAD_JPEG)
def test_a_bad_jpeg_is_refused_with_its_reason(image, name, tmp_path):
    make, reason = BAD_JPEG[name]
    (tmp_path / "tile.jpg").write_bytes(make(image))
    assert reason in refusal(tmp_path / "tile.jpg")


def test_the_picture_beside_a_mirax_slide_is_not_shown_for_it(image, tmp_path):
    """It has the label: without the folder of the slide there is nothing to show."""
    (tmp_path / "slide.mrxs").write_bytes(files.encode_jpeg(image))
    assert "The file is not a slide in a known format" in refusal(tmp_path / "slide.mrxs")


def test_a_huge_png_is_refused(tmp_path):
    data = files.png_bytes(files.picture(8, 8), 8)
    header = b"IHDR" + struct.pack(">II", 65_000, 65_000) + data[24:29]
    (tmp_path / "tile.png").write_bytes(data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:])
    assert "The PNG image has 65000 x 65000 px, more than 67108864 in all" in refusal(tmp_path / "tile.png")


def strips(path, image, mode="RGB", compression=None, rows=7, **tags):
    """By Pillow's writer: 15 strips, as programs export a part of a slide."""
    Image.fromarray(image).convert(mode).save(path, "TIFF", compression=compression, tiffinfo={278: rows, **tags})
    return path


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "zstd", "jpeg"])
def test_a_tiff_of_strips_is_read_whole(image, tmp_path, mode, compression):
    if (mode, compression) == ("RGBA", "jpeg"):
        mode = "RGB"  # JPEG has no alpha; here in one strip
    path = strips(tmp_path / "tile.tif", image, mode, compression, 16 if mode == "RGB" else HEIGHT)
    shown = numpy.asarray(Image.open(path).convert("RGB"))
    assert compression == "jpeg" or difference(shown, image) == 0
    assert difference(read(path, 0, 0, 0, WIDTH, HEIGHT), shown) <= (ROUNDING if compression == "jpeg" else 0)
    assert difference(read(path, 0, 50, 30, 40, 60), shown[30:90, 50:90]) <= ROUNDING
    found = info(path)
    assert (found["media_type"], found["width_px"], found["height_px"]) == ("image/tiff", WIDTH, HEIGHT)


@pytest.mark.parametrize("description, mpp", [
    ("ImageJ=1.53t\nunit=micron\nmin=0.0\n", 0.5), ("ImageJ=1.53t\nunit=um\n", 0.5),
    ("ImageJ=1.53t\nunit=\\u00B5m\n", 0.5), ("ImageJ=1.53t\nunit=mm\n", None), ("ImageJ=1.53t\n", None),
    ("unit=micron\n", None)])
def test_imagej_tells_the_unit_of_its_resolution_in_its_description(image, tmp_path, description, mpp):
    path = tmp_path / "tile.tif"
    text = files.tag(270, files.ASCII, description.encode() + b"\0")
    page = files.StripPage(image, [text, *files.resolution_tags(2, 2, 1)])
    path.write_bytes(files.tiff_bytes([page]))
    assert info(path).get("resolution_mpp") == mpp
    assert difference(read(path, 0, 0, 0, WIDTH, HEIGHT), image) == 0


def strip_tags(path, *tags, pages=1):
    page = files.StripPage(files.picture(WIDTH, HEIGHT), tags)
    path.write_bytes(files.tiff_bytes([page] * pages))
    return path


BAD_STRIPS = {
    "grey": (lambda path: strips(path, files.picture(WIDTH, HEIGHT), "L"), "has 1 samples of 8 bits a pixel in other"),
    "CMYK": (lambda path: strips(path, files.picture(WIDTH, HEIGHT), "CMYK"), "has 4 samples of 8 bits a pixel in other"),
    "16 bits": (lambda path: strip_tags(path, files.tag(258, files.SHORT, [16, 16, 16])),
                "has 3 samples of 16 bits a pixel, but"),
    "several pages": (lambda path: strip_tags(path, pages=2), "The TIFF has several pages and is not tiled"),
    "a circle of pages": (lambda path: strip_circle(path), "The TIFF has several pages and is not tiled"),
    "huge": (lambda path: strip_tags(path, files.tag(256, files.LONG, 65_000), files.tag(257, files.LONG, 65_000)),
             "The TIFF image has 65000 x 65000 px, more than 67108864 in all"),
    "wider than all": (lambda path: strip_tags(path, files.tag(256, files.LONG, 0xffffffff)),
                       "The TIFF image has 4294967295 x 100 px, more than 67108864 in all"),
    "taller than its data": (lambda path: strip_tags(path, files.tag(257, files.LONG, 9_000)),
                             "A strip of the image cannot be read"),
    "cut off": (lambda path: cut_strips(path), "A strip of the image cannot be read"),
    "broken": (lambda path: strip_tags(path, files.tag(259, files.SHORT, 8)), "A strip of the image cannot be read"),
    "planes apart": (lambda path: strip_tags(path, files.tag(284, files.SHORT, 2)),
                     "The TIFF's samples are arranged in a way that cannot be read"),
    "JPEG 2000": (lambda path: strip_tags(path, files.tag(259, files.SHORT, 34712)), "JPEG 2000 is read in tiles only"),
}


def strip_circle(path):
    first = struct.unpack_from("<I", strip_tags(path).read_bytes(), 4)[0]
    path.write_bytes(files.tiff_bytes([files.StripPage(files.picture(WIDTH, HEIGHT))], next_of_last=first))
    return path


def cut_strips(path):
    """The strip begins where it did, at the 8th byte, but the file says that it lies behind the end."""
    data = strip_tags(path).read_bytes()
    place = struct.pack("<HHII", 273, files.LONG, 1, 8)
    path.write_bytes(data.replace(place, place[:8] + struct.pack("<I", 0x7ffffff0)))
    return path


@pytest.mark.parametrize("name", BAD_STRIPS)
def test_a_bad_tiff_of_strips_is_refused_with_its_reason(name, tmp_path):
    make, reason = BAD_STRIPS[name]
    assert reason in refusal(make(tmp_path / "tile.tif"))


def planes_tiff(path, tags):
    """The samples apart, which is OpenSlide's to read."""
    tiles = [numpy.ascontiguousarray(tile[..., channel]) for channel in range(3)
             for tile in files.tiles_of(files.picture(WIDTH, HEIGHT))]
    page = files.Page(WIDTH, HEIGHT, [zlib.compress(tile.tobytes()) for tile in tiles], 8,
                      tags=[files.tag(284, files.SHORT, 2), *tags])
    path.write_bytes(files.tiff_bytes([page]))
    return path


INCH, CENTIMETRE = 2, 3
MICRONS_PER_INCH = 25400


@pytest.mark.parametrize("write", [deflated_tiff, planes_tiff])
@pytest.mark.parametrize("columns, rows, unit, mpp", [
    (20_000, 20_000, CENTIMETRE, 0.5),
    (101_600, 101_600, INCH, MICRONS_PER_INCH / 101_600),
    (20_000, 19_000, CENTIMETRE, (10_000 / 20_000 + 10_000 / 19_000) / 2),
    pytest.param(20_000, 10_000, CENTIMETRE, None, id="no squares"),
    pytest.param(20_000, 20_000, 1, None, id="no unit"),
    pytest.param(72, 72, INCH, None, id="a screen's"),
    pytest.param(0, 20_000, CENTIMETRE, None, id="no columns"),
])
def test_a_tiff_of_no_vendor_tells_its_resolution_by_its_tags(image, tmp_path, write, columns, rows, unit, mpp):
    path = write(tmp_path / "slide.tiff", files.resolution_tags(columns, rows, unit))
    found = info(path).get("resolution_mpp")
    assert found is None if mpp is None else found == pytest.approx(mpp, rel=1e-6)
    assert difference(read(path, 0, 0, 0, WIDTH, HEIGHT), image) == 0


def test_dicom_whose_pixels_are_no_squares_tells_no_resolution(image, tmp_path):
    assert info(files.dicom_of(tmp_path / "square.dcm", image))["resolution_mpp"] == pytest.approx(files.MPP)
    path = files.dicom_of(tmp_path / "slide.dcm", image)
    data = pydicom.dcmread(path)
    measures = data.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    measures.PixelSpacing = [measures.PixelSpacing[0], 2 * measures.PixelSpacing[1]]
    data.save_as(path)
    assert "resolution_mpp" not in info(path)
    shown = run(harness.program("slideway"), "slide", "info", path).stdout.decode()
    assert "resolution       none: pixels of 0.5 x 0.25 microns\n" in shown


def test_a_circle_of_directories_ends(image, tmp_path):
    path = deflated_tiff(tmp_path / "slide.tiff")
    first = struct.unpack_from("<I", path.read_bytes(), 4)[0]
    path = deflated_tiff(tmp_path / "slide.tiff", next_of_last=first)
    assert difference(read(path, 0, 0, 0, WIDTH, HEIGHT), image) == 0


def test_nothing_that_names_a_patient_is_shown(series, tmp_path):
    """The files say the patient's name, and have a label: no output has either."""
    archive = files.write_zip(tmp_path / f"{files.PATIENT}.zip", [
        (f"{files.PATIENT}/{path.name}", path.read_bytes()) for path in sorted(series.iterdir())])
    (tmp_path / "slide.zip").write_bytes(archive.read_bytes())
    for path in (series, tmp_path / "slide.zip"):
        for options in ((), ("--json",)):
            done = run(harness.program("slideway"), "slide", "info", path, *options)
            assert done.returncode == 0
            shown = done.stdout + done.stderr
            assert files.PATIENT.encode() not in shown and files.LABEL_TEXT.encode() not in shown
            assert b"label" in shown, "that there is a label is no secret"
