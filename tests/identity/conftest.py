"""Needs Chromium and oidc-provider: see tools/identity, which starts these tests."""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
