"""Goal: the page on the command line cannot differ from the program. Method: a program whose help
is files, and pages with one fault each.
"""
import subprocess
import sys

import pytest
from conftest import ROOT

OVERVIEW = "slideway 1: a platform\n\n  run list      list runs\n  up            run it\n\nexit codes:\n  0  done\n"
PROGRAM = f"""#!/bin/sh
case "$*" in
help) printf '{OVERVIEW}' ;;
"run list --help") printf 'usage: slideway run list [OPTION]...\\n\\nlist runs\\n' ;;
"up --help") printf 'usage: slideway up [OPTION]...\\n\\nrun it\\n' ;;
*) exit 2 ;;
esac
"""
PAGE = f"""# Page

```text
{OVERVIEW}```

```text
usage: slideway up [OPTION]...

run it
```

```text
something else
```

```text
usage: slideway run list [OPTION]...

list runs
```
"""


def check(tree, page, *arguments):
    root = tree({"slideway": PROGRAM, "page.md": page})
    (root / "slideway").chmod(0o755)
    done = subprocess.run([sys.executable, ROOT / "tools/cli_help.py", root / "slideway",
                           root / "page.md", *arguments],
                          capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, (root / "page.md").read_text()


def test_a_page_that_agrees_passes(tree):
    assert check(tree, PAGE)[:2] == (0, "")


FAULTS = {
    "a changed word": (("run it\n", "runs it\n"), "the block of `slideway up --help` differs"),
    "a missing command": (("usage: slideway up ", "usage: other up "),
                          "no block of `slideway up --help`"),
    "a command that is gone": (("something else", "usage: slideway fly [OPTION]..."),
                               "no command: usage: slideway fly"),
    "a changed overview": (("  0  done", "  0  ended"), "the block of `slideway help` differs"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_page_that_differs_is_named(tree, fault):
    (old, new), words = FAULTS[fault]
    assert old in PAGE
    code, out, _ = check(tree, PAGE.replace(old, new))
    assert code == 1 and words in out


def test_write_makes_it_agree_and_keeps_the_rest(tree):
    code, _, page = check(tree, PAGE.replace("run it\n", "runs it\n"), "--write")
    assert (code, page) == (0, PAGE)
