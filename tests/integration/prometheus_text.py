"""A strict reader of Prometheus' text format 0.0.4, written from its description
(https://prometheus.io/docs/instrumenting/exposition_formats/): it refuses what a lenient one lets
pass, and checks what a scraper cannot.
"""
import math
import re

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)\Z")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(,|\Z)')
ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}
UNITS = ("_seconds", "_bytes", "_seconds_total", "_bytes_total")


class Refused(ValueError):
    """The text is not in the format."""


def expect(true, words, line):
    if not true:
        raise Refused(f"{words}: {line!r}")


def read_labels(text, line):
    labels, at = {}, 0
    while text is not None and at < len(text):
        match = LABEL.match(text, at)
        expect(match, "labels", line)
        expect(match[1] not in labels, "a label that comes twice", line)
        labels[match[1]] = re.sub(r'\\[\\"n]', lambda escape: ESCAPES[escape[0]], match[2])
        at = match.end()
        expect(match[3] != "," or at < len(text), "a comma at the end", line)
    return labels


class Family:
    def __init__(self, name, kind):
        self.name, self.kind = name, kind
        self.samples = {}  # (suffix, labels in order) -> number

    def add(self, suffix, labels, number, line):
        key = (suffix, tuple(sorted(labels.items())))
        expect(key not in self.samples, "a sample that comes twice", line)
        expect(self.kind == "gauge" or number >= 0, "a negative count", line)
        self.samples[key] = number

    def series(self):
        """Of a histogram: labels without le -> ([(bound, count)], sum, count)."""
        found = {}
        for (suffix, labels), number in self.samples.items():
            bound = dict(labels).get("le")
            rest = tuple(pair for pair in labels if pair[0] != "le")
            buckets, totals = found.setdefault(rest, ([], {}))
            if suffix == "_bucket":
                buckets.append((math.inf if bound == "+Inf" else float(bound), number))
            else:
                totals[suffix] = number
        return {labels: (buckets, totals["_sum"], totals["_count"])
                for labels, (buckets, totals) in found.items()}

    def check(self):
        expect(NAME.match(self.name), "name", self.name)
        expect((self.kind == "counter") == self.name.endswith("_total"), "_total", self.name)
        if self.kind != "histogram":
            return
        expect(self.name.endswith(UNITS), "a unit", self.name)
        for buckets, total, count in self.series().values():
            bounds, counts = zip(*buckets)
            expect(list(bounds) == sorted(set(bounds)) and bounds[-1] == math.inf, "bounds", self.name)
            expect(list(counts) == sorted(counts) and counts[-1] == count, "buckets", self.name)
            expect(count > 0 or total == 0, "a sum of nothing", self.name)


def suffix_of(name, family, line):
    if family.kind != "histogram":
        expect(name == family.name, "a sample of another metric", line)
        return ""
    suffix = name[len(family.name):]
    expect(name.startswith(family.name) and suffix in ("_bucket", "_sum", "_count"),
           "a sample of another metric", line)
    return suffix


def parse(text):
    """name -> Family; every family has its HELP and TYPE, in this order, before its samples."""
    families, family, help_name = {}, None, None
    expect(text.endswith("\n"), "the last line has no end", text[-80:])
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            help_name = line.split(" ")[2]
            expect(help_name not in families and len(line.split(" ")) > 3, "HELP", line)
            family = None
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            expect(name == help_name and name not in families, "TYPE", line)
            expect(kind in ("counter", "gauge", "histogram"), "kind", line)
            family = families[name] = Family(name, kind)
        else:
            match = SAMPLE.match(line)
            expect(match and family, "line", line)
            suffix = suffix_of(match[1], family, line)
            labels = read_labels(match[2], line)
            expect(("le" in labels) == (suffix == "_bucket"), "le", line)
            expect(all(LABEL_NAME.match(label) for label in labels), "label", line)
            family.add(suffix, labels, float(match[3]), line)
    for one in families.values():
        one.check()
    return families
