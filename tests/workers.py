"""Workers for the tests of the queue: a short script in the engine's place, in this process or in one of its own."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from leaderboard.models import Stage
from leaderboard.services import results
from runner.jobs.relay import SHUTTING_DOWN
from tests.stages import empty_queue

# An engine that does what its job says, without a model: scores for an evaluation, a file for a training.
ENGINE = """
import hashlib, json, os, signal, sys, time
from pathlib import Path
from runner.spec import Job
job = Job.from_json(Path(sys.argv[1]).read_text())
output, plan = Path(job.output), job.stage.plan
def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)
def write(name, content):
    (output / name).write_bytes(content)
    say("artifact", kind="checkpoint", path=name, sha256=hashlib.sha256(content).hexdigest(), size=len(content))
def score(language, value=80.0):
    say("score", task=plan.task, language=language, metric="accuracy", value=value, n=1000)
say("environment", device="cpu", secret=os.environ.get("SECRET_KEY"))
"""
GOOD = """
print("some log", file=sys.stderr)
if plan.action == "train":
    for step in range(3):
        say("curve", step=step, loss=1 / (step + 1))
    say("progress", done=3, total=3, unit="steps", note="Training")
    write("model.bin", b"weights")
else:
    assert (Path(job.parent_output) / "model.bin").read_bytes() == b"weights"
    say("data", task=plan.task, sha256="0" * 64, rows=1000)
    for language in plan.languages:
        score(language)
say("done", seconds=1)
"""
DONE = 'say("done", seconds=1)'
WAIT = """
def leave(*_):
    (output / "checkpoint").touch()
    sys.exit(4)
signal.signal(signal.SIGTERM, leave)
(output / "begun").touch()
for step in range(300):
    time.sleep(0.1)
    say("progress", done=step, total=300, unit="steps", note="")
"""


@pytest.fixture
def no_messages() -> Iterator[None]:
    """The broker is empty before a test and after it."""
    empty_queue()
    yield
    empty_queue()


@pytest.fixture
def commit(django_capture_on_commit_callbacks) -> Callable[..., Any]:
    """Call a service and then what it wanted done after commit."""

    def call(service: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with django_capture_on_commit_callbacks(execute=True):
            return service(*args, **kwargs)

    return call


@pytest.fixture
def fast(settings, tmp_path: Path) -> Iterator[None]:
    settings.ARTIFACT_DIR = tmp_path / "artifacts"
    settings.HEARTBEAT_SECONDS = 0.1
    empty_queue()
    SHUTTING_DOWN.clear()
    level = logging.root.level
    yield
    logging.root.setLevel(level)  # a worker in this process sets its own
    SHUTTING_DOWN.clear()
    empty_queue()


@pytest.fixture
def engine(settings, tmp_path: Path) -> Callable[[str], None]:
    def put(script: str) -> None:
        path = tmp_path / "engine.py"
        path.write_text(
            f"import sys; sys.path.insert(0, {str(settings.BASE_DIR)!r})\n{ENGINE}" + textwrap.dedent(script)
        )
        settings.ENGINE_COMMAND = [sys.executable, str(path)]

    put(GOOD)
    return put


def fresh(stage: Stage) -> Stage:
    return Stage.objects.select_related("parent").get(pk=stage.pk)


def begun(stage: Stage) -> bool:
    return (results.folder(stage) / "begun").exists()


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.05)


@pytest.fixture
def worker(settings, tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts `celery -A leaderboard worker` on this test's database, with `tmp_path`/engine.py for an engine."""
    (tmp_path / "worker_settings.py").write_text(
        "from leaderboard.settings import *\n"
        f"DATABASES['default']['NAME'] = {str(connection.settings_dict['NAME'])!r}\n"
        f"ENGINE_COMMAND = [{sys.executable!r}, {str(tmp_path / 'engine.py')!r}]\n"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{settings.BASE_DIR}",
        "DJANGO_SETTINGS_MODULE": "worker_settings",
        "ARTIFACT_DIR": str(settings.ARTIFACT_DIR),
        "HEARTBEAT_SECONDS": "1",
        "LEASE_SECONDS": "2",
        "SWEEP_SECONDS": "1",
        "RESEND_SECONDS": "1",
    }
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "celery", "-A", "leaderboard", "worker", "--loglevel", "INFO"]
        with (tmp_path / "worker.log").open("a") as log:
            started.append(subprocess.Popen(command, env=environment, cwd=settings.BASE_DIR, stderr=log, stdout=log))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
