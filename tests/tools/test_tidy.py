"""Goal: each rule finds what it forbids, says where, and lets clean text and the escape pass."""
import pytest
import tidy

HEAD = "/* SPDX-License-Identifier: Apache-2.0 */\n/* What it is for. */\n"
BUILD = {"src/a/meson.build": "lib = static_library('a', 'x.c', 'sql/get_x.sql')\n"}


def problems(tree, files):
    return tidy.check(tree({**BUILD, **files}))


def test_clean_files_pass(tree):
    assert problems(tree, {
        "src/a/x.c": HEAD + 'int x(void);\n/* free (of charge) and time (a noun) are words here */\n'
                            'const char *y = "malloc(3)";\nvoid z(void) { queue->free(queue); }\n',
        "src/a/x.h": HEAD + "#pragma once\n",
        "src/a/sql/get_x.sql": "SELECT 1\n",
        "README.md": "# Title\n",
    }) == []


@pytest.mark.parametrize("call, instead", [
    ("strcpy(a, b)", "buffer_string"), ("sprintf(a, b)", "snprintf"), ("atoi(a)", "parse_int64"),
    ("malloc(1)", "alloc_array"), ("calloc(1, 1)", "alloc_zeroed"), ("realloc(a, 1)", "alloc_resize"),
    ("strdup(a)", "alloc_string"), ("free(a)", "alloc_free"), ("getenv(a)", "Setting"),
    ("time(NULL)", "clock_now_us"), ("fork()", "posix_spawn"), ("system(a)", "posix_spawn"),
    ("popen(a, b)", "posix_spawn"), ("printf(a)", "log_event"),
])
def test_banned_calls_are_found_with_their_replacement(tree, call, instead):
    found = problems(tree, {"src/a/x.c": HEAD + "\n" + call + ";\n"})
    assert len(found) == 1 and found[0].startswith("src/a/x.c:4: ") and instead in found[0]


def test_a_reason_excuses_its_line_and_only_that(tree):
    text = HEAD + "free(a); /* tidy: allow a library gave it */\nfree(b);\nfree(c); /* tidy: allow */\n"
    assert [line.split(":")[1] for line in problems(tree, {"src/a/x.c": text})] == ["4", "5"]


@pytest.mark.parametrize("expression", ["now()", "CLOCK_TIMESTAMP()", "current_timestamp"])
def test_sql_takes_the_time_from_the_one_function(tree, expression):
    found = problems(tree, {"src/a/sql/get_x.sql": f"-- now() in a comment\nSELECT {expression}\n"})
    assert len(found) == 1 and found[0].startswith("src/a/sql/get_x.sql:2: ")
    assert problems(tree, {"src/a/sql/get_x.sql": "SELECT platform_now()\n"}) == []


def test_printing_is_allowed_where_it_is_the_interface(tree):
    assert problems(tree, {"programs/p/main.c": HEAD + "printf(a);\n",
                           "programs/p/meson.build": "executable('p', 'main.c')\n"}) == []


@pytest.mark.parametrize("word", ["TO" + "DO", "FIX" + "ME", "XX" + "X"])
def test_unfinished_work_is_found(tree, word):
    assert problems(tree, {"a.py": f"# {word}: more\n"}) == [
        "a.py:1: unfinished work: do it, or open an issue"]


@pytest.mark.parametrize("text", [
    "like At" + "las, the product", "cd ../shar" + "ed/design", "see /work/ma" + "in/x",
    "pip install from py" + "pi.org", "by Aigno" + "stics",
])
def test_what_is_not_ours_is_found(tree, text):
    assert len(problems(tree, {"a.md": f"# T\n{text}\n"})) == 1


def test_a_field_name_of_the_contract_may_stand(tree):
    assert problems(tree, {"a.md": "# T\naigno" + "stics_bucket_name\n"}) == []


@pytest.mark.parametrize("text, problem", [
    ("/* SPDX-License-Identifier: Apache-2.0 */\n#pragma once\n", "no header comment"),
    ("/* What. */\n/* More. */\n#pragma once\n", "not the SPDX line"),
    (HEAD, "no #pragma once"),
    (HEAD + "#pragma once\nint " + "x" * 100 + ";\n", "105 columns"),
    (HEAD + "#pragma once\n" + "\n" * 600, "603 lines"),
    (HEAD + "#pragma once\nint x; \n", "white space"),
    (HEAD + "#pragma once", "no line break at the end"),
])
def test_the_form_of_a_header_is_checked(tree, text, problem):
    found = problems(tree, {"src/a/x.h": text})
    assert len(found) == 1 and problem in found[0]


def test_a_large_binary_is_found_and_a_small_one_is_not(tree):
    found = problems(tree, {"small.png": b"\0" * 200 * 1024, "large.png": b"\0" * (200 * 1024 + 1)})
    assert len(found) == 1 and found[0].startswith("large.png")


def test_markdown_without_a_title_is_found(tree):
    assert problems(tree, {"a.md": "Some text\n"}) == ["a.md:1: no title (# …) at the top"]


def test_a_file_that_no_build_names_is_found(tree):
    assert problems(tree, {"src/a/y.c": HEAD, "src/a/sql/get_y.sql": "SELECT 1\n"}) == [
        "src/a/sql/get_y.sql: no build names it (src/a/meson.build)",
        "src/a/y.c: no build names it (src/a/meson.build)"]
