"""Small slide files of every kind that the readers know, written by other code than ours: TIFF by
hand, DICOM by pydicom, code streams by Pillow, archives by zipfile."""
import io
import itertools
import struct
import zipfile
import zlib

import numpy
import pydicom
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, encapsulate_extended, itemise_fragment
from pydicom.sequence import Sequence

EXPLICIT = "1.2.840.10008.1.2.1"
IMPLICIT = "1.2.840.10008.1.2"
JPEG = "1.2.840.10008.1.2.4.50"
JPEG2000_LOSSLESS = "1.2.840.10008.1.2.4.90"
JPEG2000 = "1.2.840.10008.1.2.4.91"
WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
SERIES = "2.25.100"
SIDE = 64
MPP = 0.25
PATIENT = "Zebedee^Confidential"
LABEL_TEXT = "LABEL-OF-ZEBEDEE"


def picture(width, height, seed=1):
    """Smooth colours and some noise, so that no tile is like another."""
    random = numpy.random.default_rng(seed)
    y, x = numpy.mgrid[0:height, 0:width]
    planes = [128 + 100 * numpy.sin(x / 17 + seed), 128 + 100 * numpy.cos(y / 23),
              128 + 60 * numpy.sin((x + y) / 31)]
    noise = random.integers(-12, 13, (height, width, 3))
    return numpy.clip(numpy.dstack(planes) + noise, 0, 255).astype(numpy.uint8)


def halved(image):
    """Every second pixel: what a level holds does not matter, only that it is another picture."""
    return image[::2, ::2]


def tiles_of(image, side=SIDE):
    """In reading order; the last ones are filled up with grey."""
    height, width = image.shape[:2]
    for y in range(0, height, side):
        for x in range(0, width, side):
            tile = numpy.full((side, side, 3), 99, numpy.uint8)
            part = image[y:y + side, x:x + side]
            tile[:part.shape[0], :part.shape[1]] = part
            yield tile


def encode_jpeg(tile, components=None, **options):
    """With `components` the planes are stored as they are, else as YCbCr with halved colours."""
    if components:
        image = Image.merge("YCbCr", [Image.fromarray(tile[:, :, c]) for c in range(3)])
        options = {"subsampling": 0, **options}
    else:
        image = Image.fromarray(tile)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90, **options)
    return out.getvalue()


def split_jpeg(data):
    """The tables alone, and the picture without them (TIFF Technical Note 2)."""
    tables, picture, at = b"", b"", 2
    start_of_scan, quantization, huffman = 0xda, 0xdb, 0xc4
    while data[at + 1] != start_of_scan:
        length = 2 + struct.unpack_from(">H", data, at + 2)[0]
        if data[at + 1] in (quantization, huffman):
            tables += data[at:at + length]
        else:
            picture += data[at:at + length]
        at += length
    return b"\xff\xd8" + tables + b"\xff\xd9", b"\xff\xd8" + picture + data[at:]


def encode_strip(tile, compression):
    """By Pillow's TIFF writer, as one strip: what a tile holds too."""
    out = io.BytesIO()
    Image.fromarray(tile).save(out, "TIFF", compression=compression, tiffinfo={278: tile.shape[0]})
    written = Image.open(out)
    (offset,), (count,) = written.tag_v2[273], written.tag_v2[279]
    return out.getvalue()[offset:offset + count]


def decode_jpeg(data, components=None):
    """By Pillow: RGB, or the stored planes."""
    image = Image.open(io.BytesIO(data))
    if components:
        image.draft("YCbCr", image.size)
        assert image.mode == "YCbCr"
    return numpy.asarray(image)


def encode_jpeg2000(tile, transform, reversible):
    out = io.BytesIO()
    Image.fromarray(tile).save(out, "JPEG2000", no_jp2=True, mct=1 if transform else 0,
                               irreversible=not reversible, quality_mode="rates",
                               quality_layers=[0 if reversible else 8])
    data = out.getvalue()
    assert data[:4] == b"\xff\x4f\xff\x51"
    return data


def to_ycbcr(rgb):
    """BT.601 with the full range, rounded."""
    r, g, b = [rgb[..., c].astype(float) for c in range(3)]
    y = 0.299 * r + 0.587 * g + 0.114 * b
    planes = [y, 128 + (b - y) / 1.772, 128 + (r - y) / 1.402]
    return numpy.clip(numpy.rint(numpy.stack(planes, -1)), 0, 255).astype(numpy.uint8)


def from_ycbcr(planes):
    y, cb, cr = [planes[..., c].astype(float) for c in range(3)]
    rgb = [y + 1.402 * (cr - 128), y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128),
           y + 1.772 * (cb - 128)]
    return numpy.clip(numpy.rint(numpy.stack(rgb, -1)), 0, 255).astype(numpy.uint8)


def put_together(tiles, width, height, side=SIDE):
    """The image that the tiles are of; None is a tile that is not there."""
    columns = -(-width // side)
    image = numpy.full((-(-height // side) * side, columns * side, 3), 255, numpy.uint8)
    for index, tile in enumerate(tiles):
        if tile is not None:
            y, x = index // columns * side, index % columns * side
            image[y:y + side, x:x + side] = tile
    return image[:height, :width]


def code(value, meaning, scheme="SCT"):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def staining(substances):
    """The specimen's preparation, as PS3.3 C.7.6.22 nests it."""
    contents = []
    for value, meaning in substances:
        content = Dataset()
        content.ValueType = "CODE"
        content.ConceptNameCodeSequence = Sequence([code("424361007", "Using substance")])
        content.ConceptCodeSequence = Sequence([code(value, meaning)])
        contents.append(content)
    step, specimen = Dataset(), Dataset()
    step.SpecimenPreparationStepContentItemSequence = Sequence(contents)
    specimen.SpecimenPreparationSequence = Sequence([step])
    return Sequence([specimen])


def attributes(width, height, frames, side=SIDE, mpp=MPP, flavor="VOLUME", **more):
    """A data set without pixels; a keyword of None leaves an attribute out."""
    data = Dataset()
    data.SOPClassUID, data.SOPInstanceUID = WHOLE_SLIDE, f"2.25.{200 + width}"
    data.SeriesInstanceUID, data.StudyInstanceUID = SERIES, "2.25.99"
    data.Modality, data.Manufacturer = "SM", "Scanner Works"
    data.PatientName, data.PatientID = PATIENT, LABEL_TEXT
    data.ImageType = ["ORIGINAL", "PRIMARY", flavor, "NONE"]
    data.SamplesPerPixel, data.PhotometricInterpretation = 3, "RGB"
    data.PlanarConfiguration, data.NumberOfFrames = 0, frames
    data.Rows = data.Columns = side
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit, data.PixelRepresentation = 7, 0
    data.DimensionOrganizationType = "TILED_FULL"
    data.TotalPixelMatrixColumns, data.TotalPixelMatrixRows = width, height
    data.ContainerIdentifier = LABEL_TEXT
    path = Dataset()
    path.OpticalPathIdentifier, path.ObjectiveLensPower = "1", "40"
    data.OpticalPathSequence = Sequence([path])
    measures, shared = Dataset(), Dataset()
    measures.PixelSpacing = [f"{mpp / 1000:.9f}"] * 2
    shared.PixelMeasuresSequence = Sequence([measures])
    data.SharedFunctionalGroupsSequence = Sequence([shared])
    for keyword, value in more.items():
        if value is None:
            delattr(data, keyword)
        else:
            setattr(data, keyword, value)
    return data


def places(positions, paths=None):
    """Per-frame functional groups: (column, row) from 1 for each frame."""
    frames = []
    for index, (column, row) in enumerate(positions):
        place, frame = Dataset(), Dataset()
        place.ColumnPositionInTotalImagePixelMatrix = column
        place.RowPositionInTotalImagePixelMatrix = row
        frame.PlanePositionSlideSequence = Sequence([place])
        if paths:
            path = Dataset()
            path.OpticalPathIdentifier = paths[index]
            frame.OpticalPathIdentificationSequence = Sequence([path])
        frames.append(frame)
    return Sequence(frames)


def encapsulate_behind_empty(frames):
    """With a basic offset table; each frame begins with a fragment that has no bytes."""
    items = [b"\xfe\xff\x00\xe0" + bytes(4) + itemise_fragment(frame + b"\0" * (len(frame) % 2)) for frame in frames]
    starts = itertools.accumulate(map(len, items[:-1]), initial=0)
    return itemise_fragment(struct.pack(f"<{len(items)}L", *starts)) + b"".join(items)


def write_dicom(path, data, frames, syntax=EXPLICIT, offsets="basic", fragments=1):
    """`frames` are bytes each. `offsets` is basic, extended or none; 0 `fragments`: an empty one and one more."""
    if syntax in (EXPLICIT, IMPLICIT):
        data.PixelData = b"".join(frames)
        data.PixelData += b"\0" * (len(data.PixelData) % 2)
        data["PixelData"].VR = "OW" if syntax == IMPLICIT else "OB"
    elif offsets == "extended":
        # pydicom 2.3 forgets in its table that frames of odd length are filled up.
        frames = [frame + b"\0" * (len(frame) % 2) for frame in frames]
        data.PixelData, table, lengths = encapsulate_extended(frames)
        data.ExtendedOffsetTable, data.ExtendedOffsetTableLengths = table, lengths
        data["PixelData"].VR = "OB"
    elif fragments == 0:
        data.PixelData = encapsulate_behind_empty(frames)
        data["PixelData"].VR = "OB"
    else:
        data.PixelData = encapsulate(frames, fragments_per_frame=fragments, has_bot=offsets == "basic")
        data["PixelData"].VR = "OB"
    if syntax not in (EXPLICIT, IMPLICIT):
        data["PixelData"].is_undefined_length = True
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = syntax
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.is_little_endian, data.is_implicit_VR = True, syntax == IMPLICIT
    pydicom.dcmwrite(path, data, write_like_original=False)
    return path


def dicom_of(path, image, **more):
    """An uncompressed level; `more` goes to its attributes."""
    height, width = image.shape[:2]
    frames = [tile.tobytes() for tile in tiles_of(image)]
    return write_dicom(path, attributes(width, height, len(frames), **more), frames)


def write_zip(path, members, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def with_zip64_end(archive):
    """An archive of one entry with all of its numbers moved into the records of zip64."""
    data = bytearray(archive)
    central, end = data.rindex(b"PK\1\2"), data.rindex(b"PK\5\6")
    stored, size = struct.unpack_from("<II", data, central + 20)
    offset = struct.unpack_from("<I", data, central + 42)[0]
    extra = struct.pack("<HHHHQQQ", 0x7777, 0, 1, 24, size, stored, offset)
    struct.pack_into("<II", data, central + 20, 0xffffffff, 0xffffffff)
    struct.pack_into("<H", data, central + 30, len(extra))
    struct.pack_into("<I", data, central + 42, 0xffffffff)
    record = bytes(data[central:end]) + extra
    end64 = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, len(record), central)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, central + len(record), 1)
    tail = bytearray(data[end:])
    struct.pack_into("<HHII", tail, 8, 0xffff, 0xffff, 0xffffffff, 0xffffffff)
    return bytes(data[:central]) + record + end64 + locator + bytes(tail)


def shared_tables(jpegs):
    """A tag with the tables of pictures of one quality, and the pictures without theirs."""
    parts = [split_jpeg(data) for data in jpegs]
    assert len({tables for tables, _ in parts}) == 1
    return tag(347, UNDEFINED, parts[0][0]), [picture for _, picture in parts]


def tag(number, kind, values):
    return number, kind, values if isinstance(values, (list, tuple, bytes)) else [values]


SHORT, LONG, ASCII, RATIONAL, UNDEFINED = 3, 4, 2, 5, 7
FORMATS = {SHORT: "H", LONG: "I", RATIONAL: "Q"}  # the denominator is the upper half


def png_bytes(image, bits):
    """Colours of 8 or 16 bits, by hand: Pillow writes no 16."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    height, width = image.shape[:2]
    samples = image if bits == 8 else image.astype(">u2") * 257
    rows = b"".join(b"\0" + row.tobytes() for row in samples)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


class Page:
    """One directory of a tiled TIFF: its tags and its tiles."""
    place_tags = (324, 325)

    def __init__(self, width, height, tiles, compression, photometric=2, side=SIDE, tags=()):
        self.tiles = list(tiles)
        self.tags = [tag(256, LONG, width), tag(257, LONG, height), tag(258, SHORT, [8, 8, 8]),
                     tag(259, SHORT, compression), tag(262, SHORT, photometric),
                     tag(277, SHORT, 3), tag(284, SHORT, 1), tag(322, SHORT, side),
                     tag(323, SHORT, side)]
        numbers = {number for number, _, _ in tags}
        self.tags = [entry for entry in self.tags if entry[0] not in numbers] + list(tags)


class StripPage(Page):
    """A directory whose pixels are one strip, uncompressed: labels and macros of Aperio are no tiles."""
    place_tags = (273, 279)

    def __init__(self, image, tags=()):
        height, width = image.shape[:2]
        super().__init__(width, height, [image.tobytes()], 1, tags=(tag(278, LONG, height), *tags))
        self.tags = [entry for entry in self.tags if entry[0] not in (322, 323)]


def tiff_bytes(pages, next_of_last=0):
    """A little-endian classic TIFF. `next_of_last`: what the last directory says follows it."""
    out = bytearray(struct.pack("<2sHI", b"II", 42, 0))
    link = 4
    for page in pages:
        offsets, counts = [], []
        for tile in page.tiles:
            offsets.append(len(out) if tile else 0)
            counts.append(len(tile))
            out += tile
        tags = page.tags + [tag(page.place_tags[0], LONG, offsets), tag(page.place_tags[1], LONG, counts)]
        entries = bytearray()
        for number, kind, values in sorted(tags):
            data = values if isinstance(values, bytes) else struct.pack(
                f"<{len(values)}{FORMATS[kind]}", *values)
            count = len(values)
            if len(data) > 4:
                out += b"\0" * (len(out) % 2)
                where = struct.pack("<I", len(out))
                out += data
            else:
                where = data.ljust(4, b"\0")
            entries += struct.pack("<HHI4s", number, kind, count, where)
        out += b"\0" * (len(out) % 2)
        struct.pack_into("<I", out, link, len(out))
        out += struct.pack("<H", len(tags)) + entries
        link = len(out)
        out += struct.pack("<I", 0)
    struct.pack_into("<I", out, link, next_of_last)
    return bytes(out)


def resolution_tags(columns, rows, unit):
    """Pixels for each unit: 2 inches, 3 centimetres."""
    return [tag(282, RATIONAL, columns | 1 << 32), tag(283, RATIONAL, rows | 1 << 32), tag(296, SHORT, unit)]


def aperio_description(mpp=MPP):
    text = f"Aperio Image Library v1\r\n1x1 ({SIDE}x{SIDE})|AppMag = 40|MPP = {mpp}"
    return tag(270, ASCII, text.encode() + b"\0")
