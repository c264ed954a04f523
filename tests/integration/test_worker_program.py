"""The program slideway-worker: its arguments, its settings, and what it says when they are wrong."""
import os
import subprocess

import pytest

import harness

NEEDED = ("SLIDEWAY_DATABASE", "SLIDEWAY_OBJECT_STORE", "SLIDEWAY_URL_SIGNING_KEY", "SLIDEWAY_SCRATCH")

# setting, value, what the message says
WRONG = [
    ("SLIDEWAY_SLOTS", "65", "SLIDEWAY_SLOTS must be at most 64"),
    ("SLIDEWAY_SLOTS", "many", "SLIDEWAY_SLOTS"),
    ("SLIDEWAY_LEASE_SECONDS", "1", "SLIDEWAY_LEASE_SECONDS must be at least 2"),
    ("SLIDEWAY_ATTEMPTS_MAX", "0", "SLIDEWAY_ATTEMPTS_MAX"),
    ("SLIDEWAY_BATCH_SIZE", "0", "SLIDEWAY_BATCH_SIZE must be from 1 to 64"),
    ("SLIDEWAY_BATCH_SIZE", "65", "SLIDEWAY_BATCH_SIZE must be from 1 to 64"),
    ("SLIDEWAY_INPUT_BYTES_MAX", "0", "SLIDEWAY_INPUT_BYTES_MAX must be from 1"),
    ("SLIDEWAY_INPUT_BYTES_MAX", "1e9", "SLIDEWAY_INPUT_BYTES_MAX must be from 1"),
    ("SLIDEWAY_EGRESS_NETWORKS", "10.0.0.0/33", "10.0.0.0/33"),
    ("SLIDEWAY_EXECUTOR", "cloud", "SLIDEWAY_EXECUTOR must be local or slurm"),
    ("SLIDEWAY_LOG_LEVEL", "loud", "SLIDEWAY_LOG_LEVEL must be debug, info, warning or error"),
    ("SLIDEWAY_URL_SIGNING_KEY", "short", "32 bytes"),
    ("SLIDEWAY_DATABASE", "host=/nowhere dbname=none", "cannot connect to PostgreSQL"),
]

# The same, with executor = slurm.
WRONG_SLURM = [
    ("SLIDEWAY_SLURM_OPTIONS", "-p main", "SLIDEWAY_SLURM_OPTIONS: '-p' is no option"),
    ("SLIDEWAY_SLURM_JOB_PROGRAM", "slideway-slurm-job", "SLIDEWAY_SLURM_JOB_PROGRAM must be an absolute path"),
    ("SLIDEWAY_SLURM_POLL_SECONDS", "0", "SLIDEWAY_SLURM_POLL_SECONDS must be at least 1"),
    ("SLIDEWAY_SLURM_GRACE_SECONDS", "3", "SLIDEWAY_SLURM_GRACE_SECONDS must be at least 4"),
    ("SLIDEWAY_SLURM_SILENCE_SECONDS", "5", "SLIDEWAY_SLURM_SILENCE_SECONDS must be at least 6"),
]


def run_worker(*arguments, **environment):
    return subprocess.run([harness.program("slideway-worker"), *arguments], text=True, capture_output=True,
                          env=harness.bare_environment(**environment), timeout=60, check=False)


@pytest.fixture
def settings(cluster, folder):
    platform = harness.Platform(cluster, folder, applications=())
    environment = platform.environment()
    return {name: environment[name] for name in NEEDED}


@pytest.mark.parametrize("name, value, words", WRONG)
def test_wrong_setting_is_named(settings, name, value, words):
    done = run_worker(**{**settings, name: value})
    assert done.returncode == 1
    assert done.stderr.startswith("slideway-worker: ") and done.stderr.count("\n") == 1
    assert words in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("name, value, words", WRONG_SLURM)
def test_wrong_setting_of_slurm_is_named(settings, name, value, words):
    done = run_worker(**{**settings, "SLIDEWAY_EXECUTOR": "slurm", name: value})
    assert done.returncode == 1
    assert words in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["relative"], ["/nowhere", "more"]])
def test_job_program_shows_its_usage(arguments):
    done = subprocess.run([harness.program("slideway-slurm-job"), *arguments], text=True, capture_output=True,
                          timeout=60, check=False)
    assert done.returncode == 2 and "usage: slideway-slurm-job FOLDER" in done.stderr


def test_job_program_without_a_task_says_so():
    done = subprocess.run([harness.program("slideway-slurm-job"), "/nowhere"], text=True, capture_output=True,
                          timeout=60, check=False)
    assert done.returncode == 1 and "/nowhere/task.json" in done.stderr


def test_all_missing_settings_are_named_at_once():
    done = run_worker()
    assert done.returncode == 1
    assert all(name in done.stderr for name in NEEDED)


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's applications run as that user")
def test_root_is_no_user_for_applications(settings):
    done = run_worker(**settings, SLIDEWAY_SANDBOX_UID="0")
    assert done.returncode == 1
    assert "SLIDEWAY_SANDBOX_UID must not be root's" in done.stderr


def test_old_tables_are_refused(cluster, folder):
    database = cluster.create_database()
    done = run_worker(SLIDEWAY_DATABASE=database, SLIDEWAY_OBJECT_STORE=str(folder / "objects"),
                      SLIDEWAY_URL_SIGNING_KEY=harness.SIGNING_KEY, SLIDEWAY_SCRATCH=str(folder / "scratch"))
    assert done.returncode == 1
    assert "migrate" in done.stderr


def test_settings_are_printed_without_values(settings):
    done = run_worker("--print-settings", **settings)
    assert done.returncode == 0 and done.stderr == ""
    for name in (*NEEDED, "SLIDEWAY_SLOTS", "SLIDEWAY_SANDBOX_UID"):
        assert name in done.stdout
    assert harness.SIGNING_KEY not in done.stdout
    assert done.stdout in run_worker("--help").stdout


def test_version_is_the_projects():
    version = (harness.ROOT / "VERSION").read_text().strip()
    assert run_worker("--version").stdout == f"slideway-worker {version}\n"


def test_unknown_argument_shows_the_usage():
    for arguments in (["--nothing"], ["serve"]):
        done = run_worker(*arguments)
        assert done.returncode == 2 and "usage: slideway-worker" in done.stderr
