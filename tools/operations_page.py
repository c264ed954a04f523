#!/usr/bin/env python3
"""Compares the tables of docs/operations.md with the lists that the programs are compiled from.

usage: tools/operations_page.py ROOT [--write]

It also names an event or a metric that no program uses. The tables of events and of metrics stand between two comments, <!-- events --> and <!-- end -->,
<!-- metrics of the server --> and <!-- end -->, and so on. With --write they are brought up to date.
"""
import pathlib
import re
import sys

# A string literal, and the pieces that the compiler puts together.
LITERALS = r'((?:"(?:[^"\\]|\\.)*"\s*)+)'
EVENT = re.compile(r"EVENT\((EVENT_\w+),\s*" + LITERALS + r",\s*" + LITERALS + r"\)")
METRIC = re.compile(r"METRIC\((METRIC_\w+),\s*(\w+),\s*(\w+),\s*" + LITERALS
                    + r",\s*(\w+),\s*(\w+),\s*" + LITERALS + r"\)")
LABEL = re.compile(r"LABEL\(LABEL_(\w+),\s*" + LITERALS)
BLOCK = re.compile(r"(<!-- (events|metrics of the (?:server|worker)) -->\n).*?(<!-- end -->\n)", re.DOTALL)
KINDS = {"COUNTER": "counter", "GAUGE": "gauge", "SAMPLED": "gauge", "TIMES": "histogram",
         "LONG_TIMES": "histogram"}


def text_of(literals):
    return "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', literals))


def list_of(path):
    """The header with its lines joined."""
    return path.read_text(encoding="utf-8").replace("\\\n", " ")


def table(head, rows):
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows]) + "\n"


def events(root):
    found = EVENT.findall(list_of(root / "src/base/events.h"))
    return table(("event", "what happened"),
                 [(f"`{text_of(name)}`", text_of(meaning)) for _, name, meaning in found])


def metrics(root, program):
    source = list_of(root / "src/base/metric_list.h")
    labels = {constant: text_of(name) for constant, name in LABEL.findall(source)}
    rows = []
    for _, of, kind, name, first, second, meaning in METRIC.findall(source):
        if of == program:
            named = ", ".join(f"`{labels[label]}`" for label in (first, second) if label != "NONE")
            rows.append((f"`{text_of(name)}`", KINDS[kind], named, text_of(meaning)))
    return table(("metric", "kind", "labels", "what it counts"), rows)


def tables(root):
    return {"events": events(root), "metrics of the server": metrics(root, "SERVER"),
            "metrics of the worker": metrics(root, "WORKER")}


def unused(root):
    """The constants of the two lists that no program names."""
    sources = " ".join(path.read_text(encoding="utf-8") for folder in ("src", "programs")
                       for path in sorted((root / folder).rglob("*.c")))
    constants = [found[0] for found in EVENT.findall(list_of(root / "src/base/events.h"))
                 + METRIC.findall(list_of(root / "src/base/metric_list.h"))]
    return [constant for constant in constants if not re.search(rf"\b{constant}\b", sources)]


def main():
    root = pathlib.Path(sys.argv[1])
    page = root / "docs/operations.md"
    text = page.read_text(encoding="utf-8")
    expected = tables(root)
    found = [match[1] for match in BLOCK.findall(text)]
    if sorted(found) != sorted(expected):
        print(f"{page}: it has the tables {found}, expected {list(expected)}")
        return 1
    fresh = BLOCK.sub(lambda match: match[1] + expected[match[2]] + match[3], text)
    left = unused(root)
    for constant in left:
        print(f"{constant}: it is in its list, and no program uses it")
    if fresh == text:
        return 1 if left else 0
    if "--write" in sys.argv[2:]:
        page.write_text(fresh, encoding="utf-8")
        return 1 if left else 0
    print(f"{page}: its tables differ from src/base/events.h and src/base/metric_list.h; "
          "tools/operations_page.py . --write brings them up to date")
    return 1


if __name__ == "__main__":
    sys.exit(main())
