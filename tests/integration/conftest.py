"""Fixtures of the integration tests; what they start is in harness.py."""
import pathlib
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import harness  # noqa: E402

pytest_plugins = ["public_api"]
LOG_LINES_SHOWN = 60


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the end of the log of every program that its fixtures started."""
    report = (yield).get_result()
    if not report.failed:
        return
    folders = {value.folder for value in item.funcargs.values()
               if isinstance(value, harness.Platform)}
    folders |= {value.log.parent for value in item.funcargs.values()
                if isinstance(value, harness.Up)}
    for folder in folders:
        for log in sorted(path for path in harness.files_below(folder) if path.suffix == ".log"):
            lines = log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:]
            report.sections.append((f"the end of {log.name}", "\n".join(lines)))


@pytest.fixture(scope="session")
def cluster():
    """One private PostgreSQL for all tests; each platform has a database of its own in it."""
    value = harness.Cluster()
    yield value
    value.remove()


def open_folder():
    """A short folder under /tmp that every user may enter (pytest's own are private)."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="slideway-test-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def folder():
    yield from open_folder()


@pytest.fixture(scope="module")
def module_folder():
    yield from open_folder()


@pytest.fixture
def platform(cluster, folder):
    """A server, no worker yet, test-app registered."""
    yield from harness.Platform(cluster, folder).serve()


@pytest.fixture(scope="module")
def served(cluster, module_folder):
    """A server that all tests of one file use, and no worker."""
    yield from harness.Platform(cluster, module_folder).serve()


@pytest.fixture(scope="module")
def shared_platform(cluster, module_folder):
    """A server and a worker that all tests of one file use."""
    value = harness.Platform(cluster, module_folder)
    try:
        value.start_server()
        value.start_worker()
        yield value
    finally:
        value.stop()


@pytest.fixture(scope="session")
def slide(tmp_path_factory):
    """A small synthetic slide, 512 x 512 px at 0.5 mpp."""
    return harness.make_slide(tmp_path_factory.mktemp("slide") / "slide.tiff")


@pytest.fixture
def slide_host(folder):
    """An HTTP host of the folder "slides"."""
    slides = folder / "slides"
    slides.mkdir()
    host = harness.SlideHost(slides)
    yield host
    host.stop()


@pytest.fixture
def up(folder):
    """`slideway up` on a new data folder, started."""
    value = harness.Up(folder / "data", folder / "up.log").start()
    yield value
    value.stop()
