"""What the tests of lost and repeated work share: an application that sleeps for a time that no other
process sleeps, so that its process can be found, and that writes the id of its attempt, so that the winner
can be told from the others; and the proof that each item has one result.
"""
import contextlib
import itertools
import os
import pathlib
import signal

import requests

import harness
import sample_application
from life import rows

SECONDS = harness.END_SECONDS
NAPPING = r"""#!/bin/sh
set -e
attempt=$(sed 's/.*"attempt_id":"\([^"]*\)".*/\1/' "$SLIDEWAY_INPUT")
echo "progress 0.1 sleeping"
sleep NAP
echo "$attempt" > "$SLIDEWAY_OUTPUT/result"
echo '{"artifacts":[{"name":"result","path":"result","metadata":{}}]}' > "$SLIDEWAY_OUTPUT/output.json"
"""
# Whoever wakes it up ends its sleep, not its work.
WAKING = NAPPING.replace("sleep NAP", "sleep NAP || true")

numbers = itertools.count(1)


class Napping:
    """A registered application that sleeps so long."""

    def __init__(self, platform, seconds, script=NAPPING, output_bytes=1 << 20, **limits):
        number = next(numbers)
        # The digits behind the point tell its process from every other on the machine.
        self.nap = f"{seconds}.{os.getpid() % 100000:05d}{number:03d}"
        self.application_id = f"napping-{number}"
        limits = {"memory_bytes": 512 << 20, "time_seconds": 100, "processes": 16,
                  "output_bytes": output_bytes, **limits}
        folder = sample_application.write(
            platform.folder / "applications", self.application_id,
            script=script.replace("NAP", self.nap), limits=limits)
        self.script = folder / "run"
        platform.register(folder)

    def hurry(self):
        """Its next processes do not sleep. One that starts now has the old script or the new one, never a half."""
        hurried = self.script.with_name("hurried")
        hurried.write_text(self.script.read_text().replace(self.nap, "0"))
        hurried.chmod(0o755)
        hurried.replace(self.script)

    def wake(self):
        """Those of script WAKING go on at once. What a test does before they sleep through, however slow it is."""
        harness.send_signal(self.pids(), signal.SIGKILL)

    def pids(self):
        """Of its living processes that sleep."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                if path.read_bytes() == b"sleep\0" + self.nap.encode() + b"\0":
                    found.append(int(path.parent.name))
        return found

    def wait_for_start(self, count=1):
        harness.wait_for("the application's start", lambda: len(self.pids()) >= count, SECONDS)

    def wait_for_end(self):
        harness.wait_for("the end of the application's processes", lambda: not self.pids(), SECONDS)


def items(client, folder, count=1):
    slide = folder / "slide.bin"
    slide.write_bytes(b"no application of these tests looks into it")
    url = client.upload(slide)
    return [harness.slide_item(f"slide-{index}", url, slide.read_bytes()) for index in range(count)]


def outcomes(platform, run_id):
    return [row[0] for row in rows(
        platform, "SELECT outcome FROM attempts WHERE run_id = %s ORDER BY number, attempt_id", run_id)]


def stored(platform):
    """Keys of all objects that attempts made."""
    folder = platform.folder / "objects"
    return {str(path.relative_to(folder)) for path in harness.files_below(folder / "artifacts")}


def scratch(platform, name="worker"):
    return harness.files_below(platform.folder / f"scratch-{name}")


def check_succeeded_once(platform, client, run_id, count=1):
    """The run ended well; each item has one result, which the winner wrote; returns the winners."""
    run = client.wait_for_run(run_id, SECONDS)
    assert (run["termination_reason"], run["output"]) == ("ALL_ITEMS_PROCESSED", "FULL"), run
    assert run["statistics"]["item_succeeded_count"] == count
    winners = dict(rows(platform, "SELECT item_id, attempt_id FROM attempts "
                                  "WHERE run_id = %s AND outcome = 'SUCCEEDED'", run_id))
    assert len(winners) == count
    for item in client.items(run_id):
        [artifact] = item["output_artifacts"]
        content = requests.get(artifact["download_url"], timeout=20).content
        assert content.decode().strip() == winners[item["item_id"]]
        assert harness.crc32c(content) == artifact["metadata"]["checksum_base64_crc32c"]
    assert rows(platform, "SELECT count(*), count(DISTINCT item_id) FROM output_artifacts "
                          "WHERE run_id = %s", run_id) == [(count, count)]
    assert rows(platform, "SELECT count(*) FROM audit WHERE run_id = %s AND action = 'item.terminated'",
                run_id) == [(count,)]
    assert rows(platform, "SELECT count(*) FROM audit WHERE run_id = %s AND action = 'run.terminated'",
                run_id) == [(1,)]
    assert rows(platform, "SELECT (SELECT count(*) FROM waiting_runs WHERE run_id = %s), "
                          "(SELECT count(*) FROM requeued_items WHERE run_id = %s)",
                run_id, run_id) == [(0, 0)]
    return set(winners.values())


def check_only_winners_are_stored(platform, winners):
    assert {key.split("/")[3] for key in stored(platform)} == winners
