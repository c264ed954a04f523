#!/usr/bin/python3
"""Checks that every #include "…" below src/ follows the arrows of src/LAYERS.

usage: check_layers.py [ROOT]
"""
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def read_layers(path):
    """{folder: the folders it may include from}, and what is wrong with the file itself."""
    allowed, problems = {}, []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = line.split("#", 1)[0].strip()
        if not line:
            continue
        folder, colon, targets = line.partition(":")
        if not colon or folder in allowed:
            problems.append(f"{path}:{number}: expected a new 'folder: folders', found '{line}'")
            continue
        # An arrow leads to a folder that stands further up: this keeps the picture free of circles.
        for target in targets.split():
            if target not in allowed:
                problems.append(f"{path}:{number}: '{folder}' names '{target}', which is not above it")
        allowed[folder] = set(targets.split())
    return allowed, problems


def include_problem(path, source, target, allowed, src):
    """What is wrong with `source` including `target`, or None."""
    folder, slash, _ = target.partition("/")
    if not slash:
        # Generated headers (applications_sql.h) have no folder; a real file must be named with one.
        if (path.parent / target).exists():
            return f'include it as "{path.parent.relative_to(src)}/{target}"'
        return None
    if folder == "programs" or not (folder in allowed or (src / folder).is_dir()):
        return f'unknown folder "{folder}"' if folder != "programs" else "programs are included by none"
    if folder not in allowed:
        return f"'{folder}' is not in src/LAYERS"
    if folder != source and folder not in allowed[source]:
        return f"the arrow {source} -> {folder} is not in src/LAYERS"
    return None


def check(root):
    src = root / "src"
    allowed, problems = read_layers(src / "LAYERS")
    for folder in sorted(path.name for path in src.iterdir() if path.is_dir()):
        if folder not in allowed:
            problems.append(f"src/{folder}: not in src/LAYERS")
    for path in sorted([*src.rglob("*.c"), *src.rglob("*.h")]):
        source = path.relative_to(src).parts[0]
        if source not in allowed:
            continue
        text = path.read_text(encoding="utf-8")
        for match in INCLUDE.finditer(text):
            problem = include_problem(path, source, match[1], allowed, src)
            if problem:
                line = text.count("\n", 0, match.start(1)) + 1
                problems.append(f"{path.relative_to(root)}:{line}: \"{match[1]}\": {problem}")
    return problems


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    problems = check(root)
    print("\n".join(problems) or "layers: every include follows src/LAYERS")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
