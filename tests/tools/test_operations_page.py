"""Goal: the tables of docs/operations.md cannot differ from the lists in the code. Method: small lists,
and pages with one fault each.
"""
import subprocess
import sys

import pytest
from conftest import ROOT

EVENTS = r"""#define EVENT_LIST(EVENT)          \
    EVENT(EVENT_A_DONE, "a.done", "it is done")  \
    EVENT(EVENT_B_DONE, "b.done",                \
          "a long "                              \
          "meaning")
"""
METRICS = r"""#define LABEL_LIST(LABEL)                      \
    LABEL(LABEL_NONE, "", NONE)                             \
    LABEL(LABEL_STATUS, "status", LABEL_STATUS_VALUES)
#define METRIC_LIST(METRIC)                                 \
    METRIC(METRIC_A, SERVER, COUNTER, "a_total", STATUS,    \
           NONE, "Counts a.")                               \
    METRIC(METRIC_B, WORKER, LONG_TIMES, "b_seconds", NONE, NONE, "Times of b.")
"""
SOURCE = "void f(void) { use(EVENT_A_DONE, EVENT_B_DONE, METRIC_A, METRIC_B); }\n"
PAGE = """# Page

<!-- events -->
| event | what happened |
|---|---|
| `a.done` | it is done |
| `b.done` | a long meaning |
<!-- end -->

Text.

<!-- metrics of the server -->
| metric | kind | labels | what it counts |
|---|---|---|---|
| `a_total` | counter | `status` | Counts a. |
<!-- end -->

<!-- metrics of the worker -->
| metric | kind | labels | what it counts |
|---|---|---|---|
| `b_seconds` | histogram |  | Times of b. |
<!-- end -->
"""


def check(tree, *arguments, page=PAGE, source=SOURCE):
    root = tree({"src/base/events.h": EVENTS, "src/base/metric_list.h": METRICS, "docs/operations.md": page,
                 "src/a/a.c": source, "programs/b.c": ""})
    done = subprocess.run([sys.executable, ROOT / "tools/operations_page.py", root, *arguments],
                          capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, (root / "docs/operations.md").read_text()


def test_a_page_that_agrees_passes(tree):
    assert check(tree)[:2] == (0, "")


FAULTS = {
    "a changed meaning": ("a long meaning", "a short one"),
    "a missing event": ("| `a.done` | it is done |\n", ""),
    "an event that is gone": ("| `b.done`", "| `c.done` | gone |\n| `b.done`"),
    "another kind": ("histogram", "gauge"),
    "another label": ("`status`", "`state`"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_page_that_differs_is_refused_and_written_anew(tree, fault):
    old, new = FAULTS[fault]
    assert old in PAGE
    code, out, _ = check(tree, page=PAGE.replace(old, new))
    assert code == 1 and "operations.md: its tables differ" in out
    assert check(tree, "--write", page=PAGE.replace(old, new)) == (0, "", PAGE)


def test_a_missing_table_is_refused(tree):
    code, out, _ = check(tree, page=PAGE.replace("<!-- events -->", ""))
    assert code == 1 and "metrics of the server" in out


@pytest.mark.parametrize("constant", ["EVENT_B_DONE", "METRIC_A"])
def test_what_nobody_uses_is_named(tree, constant):
    code, out, _ = check(tree, source=SOURCE.replace(constant, "0"))
    assert code == 1 and f"{constant}: it is in its list" in out
