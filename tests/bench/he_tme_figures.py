"""The figures of he-tme's speed and memory; see tools/bench.

The slide that is timed is made of the annotated tiles of TEST_DATA/nuclei/brca_m2c (tile_slide.py): real tissue without
glass. Only pixels of valid tissue at 0.5 microns count, all files are written, and times are those of
the processor where one thread works: they depend less on what else the machine does. What a second thread gains stands beside
what a second process gains, which shares nothing with the first but the machine.
"""
import collections
import concurrent.futures
import json
import os
import pathlib
import resource
import statistics
import subprocess

import repeat_slide
import small_parent
import tile_slide

PICTURES = pathlib.Path(os.environ.get("TEST_DATA", "/nonexistent")) / "nuclei/brca_m2c/images"
SIDE_PICTURES, SIDE_PICTURES_QUICK = 24, 4
# Sides of a synthetic slide, and of what is made by repeating it. Where a slide of four times the area needs
# so much more memory, something is held for each place or each cell.
SYNTHETIC_SIDE, SMALLER_SIDE, LARGER_SIDE, LARGEST_SIDE, MPP = 4_096, 16_000, 32_000, 100_000, 0.25
MEMORY_MIB_MAX, GROWTH_MIB_MAX = 512, 32


class Run:
    """One analysis: what it told, its times and its memory."""

    def __init__(self, program, slide, folder, threads, cpu=None):
        command = [program, "analyze", slide, "--output", folder, "--threads", str(threads), "--json"]
        if cpu is not None:
            command = ["taskset", "--cpu-list", str(cpu), *command]
        out, self.cpu_seconds, self.rss_mib = small_parent.run(*command)
        summary = json.loads(out)
        self.seconds = summary["seconds"]
        self.megapixels = summary["tissue_megapixels"]


# Runs of one and of two threads, seconds of the processor for decoding alone, seconds of two processes at once.
Round = collections.namedtuple("Round", "one two decode_seconds both_seconds")


def seconds_of_two_at_once(program, slide, folder):
    """Until two processes of one thread are done, each on a processor of its own where there are two."""
    cpus = sorted(os.sched_getaffinity(0))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(Run, program, slide, folder / str(number), 1, cpus[number % len(cpus)]) for number in (0, 1)]
        return max(run.result().seconds for run in runs)


def decode_cpu_seconds(reader, slide):
    """Of every tile once, on one thread."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([reader, "ours", "1", slide], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def program_of(bench):
    return bench.harness.application_folder("he-tme") / "he-tme"


def measure_speed(bench, report, note):
    if not PICTURES.is_dir():
        note(f"he-tme is not timed: there is no {PICTURES}")
        return
    quick = bench.rounds == 1
    program = program_of(bench)
    slide = bench.folder / "tiles.svs"
    side = SIDE_PICTURES_QUICK if quick else SIDE_PICTURES
    width, height = tile_slide.write(PICTURES, slide, side, side)
    rounds = []
    for _ in range(1 if quick else 3):
        # Alternated, so that what disturbs one of them disturbs all.
        one, two = (Run(program, slide, bench.folder / "files", threads) for threads in (1, 2))
        decode = decode_cpu_seconds(bench.harness.BUILD / "tests/bench/read_tiles", slide)
        rounds.append(Round(one, two, decode, seconds_of_two_at_once(program, slide, bench.folder / "files")))
        # All of the slide is tissue, but for gaps, and pictures that are stained so much darker than
        # the others that they count as folds.
        assert one.megapixels > 0.6 * width * height / 1e6, f"only {one.megapixels} megapixels are tissue"

    def median(value):
        return statistics.median(map(value, rounds))

    report("he_tme_mpx_per_second_per_core", median(lambda each: each.one.megapixels / each.one.cpu_seconds), "Mpx/s")
    report("he_tme_vs_decode", median(lambda each: each.one.cpu_seconds / each.decode_seconds), "ratio")
    # Of the fastest runs: other programs make a run that needs all processors slower, never faster.
    one_seconds = min(each.one.seconds for each in rounds)
    report("he_tme_two_threads", one_seconds / min(each.two.seconds for each in rounds), "ratio")
    report("he_tme_two_processes_vs_one", 2 * one_seconds / min(each.both_seconds for each in rounds), "ratio")
    report("he_tme_tiles_rss_mib", median(lambda each: each.two.rss_mib), "MiB")
    slide.unlink()


def measure_memory(bench, report):
    program = program_of(bench)
    small = bench.harness.make_slide(bench.folder / "small.tiff", SYNTHETIC_SIDE, SYNTHETIC_SIDE, MPP, seed=7)
    folder = bench.folder / "files"

    def run(side, threads):
        slide = repeat_slide.write(small, bench.folder / "large.tiff", side, side)
        done = Run(program, slide, folder, threads)
        slide.unlink()
        return done

    smaller, larger = run(SMALLER_SIDE, 1), run(LARGER_SIDE, 1)
    report("he_tme_synthetic_rss_mib", larger.rss_mib, "MiB")
    report("he_tme_synthetic_rss_growth_mib", larger.rss_mib - smaller.rss_mib, "MiB")
    assert larger.rss_mib - smaller.rss_mib <= GROWTH_MIB_MAX, "he-tme takes memory by the size of the slide"
    if bench.rounds > 1:
        largest = run(LARGEST_SIDE, 2)
        report("he_tme_100k_rss_mib", largest.rss_mib, "MiB")
        report("he_tme_100k_mpx_per_second", LARGEST_SIDE**2 * MPP**2 / 0.5**2 / 1e6 / largest.seconds, "Mpx/s")
        assert largest.rss_mib <= MEMORY_MIB_MAX, "he-tme takes too much memory"
