"""A trial of chaos on real servers (`make chaos` does more): nothing is lost, nothing is done twice."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.slow


def test_it_works() -> None:
    command = [sys.executable, "-m", "tests.chaos", "--trials", "1", "--seed", "3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert "1 trials, 0 failures" in done.stdout
    happened = re.search(r"failures; (\{.*\})", done.stdout)[1]
    assert happened.count(":") >= 4, f"too little happened: {happened}"
