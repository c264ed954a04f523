#!/usr/bin/python3
"""Sums the tests of one or more `meson test` runs: the cases inside each cmocka and pytest program.

usage: count_tests.py BUILD_FOLDER... [--stages NAME=EXIT_STATUS...]     prints `N passed, N failed` last; exits 1 if any failed

A test that was skipped shows nothing, so skipped ones are listed by name and counted apart.
"""
import json
import pathlib
import re
import sys
import xml.etree.ElementTree

CMOCKA = re.compile(r"^\[  (PASSED|FAILED|SKIPPED) *\] (\d+) test\(s\)", re.MULTILINE)
CMOCKA_SKIPPED = re.compile(r"^\[  SKIPPED \] (?!\d+ test)(\S+)$", re.MULTILINE)
TEST_STAGES = {"test", "sanitize"}
RESULTS = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}


class Count:
    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []


def add_pytest(count, report):
    for case in xml.etree.ElementTree.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        if case.find("skipped") is not None:
            count.skipped.append(f"{name}: {case.find('skipped').get('message')}")
        elif case.find("failure") is not None or case.find("error") is not None:
            count.failed.append(name)
        else:
            count.passed += 1


def add_program(count, test, name):
    """A cmocka program says how many cases it ran; any other program counts as one test."""
    output = test.get("stdout", "") + test.get("stderr", "")
    cases = {kind: int(number) for kind, number in CMOCKA.findall(output)}
    result = RESULTS.get(test["result"], "failed")
    if result == "skipped":
        count.skipped.append(name)
        return
    count.passed += cases.get("PASSED", 0 if cases or result == "failed" else 1)
    count.skipped += [f"{name}: {case}" for case in CMOCKA_SKIPPED.findall(output)]
    if result == "failed":
        count.failed += [name] * max(1, cases.get("FAILED", 0))


def add_build(count, build):
    log = build / "meson-logs" / "testlog.json"
    if not log.exists():
        count.failed.append(f"{log} is missing: no tests ran there")
        return
    for line in log.read_text(encoding="utf-8").splitlines():
        test = json.loads(line)
        short = test["name"].rsplit(" / ", 1)[-1]
        name = f"{build.name}: {test['name']}"
        report = build / "junit" / f"{short}.xml"
        finished = RESULTS.get(test["result"], "failed")
        # A report older than this run of its program is of another run.
        if report.exists() and report.stat().st_mtime >= test["starttime"]:
            before = len(count.failed)
            add_pytest(count, report)
            if finished == "failed" and len(count.failed) == before:
                count.failed.append(name)
        else:
            add_program(count, test, name)


def add_stages(count, stages):
    """Stages of CI. One that runs tests shows in its cases; its own failure still counts, once."""
    for stage in stages:
        name, _, status = stage.rpartition("=")
        if status != "0" and not (name in TEST_STAGES and count.failed):
            count.failed.append(f"stage {name} (exit {status})")
        elif status == "0" and name not in TEST_STAGES:
            count.passed += 1


def main():
    count = Count()
    builds, _, stages = " ".join(sys.argv[1:]).partition("--stages")
    for build in builds.split():
        add_build(count, pathlib.Path(build))
    add_stages(count, stages.split())
    for name in count.failed:
        print(f"failed: {name}")
    for name in count.skipped:
        print(f"skipped, so not shown: {name}")
    if count.skipped:
        print(f"{len(count.skipped)} skipped")
    print(f"{count.passed} passed, {len(count.failed)} failed")
    sys.exit(1 if count.failed or not count.passed else 0)


if __name__ == "__main__":
    main()
