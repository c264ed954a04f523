"""Goal: the last line of CI counts cases, not programs, and nothing that failed can hide."""
import json
import os
import subprocess
import sys

from conftest import ROOT

CMOCKA_OK = "[==========] 3 test(s) run.\n[  PASSED  ] 3 test(s).\n"
CMOCKA_BAD = "[  PASSED  ] 2 test(s).\n[  FAILED  ] 1 test(s), listed below:\n[  FAILED  ] a_case\n"


def count(tree, tests, reports=None, stages=()):
    files = {"b/meson-logs/testlog.json": "".join(
        json.dumps({"stdout": "", "stderr": "", "starttime": 1.0, **test}) + "\n" for test in tests)}
    files.update({f"b/junit/{name}.xml": text for name, text in (reports or {}).items()})
    root = tree(files)
    result = subprocess.run([sys.executable, ROOT / "tools/count_tests.py", root / "b", "--stages", *stages],
                            capture_output=True, text=True, check=False)
    return result.returncode, result.stdout.splitlines()


def test_cases_of_cmocka_are_summed(tree):
    assert count(tree, [{"name": "a", "result": "OK", "stderr": CMOCKA_OK},
                        {"name": "b", "result": "OK"}]) == (0, ["4 passed, 0 failed"])


def test_a_failed_case_and_a_crash_count_as_failed(tree):
    code, lines = count(tree, [{"name": "a", "result": "FAIL", "stderr": CMOCKA_BAD},
                               {"name": "b", "result": "ERROR", "stdout": "[ RUN ] x"},
                               {"name": "c", "result": "TIMEOUT"}])
    assert (code, lines[-1]) == (1, "2 passed, 3 failed")


def test_a_report_of_pytest_is_read_and_skipped_tests_are_named(tree):
    report = ('<testsuites><testsuite><testcase classname="m" name="x"/>'
              '<testcase classname="m" name="y"><skipped message="no data"/></testcase>'
              '</testsuite></testsuites>')
    code, lines = count(tree, [{"name": "p", "result": "OK"}], {"p": report})
    assert (code, lines) == (0, ["skipped, so not shown: m::y: no data", "1 skipped",
                                 "1 passed, 0 failed"])


def test_a_report_of_an_earlier_run_does_not_count(tree):
    report = '<testsuites><testsuite><testcase classname="m" name="x"/></testsuite></testsuites>'
    code, lines = count(tree, [{"name": "p", "result": "ERROR", "starttime": 4e9}], {"p": report})
    assert (code, lines[-1]) == (1, "0 passed, 1 failed")


def test_no_log_and_no_test_are_failures(tree):
    assert count(tree, [])[0] == 1
    missing = subprocess.run([sys.executable, ROOT / "tools/count_tests.py", os.devnull + "/x"],
                             capture_output=True, text=True, check=False)
    assert missing.returncode == 1 and "no tests ran there" in missing.stdout


def test_stages_count_once_and_a_failed_one_never_hides(tree):
    ok = [{"name": "a", "result": "OK"}]
    assert count(tree, ok, stages=["test=0", "lint=0"]) == (0, ["2 passed, 0 failed"])
    assert count(tree, ok, stages=["test=124", "lint=1"])[1][-1] == "1 passed, 2 failed"
    bad = [{"name": "a", "result": "FAIL"}]
    assert count(tree, bad, stages=["test=1"])[1][-1] == "0 passed, 1 failed"
