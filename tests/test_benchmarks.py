"""The scripts of benchmarks/ start, and the peers that must find the same do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# The others are started by them.
SCRIPTS = sorted({path.stem for path in (ROOT / "benchmarks").glob("*.py")} - {"__init__", "queue_worker"})


def run(name, *arguments):
    command = [sys.executable, "-m", f"benchmarks.{name}", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_works(name):
    done = run(name, "--help")

    assert done.returncode == 0, done.stderr
    assert f"python -m benchmarks.{name}" in (ROOT / "benchmarks" / f"{name}.py").read_text()


@pytest.mark.slow
def test_our_search_and_that_of_faiss_find_the_same_pairs():
    done = run("retrieval", "--size", "400", "--width", "32", "--threads", "1")

    assert done.returncode == 0, done.stderr
    assert "candidates that only one of them has: 0" in done.stdout
