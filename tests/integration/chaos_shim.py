"""Disks that fail or are slow, by the library of the chaos test (tests/chaos/shim.c)."""
import os
import struct

import harness

FAULTS = struct.Struct("=7q")  # as in tests/chaos/shim.c: clock, then rate, errno, delay of store and scratch


def faults(folder, store=0, delay_seconds=0.0, scratch_delay_seconds=0.0):
    """Every call on files below the store ends with this errno, after a while; 0: it does what it should. Those
    below the scratch folder of "worker" only last."""
    path = folder / "faults"
    per_mille = 1000 * bool(store or delay_seconds)
    with path.open("r+b" if path.exists() else "wb") as file:
        file.write(FAULTS.pack(0, per_mille, store, int(delay_seconds * 1e6),
                               1000 * bool(scratch_delay_seconds), 0, int(scratch_delay_seconds * 1e6)))
    return {"LD_PRELOAD": str(harness.BUILD / "tests/chaos/chaos_shim.so"), "CHAOS_CONTROL": str(path),
            "CHAOS_STORE": str(folder / "objects"), "CHAOS_SCRATCH": str(folder / "scratch-worker"),
            # Whose library else insists on being the first.
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
