#!/usr/bin/python3
"""Rules of STYLE.md that no compiler checks. A line is excused by `tidy: allow REASON` in a comment.

usage: tidy.py [ROOT]     the files that git tracks or would add
"""
import pathlib
import re
import subprocess
import sys

ESCAPE = re.compile(r"tidy: allow \w+")
LINES_MAX = 600
COLUMNS_MAX = 100
BINARY_BYTES_MAX = 200 * 1024
CODE = {".c", ".h", ".py", ".sh", ".sql", ".js", ".mjs"}

# call -> what to use instead; a call is the bare name before an opening parenthesis.
BANNED = {
    "strcpy": "buffer_string or snprintf",
    "strcat": "buffer_string",
    "sprintf": "snprintf or buffer_format",
    "vsprintf": "vsnprintf",
    "gets": "fgets",
    "strtok": "text_split",
    "atoi": "parse_int64",
    "atol": "parse_int64",
    "atoll": "parse_int64",
    "atof": "parse_double",
    "malloc": "alloc_array",
    "calloc": "alloc_zeroed",
    "realloc": "alloc_resize",
    "strdup": "alloc_string",
    "strndup": "alloc_format",
    "asprintf": "alloc_format",
    "free": "alloc_free or AUTO_FREE",
    "getenv": "a Setting",
    "secure_getenv": "a Setting",
    "time": "clock_now_us",
    "gettimeofday": "clock_now_us",
    "fork": "posix_spawn",
    "vfork": "posix_spawn",
    "system": "posix_spawn",
    "popen": "posix_spawn",
    "rand": "clock_random_bytes",
    "random": "clock_random_bytes",
    "alloca": "the arena",
}
# What a program prints on its standard output is its interface: only these folders do.
PRINTING = ("programs/", "src/cli/", "src/exchange/", "src/up/", "tests/")
PRINTED = {"printf": "log_event", "puts": "log_event", "putchar": "log_event"}
# base/ is where the replacements live.
HOME_OF_REPLACEMENTS = {
    "src/base/alloc.c": {"malloc", "calloc", "realloc", "free"},
    "src/base/clock.c": {"time"},
    "src/base/settings.c": {"getenv", "secure_getenv"},
}

# Assembled from pieces so that this file does not contain what it looks for.
UNFINISHED = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b")
# Here the clients of others are used under their own names.
CLIENT_PLACES = ("tests/conformance/", "docs/clients.md")
# No product of another firm, no address outside the repository, no package registry.
FOREIGN = [
    (re.compile(r"\bAt" + r"las\b(?! of\b)"), "names another firm's product"),
    (re.compile(r"(?i)aigno" + r"stics(?!_[a-z])"), "names another firm"),
    (re.compile(r"(\.\./|/work/|\b)shar" + r"ed/(contract|design|data|hooks|tools)"), "names a path outside the repository"),
    (re.compile(r"/work/(main|wt-|PLAN|land)"), "names a path of one machine"),
    (re.compile(r"(?i)\b(pypi\.org|registry\.npmjs\.org|deb\.debian\.org|crates\.io|proxy\.golang\.org)\b"),
     "names a registry host"),
]

# All SQL takes the time from one function, which a test can shift.
SQL_CLOCK = re.compile(r"(?i)\b(now|clock_timestamp|statement_timestamp|transaction_timestamp)\(\)"
                       r"|\b(current_timestamp|current_date|localtimestamp)\b")


def strip_c(text):
    """C without its comments and the contents of its literals; line breaks stay where they are."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)

    def blank(match):
        kept = "\n" * match[0].count("\n")
        return '""' + kept if match[0][0] in "\"'" else " " + kept

    return pattern.sub(blank, text)


def escaped(line):
    return bool(ESCAPE.search(line))


def banned_in(name):
    banned = dict(BANNED)
    if not name.startswith(PRINTING):
        banned.update(PRINTED)
    for call in HOME_OF_REPLACEMENTS.get(name, ()):
        banned.pop(call, None)
    return banned


def check_c(name, text):
    lines = text.split("\n")
    if lines[0] != "/* SPDX-License-Identifier: Apache-2.0 */":
        yield 1, "the first line is not the SPDX line"
    if not re.match(r"/\* ?\S|/\*$", lines[1] if len(lines) > 1 else ""):
        yield 2, "no header comment that says what the file is for"
    if name.endswith(".h") and "#pragma once" not in lines:
        yield 1, "no #pragma once"
    if re.match(r"(src|programs)/", name) and len(lines) - 1 > LINES_MAX:
        yield 1, f"{len(lines) - 1} lines, at most {LINES_MAX}"
    banned = banned_in(name)
    calls = re.compile(r"(?<![\w.>])(" + "|".join(banned) + r")\s*\(")
    for number, code in enumerate(strip_c(text).split("\n"), 1):
        for match in calls.finditer(code):
            if number <= len(lines) and not escaped(lines[number - 1]):
                yield number, f"{match[1]}: use {banned[match[1]]}"


def check_lines(name, text):
    suffix = pathlib.PurePath(name).suffix
    for number, line in enumerate(text.split("\n"), 1):
        if escaped(line):
            continue
        if suffix == ".sql" and name.startswith("src/") and SQL_CLOCK.search(line.split("--")[0]):
            yield number, "takes the time from PostgreSQL: use platform_now()"
        if UNFINISHED.search(line):
            yield number, "unfinished work: do it, or open an issue"
        for pattern, problem in FOREIGN:
            if pattern.search(line) and not (name.startswith(CLIENT_PLACES) and "firm" in problem):
                yield number, problem
        if suffix in {".c", ".h"} and len(line) > COLUMNS_MAX:
            yield number, f"{len(line)} columns, at most {COLUMNS_MAX}"
        if line != line.rstrip() and suffix in CODE | {".md", ".build"}:
            yield number, "white space at the end"


def check_markdown(text):
    first = next((line for line in text.split("\n") if line.strip()), "")
    if not first.startswith("# "):
        yield 1, "no title (# …) at the top"


def check_file(root, name):
    path = root / name
    content = path.read_bytes()
    if b"\0" in content[:8192]:
        if len(content) > BINARY_BYTES_MAX:
            yield 0, f"a binary of {len(content) // 1024} KB, at most {BINARY_BYTES_MAX // 1024}"
        return
    text = content.decode("utf-8", errors="replace")
    if "\ufffd" in text:
        yield 0, "not UTF-8"
    if content and not content.endswith(b"\n"):
        yield text.count("\n") + 1, "no line break at the end"
    if path.suffix in {".c", ".h"}:
        yield from check_c(name, text)
    if path.suffix == ".md":
        yield from check_markdown(text)
    if name != "LICENSE":
        yield from check_lines(name, text)


def unbuilt(root, names):
    """.c and .sql files that no meson.build names (migrations are taken as a whole folder)."""
    for name in names:
        path = pathlib.PurePath(name)
        if path.suffix not in {".c", ".sql"} or not name.startswith(("src/", "programs/", "tests/unit/")):
            continue
        for folder in path.parents:
            build = root / folder / "meson.build"
            if build.exists():
                break
        else:
            continue
        text = build.read_text(encoding="utf-8")
        accepted = {str(path.relative_to(folder)), path.name}
        if name.startswith("tests/unit/"):  # a loop over stems adds the test_ and the .c
            accepted.add(path.stem.removeprefix("test_"))
        if not any(f"'{word}'" in text for word in accepted):
            yield name, f"no build names it ({build.relative_to(root)})"


def tracked(root):
    listing = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if listing.returncode == 0:
        names = sorted(set(listing.stdout.decode().split("\0")) - {""})
    else:  # a release archive has no .git
        names = sorted(str(path.relative_to(root)) for path in root.rglob("*")
                       if path.is_file() and not str(path.relative_to(root)).startswith("build"))
    return [name for name in names if (root / name).is_file()]


def check(root):
    names = tracked(root)
    problems = [f"{name}:{line}: {problem}" for name in names
                for line, problem in check_file(root, name)]
    return problems + [f"{name}: {problem}" for name, problem in unbuilt(root, names)]


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    problems = check(root.resolve())
    print("\n".join(problems) or "tidy: nothing to say")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
