"""The client commands against a real server and worker: what a person or a script types, the files
that come of it, and the exit codes that docs/cli.md promises.
"""
import contextlib
import http.server
import json
import os
import pathlib
import pty
import select
import shutil
import signal
import subprocess
import threading
import time

import pytest
import requests

import harness
import slide_files

DONE, FAILED, INVALID, REFUSED, NOT_WRITABLE, INTERRUPTED = 0, 1, 2, 3, 6, 130
SECONDS_MAX = harness.END_SECONDS
NO_RUN = "01a20d6c-4cb8-7d22-90cf-9fa3d529f45a"
LUNG = {"disease": "LUNG_CANCER", "tissue": "LUNG"}
TEST_APP_FILES = [
    "tissue_qc_csv_class_information.csv", "tissue_qc_geojson_polygons.json",
    "tissue_qc_segmentation_map_image.tiff", "tissue_segmentation_csv_class_information.csv",
    "tissue_segmentation_geojson_polygons.json", "tissue_segmentation_segmentation_map_image.tiff",
]


class Caller:
    """A person at a shell: the commands with a token and an address in the environment."""

    def __init__(self, platform, user="ada", organization="hospital", token=None):
        self.platform = platform
        self.api = platform.client(user, organization)
        self.environment = harness.bare_environment(
            SLIDEWAY_URL=platform.api_url,
            SLIDEWAY_TOKEN=token or platform.issuer.token(user, organization))

    def arguments(self, arguments):
        return [harness.program("slideway"), *map(str, arguments)]

    def __call__(self, *arguments, code=DONE, cwd="/", **environment):
        done = subprocess.run(self.arguments(arguments), capture_output=True, text=True, cwd=cwd,
                              env={**self.environment, **environment}, timeout=SECONDS_MAX, check=False)
        assert done.returncode == code, f"{arguments}: {done.returncode} {done.stdout}{done.stderr}"
        return done

    def json(self, *arguments, **options):
        return json.loads(self(*arguments, "--json", **options).stdout)

    def start(self, *arguments, **pipes):
        return subprocess.Popen(self.arguments(arguments), text=True, env=self.environment, **pipes)


@pytest.fixture
def ada(shared_platform):
    return Caller(shared_platform)


@pytest.fixture(scope="module")
def he_tme(shared_platform):
    shared_platform.register("he-tme")
    shared_platform.register(harness.application_folder("he-tme", "1.0.0"))
    return "he-tme"


@pytest.fixture(scope="module")
def finished(shared_platform, slide):
    """A run of one slide that succeeded; nobody changes it."""
    return Caller(shared_platform).json("run", "submit", "test-app", slide, "--wait")["run_id"]


@pytest.fixture
def waiting(platform, slide):
    """A caller, and a run that no worker takes."""
    caller = Caller(platform)
    return caller, caller.json("run", "submit", "test-app", slide)["run_id"]


# Submitting

def input_of(caller, run_id):
    (item,) = caller.api.items(run_id)
    (artifact,) = item["input_artifacts"]
    return artifact


def facts_of(slide):
    """What the fixture of the slide was made with."""
    return {"checksum_base64_crc32c": harness.crc32c(slide.read_bytes()), "width_px": 512,
            "height_px": 512, "resolution_mpp": 0.5, "media_type": "image/tiff"}


def test_a_file_is_uploaded_and_described_by_what_it_says_itself(ada, slide):
    run = ada.json("run", "submit", "test-app", slide, "--wait")
    assert (run["state"], run["output"]) == ("TERMINATED", "FULL")
    assert [item["external_id"] for item in run["items"]] == ["slide.tiff"]
    artifact = input_of(ada, run["run_id"])
    assert artifact["name"] == "whole_slide_image"
    assert artifact["metadata"] == facts_of(slide)
    stored = requests.get(artifact["download_url"], timeout=30)
    assert stored.content == slide.read_bytes()


def test_dicom_and_its_archive_are_described_like_a_tiff(ada, tmp_path):
    image = slide_files.picture(150, 100)
    dicom = slide_files.dicom_of(tmp_path / "slide.dcm", image)
    archive = slide_files.write_zip(tmp_path / "slide.zip", [("1", dicom.read_bytes())])
    run = ada.json("run", "submit", "test-app", dicom, archive, "--wait")
    assert (run["state"], run["output"]) == ("TERMINATED", "FULL")
    found = {item["external_id"]: item["input_artifacts"][0]["metadata"]
             for item in ada.api.items(run["run_id"])}
    for path, media_type in ((dicom, "application/dicom"), (archive, "application/zip")):
        assert found[path.name] == {
            "checksum_base64_crc32c": harness.crc32c(path.read_bytes()), "width_px": 150,
            "height_px": 100, "resolution_mpp": slide_files.MPP, "media_type": media_type}
    archive.unlink()
    refused = ada("run", "submit", "test-app", tmp_path, code=INVALID)
    assert "is a folder: put its files into a zip archive" in refused.stderr


METADATA = {
    "test-app asks for no stain": ("test-app", {}, {}),
    "he-tme gets H&E and an unknown specimen":
        ("he-tme", {}, {"staining_method": "H&E", "specimen": {"disease": "OTHER", "tissue": "OTHER"}}),
    "the caller knows the specimen":
        ("he-tme", {"specimen": LUNG}, {"staining_method": "H&E", "specimen": LUNG}),
    "the caller overrules the file": ("test-app", {"resolution_mpp": 0.25}, {"resolution_mpp": 0.25}),
}


@pytest.mark.parametrize("case", METADATA)
def test_metadata_follows_the_schema_of_the_application(ada, he_tme, slide, folder, case):
    application, given, expected = METADATA[case]
    (folder / "given.json").write_text(json.dumps(given))
    for metadata in (json.dumps(given), f"@{folder / 'given.json'}"):
        run_id = ada.json("run", "submit", application, slide, "--metadata", metadata)["run_id"]
        assert input_of(ada, run_id)["metadata"] == {**facts_of(slide), **expected}
        ada.api.post(f"/runs/{run_id}/cancel")  # so that the next tests need not wait for it


def test_an_address_is_read_by_the_worker_and_a_bad_slide_fails_alone(ada, slide, slide_host):
    shutil.copy(slide, slide_host.folder / "far.tiff")
    address = f"{slide_host.url}/far.tiff?key=secret"
    right = {"checksum_base64_crc32c": harness.crc32c(slide.read_bytes())}
    wrong = {"checksum_base64_crc32c": "AAAAAA=="}
    metadata = json.dumps([right, wrong, {}, {}])
    done = ada("run", "submit", "test-app", address, address, slide, slide, "--metadata", metadata,
               "--wait", code=FAILED)
    lines = done.stdout.splitlines()
    assert "far.tiff SUCCEEDED" in lines and "slide.tiff SUCCEEDED" in lines
    assert "4-slide.tiff SUCCEEDED" in lines
    (bad,) = [line for line in lines if line.startswith("2-far.tiff USER_ERROR: ")]
    assert "checksum" in bad.lower()
    assert lines[-1].endswith(": ALL_ITEMS_PROCESSED, 3 of 4 items succeeded")
    assert "secret" not in done.stdout + done.stderr


def test_nothing_is_uploaded_for_a_run_that_cannot_be(ada, shared_platform, slide, folder):
    bad = folder / "bad.tiff"
    bad.write_bytes(b"no slide")
    # Runs of other tests may still store their outputs.
    uploads = shared_platform.folder / "objects" / "uploads"
    before = sorted(harness.files_below(uploads))
    assert before
    done = ada("run", "submit", "test-app", slide, bad, code=INVALID)
    assert "bad.tiff" in done.stderr
    assert sorted(harness.files_below(uploads)) == before


class LossyRelay(http.server.BaseHTTPRequestHandler):
    """Passes requests on to the attribute `api_url` of the server, but loses the answers to the
    first POSTs of runs, as many as its attribute `losses` says."""

    def log_message(self, *_arguments):
        return

    def do_GET(self):
        self.relay()

    def do_POST(self):
        self.relay()

    def relay(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = requests.request(self.command, self.server.api_url + self.path, data=body, timeout=30,
                                  headers=dict(self.headers))
        if self.command == "POST" and self.path.endswith("/runs") and self.server.losses > 0:
            assert answer.status_code == 201
            self.server.losses -= 1
            self.close_connection = True
            return
        self.send_response(answer.status_code)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)


def test_a_lost_answer_does_not_make_a_second_run(platform, slide):
    caller = Caller(platform)
    relay = http.server.ThreadingHTTPServer(("127.0.0.1", 0), LossyRelay)
    relay.api_url, relay.losses = platform.api_url, 2
    threading.Thread(target=relay.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{relay.server_address[1]}"
        run_id = caller.json("run", "submit", "test-app", slide, SLIDEWAY_URL=url)["run_id"]
    finally:
        relay.shutdown()
        relay.server_close()
    assert relay.losses == 0
    assert [run["run_id"] for run in caller.json("run", "list")] == [run_id]


# Refusals: words of the message and the exit code. A NAME in braces is a value of the test.

REFUSALS = {
    "no operands": (["run", "submit"], INVALID, "usage: slideway run submit"),
    "no such command": (["fly"], INVALID, "there is no command 'fly'; `slideway help` lists them"),
    "half a command": (["key", "--help"], INVALID, "there are `key add`, `key list`, `key revoke`"),
    "half a command with something else": (["run", "fly"], INVALID, "there are `run submit`, `run watch`, "),
    "no such option": (["run", "list", "--fly"], INVALID, "no option --fly"),
    "no such file": (["run", "submit", "test-app", "/nowhere.tiff"], INVALID, "/nowhere.tiff"),
    "no slide": (["run", "submit", "test-app", "/etc/passwd"], INVALID, "/etc/passwd: "),
    "no such application": (["run", "submit", "nope", "{slide}"], INVALID, "application not found"),
    "no such version": (["run", "submit", "test-app", "{slide}", "--version", "9.9.9"], INVALID,
                        "test-app 9.9.9: "),
    "an application's name that is a path": (["run", "submit", "../me", "{slide}"], INVALID, "not found"),
    "metadata that the schema lacks":
        (["run", "submit", "test-app", "{slide}", "--metadata", '{"staining_method": "H&E"}'], INVALID,
         "'staining_method'"),
    "metadata that is no JSON": (["run", "submit", "test-app", "{slide}", "--metadata", "{"], INVALID,
                                 "--metadata: "),
    "metadata that is a number": (["run", "submit", "test-app", "{slide}", "--metadata", "[1]"],
                                  INVALID, "--metadata"),
    "metadata for other slides": (["run", "submit", "test-app", "{slide}", "--metadata", "[{}, {}]"],
                                  INVALID, "2 objects for 1 slides"),
    "an address of which nothing is known": (["run", "submit", "test-app", "http://127.0.0.1:1/a.svs"],
                                             INVALID, "a.svs: test-app 1.0.0 needs"),
    **{f"{verb}: no id": (["run", verb, "../me"], INVALID, "no run's id")
       for verb in ("watch", "show", "cancel", "download", "delete")},
    **{f"{verb}: no such run": (["run", verb, NO_RUN], INVALID, "Run not found")
       for verb in ("watch", "show", "cancel", "download", "delete")},
    "cancel: it has ended": (["run", "cancel", "{finished}"], FAILED, "already terminated"),
    "download: the folder is a file": (["run", "download", "{finished}", "--output", "/etc/passwd"],
                                       NOT_WRITABLE, "/etc/passwd"),
    "limit: no number": (["run", "list", "--limit", "many"], INVALID, "--limit"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_is_one_sentence_and_an_exit_code(ada, slide, finished, folder, case):
    arguments, code, words = REFUSALS[case]
    arguments = [argument.replace("{slide}", str(slide)).replace("{finished}", finished)
                 for argument in arguments]
    done = ada(*arguments, code=code, cwd=folder)
    assert words in done.stderr and done.stdout == ""
    assert done.stderr.count("\n") == 1
    if "--fly" not in arguments:
        # Also when the option behind the mistake is not read any more.
        told = json.loads(ada(*arguments, "--json", code=code, cwd=folder).stderr)
        assert words in told["message"] and told["error"]


ACCESS = {
    "no token": ({"SLIDEWAY_TOKEN": ""}, REFUSED, "set SLIDEWAY_TOKEN"),
    "a token that is none": ({"SLIDEWAY_TOKEN": "x.y.z"}, REFUSED, "(401)"),
    "no address": ({"SLIDEWAY_URL": ""}, INVALID, "name the platform"),
    "nobody there": ({"SLIDEWAY_URL": "http://127.0.0.1:1"}, FAILED, "does not answer"),
    "a data folder that is none": ({"SLIDEWAY_URL": "", "SLIDEWAY_DATA": "/nowhere"}, INVALID,
                                   "no platform lives in '/nowhere'"),
}


@pytest.mark.parametrize("case", ACCESS)
def test_where_and_who_is_told_when_it_is_missing(ada, case):
    environment, code, words = ACCESS[case]
    assert words in ada("run", "list", code=code, **environment).stderr


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(ada, slide, folder):
    nobody = "http://127.0.0.1:1"
    run = ada.json("run", "submit", "test-app", slide, "--wait", http_proxy=nobody, all_proxy=nobody)
    ada("run", "download", run["run_id"], "--output", folder / "out", http_proxy=nobody)


@pytest.mark.parametrize("verb", ["watch", "show", "cancel", "download", "delete"])
def test_a_run_of_others_is_refused(shared_platform, finished, folder, verb):
    stranger = Caller(shared_platform, "eve", "elsewhere")
    done = stranger("run", verb, finished, code=REFUSED, cwd=folder)
    assert "(403)" in done.stderr and list(folder.glob("*-*-*")) == []
    assert stranger.json("run", "list") == []


# Watching

def test_changes_are_lines_without_a_terminal(ada, finished):
    lines = ada("run", "watch", finished).stdout.splitlines()
    assert lines == ["slide.tiff SUCCEEDED",
                     f"run {finished}: ALL_ITEMS_PROCESSED, 1 of 1 items succeeded"]


def read_terminal(descriptor, seconds, until):
    """What is written on a terminal until the words come or its writer is gone."""
    shown = b""
    end = time.monotonic() + seconds
    while until not in shown and time.monotonic() < end:
        if select.select([descriptor], [], [], 0.2)[0]:
            try:
                shown += os.read(descriptor, 65536)
            except OSError:  # the other side is closed
                break
    return shown.decode()


def test_a_terminal_shows_a_bar_for_each_item_and_for_the_run(ada, slide):
    leader, follower = pty.openpty()
    child = ada.start("run", "submit", "test-app", slide, slide, "--wait", stdin=subprocess.DEVNULL,
                      stdout=follower, stderr=follower)
    os.close(follower)
    shown = read_terminal(leader, SECONDS_MAX, b"items succeeded")
    assert child.wait(SECONDS_MAX) == DONE
    os.close(leader)
    assert "100 % uploading slide.tiff" in shown
    last = shown.rpartition("\x1b[J")[2].splitlines()
    assert last[0] == "[####################] 2 of 2 items done"
    assert sorted(last[1:3]) == ["[####################] SUCCEEDED    2-slide.tiff",
                                 "[####################] SUCCEEDED    slide.tiff"]


def test_ctrl_c_leaves_the_run_alone(waiting):
    caller, run_id = waiting
    child = caller.start("run", "watch", run_id, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout.readline() == "slide.tiff PENDING\n"
    child.send_signal(signal.SIGINT)
    _, told = child.communicate(timeout=SECONDS_MAX)
    assert child.returncode == INTERRUPTED
    assert f"slideway run watch {run_id}" in told
    assert caller.api.run(run_id)["state"] == "PENDING"


def test_a_watch_ends_at_its_time_limit(waiting):
    caller, run_id = waiting
    started = time.monotonic()
    assert "1 s" in caller("run", "watch", run_id, "--timeout", "1", code=FAILED).stderr
    assert time.monotonic() - started >= 1


def test_a_watch_outlives_a_restart_of_the_server(waiting, platform):
    caller, run_id = waiting
    child = caller.start("run", "watch", run_id, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout.readline() == "slide.tiff PENDING\n"
    platform.server.stop()
    time.sleep(6)  # longer than the longest pause between two polls
    platform.start_server()
    caller("run", "cancel", run_id)
    out, told = child.communicate(timeout=SECONDS_MAX)
    assert (child.returncode, told) == (FAILED, "")
    assert out.splitlines()[-1] == f"run {run_id}: CANCELED_BY_USER, 0 of 1 items succeeded"


# Lists

def test_a_list_follows_its_pages_to_the_end(platform):
    caller = Caller(platform)
    item = harness.slide_item("s", "https://slides.example.org/s.tiff", b"")
    made = [caller.api.create_run("test-app", [item]) for _ in range(203)]
    newest_first = made[::-1]

    def ids(*arguments):
        return [run["run_id"] for run in caller.json("run", "list", *arguments)]
    assert ids("--limit", "0") == newest_first
    assert ids("--limit", "101") == newest_first[:101]
    assert ids() == newest_first[:50]
    assert ids("--application", "he-tme") == []
    rows = caller("run", "list", "--limit", "2").stdout.splitlines()
    assert [row.split()[0] for row in rows] == ["RUN", *newest_first[:2]]


def test_all_items_of_a_large_run_are_shown(platform):
    caller = Caller(platform)
    names = [f"slide-{number:03}" for number in range(201)]
    run_id = caller.api.create_run("test-app", [
        harness.slide_item(name, "https://slides.example.org/s.tiff", b"") for name in names])
    shown = caller.json("run", "show", run_id)
    assert sorted(item["external_id"] for item in shown["items"]) == names
    lines = caller("run", "show", run_id).stdout
    assert all(f"  {name}  PENDING" in lines for name in names)
    assert [run["run_id"] for run in caller.json("run", "list", "--external-id", "slide-007")] == [run_id]


# Secrets and terminals

def test_no_command_prints_a_signed_url_or_a_token(ada, finished, folder):
    secrets = {artifact["download_url"].partition("?")[2]
               for item in ada.api.items(finished)
               for artifact in item["input_artifacts"] + item["output_artifacts"]}
    assert len(secrets) == 7 and all("signature=" in secret for secret in secrets)
    for arguments in (["show", finished], ["watch", finished], ["list"],
                      ["download", finished, "--output", folder / "out"]):
        for form in ([], ["--json"]):
            done = ada("run", *arguments, *form)
            assert "signature=" not in done.stdout + done.stderr
            assert ada.environment["SLIDEWAY_TOKEN"] not in done.stdout + done.stderr


def test_a_name_from_elsewhere_does_not_steer_the_terminal(platform):
    caller = Caller(platform)
    item = harness.slide_item("a\x1b[2J\u009b2Jb", "https://slides.example.org/s.tiff", b"")
    run_id = caller.api.create_run("test-app", [item])
    caller("run", "cancel", run_id)
    for verb, code in (("show", DONE), ("watch", FAILED)):
        shown = caller("run", verb, run_id, code=code).stdout
        assert "\x1b" not in shown and "\u009b" not in shown and "a?[2J??2Jb" in shown


# Downloads

def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in harness.files_below(folder))


def test_every_artifact_is_downloaded_as_it_is_stored(ada, finished, folder):
    ada("run", "download", finished, cwd=folder)
    assert files_below(folder) == [f"{finished}/slide.tiff/{name}" for name in TEST_APP_FILES]
    (item,) = ada.api.items(finished)
    for artifact in item["output_artifacts"]:
        stored = requests.get(artifact["download_url"], timeout=30).content
        stem = artifact["name"].replace(":", "_")
        (path,) = (folder / finished / "slide.tiff").glob(f"{stem}.*")
        assert path.read_bytes() == stored
        assert harness.crc32c(stored) == artifact["metadata"]["checksum_base64_crc32c"]


def test_a_download_goes_on_where_it_broke_off(ada, finished, folder):
    out = folder / "out"
    first = ada.json("run", "download", finished, "--output", out)
    assert {file["outcome"] for file in first["files"]} == {"downloaded"} and len(first["files"]) == 6
    content = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    gone, changed, untouched = sorted(content)[:3]
    gone.unlink()
    changed.write_bytes(b"x" + content[changed][1:])
    gone.with_name(f"{gone.name}.part").write_bytes(b"half")
    before = untouched.stat()
    second = ada.json("run", "download", finished, "--output", out)
    outcomes = {pathlib.Path(file["path"]): file["outcome"] for file in second["files"]}
    assert {path for path, outcome in outcomes.items() if outcome == "downloaded"} == {gone, changed}
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == content
    assert (untouched.stat().st_ino, untouched.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


HOSTILE = ["../../escape", "a/b", "a_b", "..", ".", ".ssh", "/etc/cron.d/x", "c d", "ä", "x" * 255]


def test_no_external_id_leaves_the_folder_or_meets_another(ada, slide, folder):
    url = ada.api.upload(slide)
    run_id = ada.api.create_run("test-app", [
        harness.slide_item(name, url, slide.read_bytes()) for name in HOSTILE])
    assert ada.api.wait_for_run(run_id)["output"] == "FULL"
    inner = folder / "inner" / "out"
    answer = ada.json("run", "download", run_id, "--output", inner)
    assert (answer["item_count"], len(answer["files"])) == (len(HOSTILE), len(HOSTILE) * 6)
    assert files_below(folder) == [f"inner/out/{path}" for path in files_below(inner)]
    assert len(files_below(inner)) == len(HOSTILE) * 6
    folders = {path.name for path in inner.iterdir()}
    assert len(folders) == len(HOSTILE) and "a_b" in folders


def objects_of(platform, name):
    """Stored objects whose content is that of the file."""
    content = name.read_bytes()
    found = []
    for path in harness.files_below(platform.folder / "objects"):
        with contextlib.suppress(FileNotFoundError):  # others may still be on their way into the store
            found += [path] if path.read_bytes() == content else []
    return found


def test_a_changed_object_is_refused_and_leaves_nothing(ada, shared_platform, slide, folder):
    run = ada.json("run", "submit", "test-app", slide, "--wait")
    good = folder / "good"
    ada("run", "download", run["run_id"], "--output", good)
    wanted = good / "slide.tiff" / "tissue_qc_csv_class_information.csv"
    mine = [path for path in objects_of(shared_platform, wanted) if run["items"][0]["item_id"] in str(path)]
    assert len(mine) == 1
    mine[0].write_bytes(wanted.read_bytes().replace(b",", b";"))
    out = folder / "out"
    done = ada("run", "download", run["run_id"], "--output", out, code=FAILED)
    assert "checksum" in done.stderr and "tissue_qc:csv_class_information of slide.tiff" in done.stderr
    assert "signature" not in done.stderr
    assert [name for name in files_below(out) if "csv_class" in name and "qc" in name] == []
    assert [name for name in files_below(out) if name.endswith(".part")] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_is_told(ada, finished, folder):
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", disk], check=True)
    try:
        done = ada("run", "download", finished, "--output", disk / "out", code=NOT_WRITABLE)
        assert "No space left on device" in done.stderr
        assert [name for name in files_below(disk) if name.endswith(".part")] == []
    finally:
        subprocess.run(["umount", disk], check=True)


# The life of a run

def test_cancel_and_delete_say_what_they_did(waiting, folder):
    caller, run_id = waiting
    assert "not terminated" in caller("run", "delete", run_id, code=FAILED).stderr
    assert caller.json("run", "cancel", run_id) == {"run_id": run_id, "outcome": "cancelled"}
    assert caller.api.run(run_id)["termination_reason"] == "CANCELED_BY_USER"
    caller("run", "cancel", run_id, code=FAILED)
    caller("run", "watch", run_id, code=FAILED)
    assert "nothing to download" in caller("run", "download", run_id, code=INVALID, cwd=folder).stderr


def test_deleted_artifacts_are_gone_but_the_run_is_shown(ada, slide, folder):
    run_id = ada.json("run", "submit", "test-app", slide, "--wait")["run_id"]
    assert ada.json("run", "delete", run_id)["outcome"] == "artifacts deleted"
    ada("run", "download", run_id, code=INVALID, cwd=folder)
    assert ada("run", "show", run_id).stdout.count("DELETED_BY_USER") == 6
    assert "(410)" in ada("run", "delete", run_id, code=FAILED).stderr


@pytest.mark.parametrize("command", ["whoami", "app list", "run list"])
def test_json_is_one_document(ada, finished, command):
    assert ada.json(*command.split())


def test_versions_of_an_application_are_listed(ada, he_tme):
    """The newest first, although the older one was registered last."""
    latest = {line.split()[0]: line.split()[1] for line in ada("app", "list").stdout.splitlines()}
    assert latest == {"APPLICATION": "LATEST", "he-tme": "1.2.0", "test-app": "1.0.0"}
    rows = [line.split() for line in ada("app", "show", he_tme).stdout.splitlines()]
    assert [row[0] for row in rows] == ["VERSION", "1.2.0", "1.0.0"]
    versions = ada.json("app", "show", he_tme)["versions"]
    assert [[one["number"], one["released_at"]] for one in versions] == rows[1:]
    assert "(404)" in ada("app", "show", "no/thing", code=INVALID).stderr
