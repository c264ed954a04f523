#!/usr/bin/env python3
"""Compares docs/cli.md with what `slideway help` and `slideway COMMAND --help` print.

usage: tools/cli_help.py PROGRAM PAGE [--write]

Each command of the overview has one block of code on the page that begins with its usage line and
holds its help, word for word; so has the overview. With --write the blocks are brought up to date;
a command that has no block gets one at the end.
"""
import pathlib
import re
import subprocess
import sys

BLOCK = re.compile(r"^```text\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^  ([a-z]+(?: [a-z]+)?)  +\S", re.MULTILINE)


def ask(program, *arguments):
    return subprocess.run([program, *arguments], check=True, capture_output=True, text=True).stdout


def helps(program):
    """Title → text of the overview ("") and of every command that it lists."""
    overview = ask(program, "help")
    commands = COMMAND.findall(overview.partition("exit codes:")[0])
    if not commands:
        raise SystemExit(f"cli_help: {program} lists no commands")
    return {"": overview, **{name: ask(program, *name.split(), "--help") for name in commands}}


def title_of(block, titles):
    """The command that a block tells of, or None for a block of something else."""
    if block.startswith("slideway "):
        return ""
    words = block.partition("\n")[0].removeprefix("usage: slideway ")
    found = [title for title in titles if title and f"{words} ".startswith(f"{title} ")]
    return max(found, key=len) if found and block.startswith("usage: ") else None


def compare(page, expected):
    """The differences, each in words."""
    seen = {}
    for block in BLOCK.findall(page):
        title = title_of(block, expected)
        if title is None and block.startswith("usage: slideway "):
            yield f"there is no command: {block.partition(chr(10))[0]}"
        elif title is not None:
            seen[title] = block
    for title, text in expected.items():
        name = f"slideway {title} --help" if title else "slideway help"
        if title not in seen:
            yield f"the page has no block of `{name}`"
        elif seen[title] != text:
            yield f"the block of `{name}` differs"


def rewrite(page, expected):
    missing = dict(expected)

    def fresh(match):
        title = title_of(match.group(1), expected)
        if title is None:
            return match.group(0)
        missing.pop(title, None)
        return f"```text\n{expected[title]}```"
    page = BLOCK.sub(fresh, page)
    for title, text in missing.items():
        page += f"\n### slideway {title}\n\n```text\n{text}```\n"
    return page


def main():
    program, path = sys.argv[1], pathlib.Path(sys.argv[2])
    expected = helps(program)
    if "--write" in sys.argv[3:]:
        path.write_text(rewrite(path.read_text(), expected))
        return 0
    differences = list(compare(path.read_text(), expected))
    for difference in differences:
        print(f"{path}: {difference}")
    if differences:
        print("cli_help: tools/cli_help.py PROGRAM PAGE --write brings it up to date")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
