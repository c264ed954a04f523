"""Applications and questions of the tests of a run's life."""
import contextlib
import itertools
import os
import pathlib

import harness
import sample_application

SECONDS = harness.END_SECONDS
numbers = itertools.count(1)

# It ignores SIGTERM and so do its child and grandchild, which write all the time. What it has written to its
# log is there before its file.
STUBBORN = r"""#!/bin/sh
trap '' TERM INT HUP
sh -c 'trap "" TERM; sh -c "trap \"\" TERM; while :; do echo x >> $SLIDEWAY_OUTPUT/grandchild; sleep NAP; done" &
       while :; do echo x >> $SLIDEWAY_OUTPUT/child; sleep NAP; done' &
echo "progress 0.1 working"
echo "the log of a stubborn one" >&2
echo x > $SLIDEWAY_OUTPUT/parent
while :; do sleep NAP; done
"""
# It ends as the external id of its item begins: bad…, broken…, slow…, else well.
OBEDIENT = r"""#!/bin/sh
name=$(sed 's/.*"external_id":"\([^"]*\)".*/\1/' "$SLIDEWAY_INPUT")
echo "working on $name" >&2
case $name in
bad*) echo '{"error_code":"BAD","message":"bad"}' > "$SLIDEWAY_OUTPUT/error.json"; exit 10 ;;
broken*) exit 3 ;;
slow*) sleep NAP ;;
esac
echo "$name" > "$SLIDEWAY_OUTPUT/result"
echo '{"artifacts":[{"name":"result","path":"result","metadata":{}}]}' > "$SLIDEWAY_OUTPUT/output.json"
"""


class Application:
    """A registered application of a test; `nap` is a time that no other process sleeps. Unless a test limits its
    time, that is longer than all naps."""

    def __init__(self, platform, script=OBEDIENT, seconds="0.05", **fields):
        number = next(numbers)
        self.nap = f"{seconds}{os.getpid() % 100000:05d}{number:03d}"
        self.application_id = f"lifecycle-{number}"
        fields.setdefault("limits", {"memory_bytes": 512 << 20, "time_seconds": 900, "processes": 16,
                                     "output_bytes": 64 << 20})
        self.folder = sample_application.write(
            platform.folder / "applications", self.application_id,
            script=script.replace("NAP", self.nap), **fields)
        platform.register(self.folder)

    def pids(self):
        """Of all living processes that have the nap on their command line."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                if self.nap.encode() in path.read_bytes():
                    found.append(int(path.parent.name))
        return found


def items(client, folder, names):
    slide = folder / "slide.bin"
    slide.write_bytes(b"no application of these tests looks into it")
    url = client.upload(slide)
    return [harness.slide_item(name, url, slide.read_bytes()) for name in names]


def rows(platform, sql, *values):
    with platform.sql() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def execute(platform, sql, *values):
    with platform.sql() as cursor:
        cursor.execute(sql, values)


def wait_for_statistics(client, run_id, name, count):
    harness.wait_for(f"{count} {name}", lambda: client.run(run_id)["statistics"][name] >= count, SECONDS)


def stored(platform):
    """Keys of all objects that attempts made."""
    folder = platform.folder / "objects"
    return {str(pathlib.Path(parent, name).relative_to(folder))
            for parent, _, names in os.walk(folder / "artifacts") for name in names}
