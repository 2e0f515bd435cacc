"""`manage.py score_xtreme` in a process of its own, as it is used."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden import generator

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("golden")
    generator.write(root, 12)
    return root


def score(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    folders = ["--prediction_folder", root / "predictions", "--label_folder", root / "labels"]
    command = [sys.executable, "manage.py", "score_xtreme", *folders, "--output_file", root / "report.json", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_it_works(made: Path) -> None:
    done = score(made)
    assert (done.returncode, done.stderr) == (0, "")
    official = json.loads((ROOT / "tests/golden/xtreme.json").read_text())
    report = json.loads((made / "report.json").read_text())
    assert report["all_task"] == pytest.approx(official["all_task"], abs=1e-9)
    assert f"all_task: {official['all_task']:.2f}" in done.stdout
    assert len(done.stdout.splitlines()) == 14


def test_json_prints_the_report_alone(made: Path) -> None:
    done = score(made, "--json", "--verbose")
    assert json.loads(done.stdout) == json.loads((made / "report.json").read_text())
    assert "mlqa/test-zh.json: " in done.stderr


def test_verbose_prints_every_language(made: Path) -> None:
    done = score(made, "--verbose", "--xtreme_version", "xtreme")
    assert done.returncode == 0
    assert "mlqa/test-zh.json: " in done.stdout
    (line,) = [line for line in done.stdout.split("\nbucc2018\n")[1].splitlines() if line.startswith("  precision: ")]
    assert line.split()[1::2] == ["de", "fr", "ru", "zh"]


def test_what_cannot_be_scored_is_said_in_one_sentence_and_nothing_is_written(made: Path, tmp_path: Path) -> None:
    root = shutil.copytree(made, tmp_path / "made", ignore=shutil.ignore_patterns("report.json"))
    (root / "predictions/udpos/test-kk.tsv").write_text("nonsense\n")
    done = score(root)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "Predictions udpos/test-kk.tsv, line " in done.stderr
    assert sorted(path.name for path in root.iterdir()) == ["labels", "predictions"]


def test_xtreme_r_is_refused(made: Path) -> None:
    done = score(made, "--xtreme_version", "xtreme-r")
    assert done.returncode != 0
    assert "invalid choice: 'xtreme-r'" in done.stderr


def test_no_task_in_common_is_said(tmp_path: Path) -> None:
    for side in ("predictions", "labels"):
        (tmp_path / side).mkdir()
    done = score(tmp_path)
    assert done.returncode == 0
    assert "No task is in both folders" in done.stdout
    assert json.loads((tmp_path / "report.json").read_text()) == {}
