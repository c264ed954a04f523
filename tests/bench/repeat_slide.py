#!/usr/bin/python3
"""Writes a slide of any size whose tiles are those of another one, again and again: the file is small, since
its tables of tiles name the same bytes many times.

usage: repeat_slide.py SLIDE OUT.tiff WIDTH HEIGHT     SLIDE: a tiled TIFF or SVS, little-endian, no BigTIFF
"""
import pathlib
import struct
import sys

LONG, BYTES_OF_TYPE = 4, {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 11: 4, 12: 8}
WIDTH, LENGTH, TILE_WIDTH, TILE_LENGTH, TILE_OFFSETS, TILE_BYTES = 256, 257, 322, 323, 324, 325
# Coarser levels are left out, so that what is repeated is a whole number of tiles in each.
DOWNSAMPLE_MAX = 8


def read_entries(data, at):
    """The entries of a directory as {tag: (type, count, where its values are)}, and the next directory."""
    count, = struct.unpack_from("<H", data, at)
    entries = {}
    for index in range(count):
        place = at + 2 + 12 * index
        tag, kind, values = struct.unpack_from("<HHI", data, place)
        inline = BYTES_OF_TYPE[kind] * values <= 4
        entries[tag] = (kind, values, place + 8 if inline else struct.unpack_from("<I", data, place + 8)[0])
    return entries, struct.unpack_from("<I", data, at + 2 + 12 * count)[0]


def numbers(data, entry):
    kind, count, at = entry
    return struct.unpack_from(f"<{count}{'H' if kind == 3 else 'I'}", data, at)


def levels_of(data):
    """The tiled directories, finest first, each with its downsample."""
    at, = struct.unpack_from("<I", data, 4)
    levels = []
    while at:
        entries, at = read_entries(data, at)
        if TILE_OFFSETS not in entries:
            continue
        downsample = round(numbers(data, levels[0][0][WIDTH])[0] / numbers(data, entries[WIDTH])[0]) if levels else 1
        if downsample <= DOWNSAMPLE_MAX:
            levels.append((entries, downsample))
    return levels


def repeated(table, columns, rows, period):
    """A table of tiles of the given size whose tiles are those of the first `period` columns and rows."""
    across, down, stride = period
    lines = [[table[row * stride + column % across] for column in range(columns)] for row in range(down)]
    return [value for row in range(rows) for value in lines[row % down]]


class Appender:
    """A file that begins as another one, whose values stay where they are."""

    def __init__(self, data):
        self.data = bytearray(data)

    def add(self, values):
        """Returns where they are."""
        self.data += bytes(len(self.data) % 2)
        at = len(self.data)
        self.data += values
        return at

    def add_directory(self, entries):
        """`entries`: {tag: (type, count, bytes of the value or of where it is)}; returns where the link to the
        next directory is."""
        packed = b"".join(struct.pack("<HHI", tag, kind, count) + value.ljust(4, b"\0")
                          for tag, (kind, count, value) in sorted(entries.items()))
        at = self.add(struct.pack("<H", len(entries)) + packed + bytes(4))
        return at, at + 2 + len(packed)


def level_entries(appender, data, level, size, period_px):
    entries, downsample = level
    width, height = (-(-side // downsample) for side in size)
    tile_width, tile_height = (numbers(data, entries[tag])[0] for tag in (TILE_WIDTH, TILE_LENGTH))
    columns, rows = -(-width // tile_width), -(-height // tile_height)
    stride = -(-numbers(data, entries[WIDTH])[0] // tile_width)
    period = period_px[0] // downsample // tile_width, period_px[1] // downsample // tile_height, stride
    out = {}
    for tag, (kind, count, at) in entries.items():
        length = BYTES_OF_TYPE[kind] * count
        out[tag] = (kind, count, data[at:at + length] if length <= 4 else struct.pack("<I", at))
    out[WIDTH], out[LENGTH] = (LONG, 1, struct.pack("<I", width)), (LONG, 1, struct.pack("<I", height))
    for tag in (TILE_OFFSETS, TILE_BYTES):
        table = repeated(numbers(data, entries[tag]), columns, rows, period)
        out[tag] = (LONG, len(table), struct.pack("<I", appender.add(struct.pack(f"<{len(table)}I", *table))))
    return out


def write(source, out, width, height):
    data = pathlib.Path(source).read_bytes()
    assert data[:4] == b"II*\0", "a little-endian TIFF"
    levels = levels_of(data)
    coarsest = max(downsample for _, downsample in levels)
    period_px = [numbers(data, levels[0][0][side])[0] for side in (WIDTH, LENGTH)]
    for axis, tag in enumerate((TILE_WIDTH, TILE_LENGTH)):
        step = coarsest * max(numbers(data, entries[tag])[0] for entries, _ in levels)
        period_px[axis] -= period_px[axis] % step
        assert period_px[axis] > 0, "the slide is too small to be repeated"
    appender = Appender(data)
    link = 4
    for level in levels:
        at, next_link = appender.add_directory(
            level_entries(appender, data, level, (width, height), period_px))
        struct.pack_into("<I", appender.data, link, at)
        link = next_link
    pathlib.Path(out).write_bytes(appender.data)
    return pathlib.Path(out)


if __name__ == "__main__":
    write(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
