"""A small reader of Parquet and of polygons in WKB, written from their specifications and by nobody who
wrote the writer: https://github.com/apache/parquet-format (parquet.thrift, Encodings.md),
Thrift's compact protocol, OGC 06-103r4. It reads what has neither nulls nor repetitions."""
import struct
import zlib

MAGIC = b"PAR1"
INT32, INT64, FLOAT, DOUBLE, BYTE_ARRAY = 1, 2, 4, 5, 6
NUMBERS = {INT32: "<i", INT64: "<q", FLOAT: "<f", DOUBLE: "<d"}
PLAIN, RLE_DICTIONARY = 0, 8
UNCOMPRESSED, GZIP = 0, 2
DATA_PAGE, DICTIONARY_PAGE = 0, 2


class Compact:
    """Decodes structs into dictionaries: id of a field → value."""

    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7f) << shift
            if byte < 0x80:
                return value
            shift += 7

    def zigzag(self):
        value = self.varint()
        return value >> 1 if value & 1 == 0 else -(value >> 1) - 1

    def binary(self):
        length = self.varint()
        self.at += length
        return self.data[self.at - length:self.at]

    def list(self):
        head = self.byte()
        count = head >> 4 if head >> 4 < 15 else self.varint()
        return [self.value(head & 15) for _ in range(count)]

    def value(self, kind):
        if kind in (1, 2):
            return kind == 1
        return {4: self.zigzag, 5: self.zigzag, 6: self.zigzag, 8: self.binary, 9: self.list,
                12: self.struct}[kind]()

    def struct(self):
        fields, last = {}, 0
        while head := self.byte():
            last = last + (head >> 4) if head >> 4 else self.zigzag()
            fields[last] = self.value(head & 15)
        return fields


def plain(kind, data, count):
    if kind != BYTE_ARRAY:
        values = [value for (value,) in struct.iter_unpack(NUMBERS[kind], data)]
        assert len(values) == count
        return values
    values, at = [], 0
    for _ in range(count):
        (length,) = struct.unpack_from("<I", data, at)
        values.append(data[at + 4:at + 4 + length])
        at += 4 + length
    assert at == len(data)
    return values


def hybrid(data, count):
    """Runs of one value and bit-packed groups of eight; the width stands before them."""
    width, reader, values = data[0], Compact(data, 1), []
    while len(values) < count:
        head = reader.varint()
        size = (head >> 1) * width if head & 1 else (width + 7) // 8
        bits = int.from_bytes(data[reader.at:reader.at + size], "little")
        reader.at += size
        if head & 1:
            values += [bits >> (width * i) & ((1 << width) - 1) for i in range(8 * (head >> 1))]
        else:
            values += [bits] * (head >> 1)
    assert reader.at == len(data)
    return values[:count]


class ParquetFile:
    def __init__(self, path):
        self.data = path.read_bytes()
        assert self.data[:4] == self.data[-4:] == MAGIC
        (length,) = struct.unpack_from("<I", self.data, len(self.data) - 8)
        footer = Compact(self.data, len(self.data) - 8 - length)
        self.metadata = footer.struct()
        assert footer.at == len(self.data) - 8
        self.row_count, self.groups = self.metadata[3], self.metadata[4]
        self.notes = {note[1].decode(): note[2].decode() for note in self.metadata.get(5, [])}
        self.kinds, self.texts = self.leaves(iter(self.metadata[2]))
        assert sum(group[3] for group in self.groups) == self.row_count
        assert self.metadata[7] == [{1: {}}] * len(self.kinds)

    def leaves(self, elements):
        """Path of each column → its type, and the paths of texts."""
        kinds, texts = {}, set()

        def walk(parents, count):
            for _ in range(count):
                element = next(elements)
                assert element[3] == 0, "a column is not required"
                path = (*parents, element[4].decode())
                if element.get(5):
                    walk(path, element[5])
                    continue
                kinds[".".join(path)] = element[1]
                if element.get(6) == 0 and element.get(10) == {1: {}}:
                    texts.add(".".join(path))
        walk((), next(elements)[5])
        assert next(elements, None) is None
        return kinds, texts

    def page(self, at, codec):
        reader = Compact(self.data, at)
        header = reader.struct()
        body = self.data[reader.at:reader.at + header[3]]
        assert zlib.crc32(body) == header[4] & 0xffffffff
        if codec == GZIP:
            body = zlib.decompress(body, 31)
        assert len(body) == header[2]
        return header, body, reader.at + header[3]

    def chunk(self, group, index):
        """The values of one column in one row group."""
        described = self.groups[group][1][index][3]
        path = ".".join(name.decode() for name in described[3])
        kind = described[1]
        assert path == list(self.kinds)[index] and kind == self.kinds[path]
        begin = at = described.get(11, described[9])
        words, values, raw = None, [], 0
        while len(values) < described[5]:
            header, body, end = self.page(at, described[4])
            raw += end - at - header[3] + header[2]
            if header[1] == DICTIONARY_PAGE:
                words = plain(kind, body, header[7][1])
            elif header[5][2] == RLE_DICTIONARY:
                assert at == described[9] and set(described[2]) == {PLAIN, RLE_DICTIONARY}
                values += [words[number] for number in hybrid(body, header[5][1])]
            else:
                assert (header[1], header[5][2], described[2]) == (DATA_PAGE, PLAIN, [PLAIN])
                values += plain(kind, body, header[5][1])
            at = end
        assert (at - begin, raw, len(values)) == (described[7], described[6], self.groups[group][3])
        self.check_statistics(described, kind, values)
        return [value.decode() for value in values] if path in self.texts else values

    @staticmethod
    def check_statistics(described, kind, values):
        found = described[12]
        assert found[3] == 0
        if kind == BYTE_ARRAY:
            assert 5 not in found or (found[6], found[5]) == (min(values), max(values))
        else:
            limits = [struct.unpack(NUMBERS[kind], found[field])[0] for field in (6, 5)]
            assert limits == [min(values), max(values)]

    def columns(self):
        found = {path: [] for path in self.kinds}
        for group in range(len(self.groups)):
            for index, path in enumerate(self.kinds):
                found[path] += self.chunk(group, index)
        return found


def polygon(wkb):
    """The rings, each a list of positions."""
    assert struct.unpack_from("<BI", wkb) == (1, 3)
    (count,) = struct.unpack_from("<I", wkb, 5)
    rings, at = [], 9
    for _ in range(count):
        (points,) = struct.unpack_from("<I", wkb, at)
        flat = struct.unpack_from(f"<{2 * points}d", wkb, at + 4)
        rings.append([list(point) for point in zip(flat[::2], flat[1::2])])
        at += 4 + 16 * points
    assert at == len(wkb)
    return rings
