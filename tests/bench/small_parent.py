"""Runs a program as the child of a small process: what getrusage tells of a program's memory begins with the peak
of the one that started it."""
import json
import subprocess
import sys

_LAUNCH = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:])
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([done.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]), file=sys.stderr)
"""


def run(*command):
    """What it printed, the processor's seconds and the MiB at its peak; it has to succeed."""
    done = subprocess.run([sys.executable, "-c", _LAUNCH, *map(str, command)], check=True, capture_output=True, text=True)
    *messages, figures = done.stderr.splitlines()
    code, cpu_seconds, peak_mib = json.loads(figures)
    assert code == 0, "\n".join(messages)
    return done.stdout, cpu_seconds, peak_mib
