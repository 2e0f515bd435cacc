"""Settings of a worker that cannot be: the start ends with a sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHOW = "from django.conf import settings; print(settings.GPUS, settings.WORKER_CONCURRENCY, settings.LANES)"


def read(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    names = {name: value for name, value in os.environ.items() if name not in ("GPUS", "LANES", "WORKER_CONCURRENCY")}
    return subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=ROOT,
        env={**names, "VAR_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "leaderboard.settings", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_works(tmp_path: Path) -> None:
    assert read(tmp_path).stdout == "[] 1 ['gpu', 'cpu', 'short']\n"
    assert read(tmp_path, GPUS="0, 3", LANES="short").stdout == "['0', '3'] 2 ['short']\n"
    assert read(tmp_path, GPUS="0,3", WORKER_CONCURRENCY="1").stdout == "['0', '3'] 1 ['gpu', 'cpu', 'short']\n"


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"GPUS": "0", "WORKER_CONCURRENCY": "2"}, "WORKER_CONCURRENCY is 2, but GPUS names 1"),
        ({"LANES": "gpu,tpu"}, "LANES names some of gpu, cpu, short, found 'gpu,tpu'."),
        ({"LANES": ","}, "found ''"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, environment: dict[str, str], sentence: str) -> None:
    assert sentence in read(tmp_path, **environment).stderr
