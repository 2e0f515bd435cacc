"""Who may import whom: the contracts in pyproject.toml, and what processes really load."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

from tests.runner.factories import fork

ROOT = Path(__file__).resolve().parent.parent
ENGINE_LIBRARIES = {"torch", "transformers", "datasets", "pyarrow", "accelerate", "safetensors", "seqeval", "sklearn"}
WEB_LIBRARIES = {"django", "celery", "kombu", "leaderboard"}
ENGINE = ("runner.__main__", "runner.data.sources", "runner.training.phases", "runner.evaluation.zero_shot")


def loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after running `code`."""
    result = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*{{name.split('.')[0] for name in sys.modules}})"],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return set(result.stdout.splitlines()[-1].split())


def test_the_import_contracts_hold():
    linter = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_the_web_process_loads_no_engine():
    code = "import leaderboard.wsgi, leaderboard.urls, leaderboard.admin"
    assert loaded_by(code) & ENGINE_LIBRARIES == set()


def test_the_worker_loads_no_engine():
    """It starts the engine as a process of its own: a worker that waits needs no memory for torch."""
    code = "import django, leaderboard.celery; django.setup(); import runner.jobs"
    assert loaded_by(code) & ENGINE_LIBRARIES == set()


def test_the_engine_loads_no_web(tmp_path):
    process = fork(write_loaded, ENGINE, tmp_path / "loaded")
    process.start()
    process.join(60)
    assert process.exitcode == 0
    loaded = set((tmp_path / "loaded").read_text().split())
    assert loaded & WEB_LIBRARIES == set()
    assert "torch" in loaded


def write_loaded(modules: tuple[str, ...], file: Path) -> None:
    """In an engine's process, which knows nothing of these tests: what it has loaded with these modules."""
    for module in modules:
        importlib.import_module(module)
    file.write_text(" ".join({name.split(".")[0] for name in sys.modules}))


def test_plans_need_the_standard_library_only():
    loaded = loaded_by("import runner.recipes, runner.spec, runner.events, runner.tasks.registry")
    assert loaded - set(sys.stdlib_module_names) - {"runner"} <= site_modules()


def test_scoring_needs_numpy_at_most():
    """The web process scores uploads, and must stay small."""
    loaded = loaded_by("import runner.scoring.xtreme")
    assert loaded - set(sys.stdlib_module_names) - {"runner", "numpy"} <= site_modules()


def site_modules() -> set[str]:
    """What an interpreter loads before it runs anything (site hooks of installed packages)."""
    return loaded_by("") - set(sys.stdlib_module_names)
