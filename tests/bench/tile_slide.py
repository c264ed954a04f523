#!/usr/bin/python3
"""Writes one SVS out of annotated tiles: the pictures of a folder side by side, 0.5 microns a pixel, in
JPEG tiles of 256 px as Aperio's scanners write them, with a level of a quarter. Of each picture only the first 464 px a side count, which all have: all of the slide is tissue.

usage: tile_slide.py FOLDER OUT.svs [COLUMNS [ROWS]]     pictures come again when there are too few
"""
import pathlib
import sys

import numpy
from PIL import Image

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import slide_files as files  # noqa: E402

PICTURE_SIDE, TILE_SIDE, MPP, YCBCR, JPEG = 464, 256, 0.5, 6, 7


def assembled(paths, columns, rows):
    image = numpy.empty((rows * PICTURE_SIDE, columns * PICTURE_SIDE, 3), numpy.uint8)
    for index in range(columns * rows):
        picture = numpy.asarray(Image.open(paths[index % len(paths)]).convert("RGB"))
        y, x = index // columns * PICTURE_SIDE, index % columns * PICTURE_SIDE
        image[y:y + PICTURE_SIDE, x:x + PICTURE_SIDE] = picture[:PICTURE_SIDE, :PICTURE_SIDE]
    return image


def page_of(image, tags=()):
    height, width = image.shape[:2]
    tables, tiles = files.shared_tables(map(files.encode_jpeg, files.tiles_of(image, TILE_SIDE)))
    return files.Page(width, height, tiles, JPEG, YCBCR, TILE_SIDE, tags=[tables, *tags])


def write(folder, out, columns=16, rows=16):
    """Returns the sides of the slide."""
    image = assembled(sorted(pathlib.Path(folder).glob("*.png")), columns, rows)
    small = files.halved(files.halved(image))
    pages = [page_of(image, [files.aperio_description(MPP)]), page_of(small)]
    pathlib.Path(out).write_bytes(files.tiff_bytes(pages))
    return image.shape[1], image.shape[0]


if __name__ == "__main__":
    print(*write(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:5])))
