#!/usr/bin/python3
"""Writes the first inputs of the fuzz targets: small files of each kind that the readers know, and requests
to a bucket.

usage: make_seeds.py DIR     DIR/tiff, DIR/dicom, DIR/zip, DIR/network, DIR/s3
"""
import base64
import datetime
import hashlib
import pathlib
import struct
import sys
import tempfile
import zipfile
import zlib

import numpy
from PIL import Image

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import s3_signer  # noqa: E402
import slide_files as files  # noqa: E402

WIDTH, HEIGHT, SIDE = 40, 24, 16


def tiles_of(image):
    return list(files.tiles_of(image, SIDE))


def tiff_seeds(image, folder):
    ways = {
        "jpeg": (7, 6, files.encode_jpeg),
        "jpeg_rgb": (7, 2, lambda tile: files.encode_jpeg(tile, components=True)),
        "aperio_ycbcr": (33003, 2, lambda tile: files.encode_jpeg2000(tile, False, True)),
        "aperio_rgb": (33005, 2, lambda tile: files.encode_jpeg2000(tile, True, False)),
        "deflate": (8, 2, lambda tile: zlib.compress(tile.tobytes())),
        "none": (1, 2, lambda tile: tile.tobytes()),
        "missing": (1, 2, lambda tile: b""),
    }
    for name, (compression, photometric, encode) in ways.items():
        pages = []
        for part in (image, files.halved(image)):
            height, width = part.shape[:2]
            pages.append(files.Page(width, height, map(encode, tiles_of(part)), compression,
                                    photometric, SIDE, tags=[files.aperio_description()]))
        label = files.tag(270, files.ASCII, b"Aperio Image Library v1\r\nlabel 40x24\0")
        pages.append(files.Page(WIDTH, HEIGHT, [b"x" * 64], 1, side=64, tags=[
            label, files.tag(254, files.LONG, 1)]))
        (folder / name).write_bytes(files.tiff_bytes(pages))
    resolution = [files.tag(282, files.LONG, 40000), files.tag(283, files.LONG, 40000),
                  files.tag(296, files.SHORT, 3)]
    page = files.Page(WIDTH, HEIGHT, [tile.tobytes() for tile in tiles_of(image)], 1, side=SIDE,
                      tags=resolution)
    tables, pictures = files.shared_tables(map(files.encode_jpeg, tiles_of(image)))
    shared = files.Page(WIDTH, HEIGHT, pictures, 7, 6, SIDE, tags=[tables])
    (folder / "jpeg_tables").write_bytes(files.tiff_bytes([shared]))
    (folder / "plain").write_bytes(files.tiff_bytes([page]))
    (folder / "strip").write_bytes(files.tiff_bytes([files.StripPage(image)]))
    for kind in ("tiff_lzw", "jpeg"):
        Image.fromarray(image).save(folder / f"strips_{kind}", "TIFF", compression=kind, tiffinfo={278: 8})


def dicom_seeds(image, folder):
    tiles = tiles_of(image)
    raw = [tile.tobytes() for tile in tiles]
    jpeg = [files.encode_jpeg(tile) for tile in tiles]
    jpeg2000 = [files.encode_jpeg2000(tile, False, True) for tile in tiles]

    def write(name, frames, syntax=files.EXPLICIT, offsets="basic", fragments=1, **more):
        data = files.attributes(WIDTH, HEIGHT, len(frames), side=SIDE, **more)
        files.write_dicom(folder / name, data, frames, syntax, offsets, fragments)

    write("explicit", raw)
    write("implicit", raw, files.IMPLICIT)
    write("planes", raw, PlanarConfiguration=1, PhotometricInterpretation="YBR_FULL")
    write("halved", [frame[:SIDE * SIDE * 2] for frame in raw], PhotometricInterpretation="YBR_FULL_422")
    for offsets, fragments in (("basic", 1), ("basic", 0), ("extended", 1), ("none", 2)):
        write(f"jpeg_{offsets}_{fragments}", jpeg, files.JPEG, offsets, fragments,
              PhotometricInterpretation="YBR_FULL_422")
    for colours in ("RGB", "YBR_ICT", "YBR_RCT"):
        write(f"jpeg2000_{colours}", jpeg2000, files.JPEG2000, PhotometricInterpretation=colours)
    positions = [(1, 1), (1, 17), (17, 1)]
    write("sparse", raw[:3], DimensionOrganizationType="TILED_SPARSE",
          PerFrameFunctionalGroupsSequence=files.places(positions, ["1", "1", "2"]))
    write("focal_planes", raw * 3, TotalPixelMatrixFocalPlanes=3)
    write("label", raw[:1], flavor="LABEL")
    write("thumbnail", raw, flavor="THUMBNAIL")
    write("stained", raw, SpecimenDescriptionSequence=files.staining(
        [("12710003", "hematoxylin"), ("36879007", "eosin"), ("1", "other")]))
    write("no_power", raw, OpticalPathSequence=None)


def written(place, name, image, side=SIDE, frames=None, **more):
    """The bytes of an uncompressed level."""
    height, width = image.shape[:2]
    frames = frames or [tile.tobytes() for tile in files.tiles_of(image, side)]
    data = files.attributes(width, height, len(frames), side=side, **more)
    return name, files.write_dicom(place / name, data, frames).read_bytes()


def zip_members(image, place):
    """A series, and other ones that end the readers' patience in their own ways."""
    tile = bytes(SIDE * SIDE * 3)
    levels = [written(place, "0", image), written(place, "1", files.halved(image))]
    others = [written(place, name, files.picture(20, 10), flavor=name)
              for name in ("THUMBNAIL", "LABEL", "OVERVIEW")]
    sparse = written(place, "sparse", image, frames=[tile] * 3, DimensionOrganizationType="TILED_SPARSE",
                     PerFrameFunctionalGroupsSequence=files.places([(1, 1), (17, 1), (33, 17)]))
    # White in large tiles: far more inflated than stored, and several places to go on from.
    white = written(place, "white", numpy.full((512, 2048, 3), 255, numpy.uint8), side=256)
    return {"levels": levels, "images": levels + others, "sparse": [sparse], "white": [white],
            "same": [levels[0], ("again", levels[0][1])], "others": others}


def zip_seeds(image, folder):
    with tempfile.TemporaryDirectory() as place:
        series = zip_members(image, pathlib.Path(place))
    for name, members in series.items():
        files.write_zip(folder / name, [("folder/", b""), ("readme.txt", b"text"), *members])
    files.write_zip(folder / "stored", series["levels"], zipfile.ZIP_STORED)
    files.write_zip(folder / "one", series["levels"][:1], zipfile.ZIP_STORED)
    with zipfile.ZipFile(folder / "zip64", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = b"a comment"
        with archive.open("a", "w", force_zip64=True) as entry:
            entry.write(series["levels"][0][1])
    (folder / "zip64_end").write_bytes(files.with_zip64_end((folder / "one").read_bytes()))


def network_bytes(layers):
    """A network of src/analysis/network/network.h: of each layer kind, kernel, stride, inputs and
    channels out. The numbers are any; the target puts the checksum right."""
    channels, parts = [3], [b"SWNN", struct.pack("<II", 1, len(layers))]
    for index, (kind, kernel, stride, inputs, out) in enumerate(layers):
        total = out if kind == 5 else sum(channels[tensor] for tensor in inputs)
        last = index + 1 == len(layers)
        first, second = (*inputs, 0)[:2]
        parts.append(struct.pack("<4B4HB", kind, kernel, stride, len(inputs), first, second, total, out,
                                 0 if last else 1))
        channels.append(out)
        if kind <= 3:
            weights = kernel * kernel * out * (1 if kind == 2 else total)
            parts += [bytes(index * 37 % 256 for index in range(weights)), struct.pack(f"<{out}i", *range(out)),
                      struct.pack(f"<{out}i", *[0x50000000] * out), bytes([5] * out)]
    return b"".join(parts) + bytes(4)


def network_seeds(_image, folder):
    conv, depthwise, pointwise, up, add = range(1, 6)
    deep = [(conv, 4, 2, [0], 16), (depthwise, 3, 2, [1], 16), (pointwise, 1, 1, [2], 24),
            (depthwise, 5, 1, [3], 24), (pointwise, 1, 1, [4], 24), (add, 1, 1, [5, 3], 24), (up, 1, 1, [6], 24),
            (pointwise, 1, 1, [7, 1], 8), (pointwise, 1, 1, [8], 4)]
    for name, layers in (("deep", deep), ("flat", [(conv, 5, 1, [0], 8), (pointwise, 1, 1, [1], 16)]),
                         ("halved", [(conv, 2, 2, [0], 8), (depthwise, 5, 2, [1], 8), (pointwise, 1, 1, [2], 1)])):
        (folder / name).write_bytes(network_bytes(layers))


def s3_seeds(_image, folder):
    """Requests as they are signed with the key of the examples in S3's documentation, at their time."""
    signer = s3_signer.Signer("https://examplebucket.s3.amazonaws.com", "AKIAIOSFODNN7EXAMPLE",
                              "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    at = datetime.datetime(2013, 5, 24)
    body = bytes(range(256)) * 3
    crc32 = base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()

    def write(name, method, path, query=None, headers=None, payload_hash="UNSIGNED-PAYLOAD", sent=b""):
        signed, seed = signer.sign(method, path, query or {}, headers or {}, payload_hash, at)
        target = path.replace(" ", "%20") + ("?" + "&".join(f"{k}={v}" for k, v in query.items()) if query else "")
        lines = [method, target, *(f"{key}:{value}" for key, value in signed.items()), "", ""]
        (folder / name).write_bytes("\n".join(lines).encode() + (sent(seed) if callable(sent) else sent))

    write("get", "GET", "/a key", headers={"range": "bytes=0-9"})
    write("list", "GET", "/", {"list-type": "2", "prefix": "a"})
    write("part", "PUT", "/key", {"partNumber": "1", "uploadId": "x"}, sent=body)
    write("complete", "POST", "/key", {"uploadId": "x"}, sent=b"<CompleteMultipartUpload/>")
    write("whole", "PUT", "/key", payload_hash=hashlib.sha256(body).hexdigest(), sent=body)
    for name, value in (("content-md5", base64.b64encode(hashlib.md5(body).digest()).decode()),
                        ("x-amz-checksum-crc32", crc32), ("x-amz-checksum-crc64nvme", "AAAAAAAAAAA="),
                        ("x-amz-checksum-sha1", base64.b64encode(hashlib.sha1(body).digest()).decode()),
                        ("x-amz-checksum-sha256", base64.b64encode(hashlib.sha256(body).digest()).decode())):
        write(name, "PUT", "/key", headers={name: value}, sent=body)
    length = {"x-amz-decoded-content-length": str(len(body)), "content-encoding": "aws-chunked"}
    chunks = [body[:300], body[300:]]
    for name in ("crc32", "crc32c", "crc64nvme", "sha1", "sha256"):
        trailer = (f"x-amz-checksum-{name}", crc32)
        write(f"unsigned-{name}", "PUT", "/key", headers={**length, "x-amz-trailer": trailer[0]},
              payload_hash="STREAMING-UNSIGNED-PAYLOAD-TRAILER", sent=signer.encode(chunks, trailer, None))
    trailer = ("x-amz-checksum-crc32", crc32)
    write("signed", "PUT", "/key", headers=length, payload_hash="STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
          sent=lambda seed: signer.encode(chunks, None, seed))
    write("signed-trailer", "PUT", "/key", headers={**length, "x-amz-trailer": trailer[0]},
          payload_hash="STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
          sent=lambda seed: signer.encode(chunks, trailer, seed))
    (folder / "presigned").write_text(
        "GET\n/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1"
        "%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404\n"
        "host:examplebucket.s3.amazonaws.com\n\n", encoding="ascii")


def main():
    folder = pathlib.Path(sys.argv[1])
    image = files.picture(WIDTH, HEIGHT)
    for name, make in (("tiff", tiff_seeds), ("dicom", dicom_seeds), ("zip", zip_seeds),
                       ("network", network_seeds), ("s3", s3_seeds)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        make(image, folder / name)


if __name__ == "__main__":
    main()
