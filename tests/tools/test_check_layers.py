"""Goal: each way to break the arrows is found, and a tree that keeps them passes."""
import check_layers

LAYERS = "base:\njson: base\nhttp: base json\n"
FOLDERS = {"src/base/a.h": "", "src/json/b.h": "", "src/http/c.h": ""}


def problems(tree, files, layers=LAYERS):
    return check_layers.check(tree({"src/LAYERS": layers, **FOLDERS, **files}))


def test_allowed_arrows_and_own_headers_pass(tree):
    assert problems(tree, {
        "src/http/x.c": '#include "http/c.h"\n#include <stdio.h>\n#include "json/b.h"\n'
                        '#include "things_sql.h"\n',
    }) == []


def test_an_arrow_back_is_found_with_its_line(tree):
    found = problems(tree, {"src/base/x.c": '#include <stdio.h>\n#include "http/c.h"\n'})
    assert found == ['src/base/x.c:2: "http/c.h": the arrow base -> http is not in src/LAYERS']


def test_an_include_of_a_program_is_found(tree):
    assert "programs are included by none" in problems(
        tree, {"src/http/x.c": '#include "programs/main.h"\n'})[0]


def test_an_include_of_an_unknown_folder_is_found(tree):
    assert 'unknown folder "nowhere"' in problems(
        tree, {"src/http/x.c": '#include "nowhere/x.h"\n'})[0]


def test_a_folder_that_layers_does_not_name_is_found(tree):
    assert problems(tree, {"src/extra/x.c": ""}) == ["src/extra: not in src/LAYERS"]


def test_a_header_without_its_folder_is_found(tree):
    assert 'include it as "http/c.h"' in problems(tree, {"src/http/x.c": '#include "c.h"\n'})[0]


def test_a_circle_in_layers_is_found(tree):
    found = problems(tree, {}, layers="base: json\njson: base\nhttp:\n")
    assert len(found) == 1 and "'base' names 'json', which is not above it" in found[0]
