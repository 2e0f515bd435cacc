"""Engines that are forked from a template: they end, and are ended, as those that are started alone."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from runner.endings import Ending
from runner.recipes import PhaseSettings
from runner.spec import EncoderRef, Job, Stage, TrainPlan
from runner.supervisor import LOG, Limits, supervise
from runner.tasks.registry import task
from runner.usage import Usage
from runner.warm import COMMAND, Template
from tests.runner.factories import POCKET

LIMITS = Limits(heartbeat=0.5, grace=20.0)


class Watcher:
    def __init__(self, stop_after: str = "") -> None:
        self.events: list[dict] = []
        self._stop_after = stop_after

    def event(self, event: dict) -> None:
        self.events.append(event)

    def beat(self, usage: Usage) -> None:
        pass

    def should_stop(self) -> Ending | None:
        seen = self._stop_after and any(event["event"] == self._stop_after for event in self.events)
        return Ending.STOPPED if seen else None


@pytest.fixture(scope="module")
def template():
    template = Template()
    yield template
    template.close()


def job(folder: Path, encoder: EncoderRef = POCKET, *, epochs: int = 1) -> Path:
    """A stage file: a training of a few steps on the pocket suite."""
    spec = task("pocket_pos")
    training = PhaseSettings(learning_rate=1e-3, epochs=epochs, train_limit=64).resolve([spec])
    stage = Stage(TrainPlan((spec.slug,), training, (spec.pivot,)), encoder, 1, None)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "stage.json"
    file.write_text(Job(stage, str(folder / "out"), threads=1).to_json())
    return file


def run(file: Path, watcher: Watcher, template: Template):
    return supervise([*COMMAND, str(file)], file.parent / "out", watcher, LIMITS, template=template)


def test_it_works(tmp_path, template):
    seconds = []
    for name in ("first", "second"):
        watcher = Watcher()
        outcome = run(job(tmp_path / name), watcher, template)
        assert outcome.ending is Ending.DONE, outcome
        assert {"environment", "data", "artifact", "done"} <= {event["event"] for event in watcher.events}
        seconds.append(outcome.seconds)
    weights = [tmp_path / name / "out/checkpoint/encoder/model.safetensors" for name in ("first", "second")]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_a_warm_engine_learns_what_one_that_was_started_alone_does(tmp_path, template):
    run(job(tmp_path / "warm"), Watcher(), template)
    alone = supervise([*COMMAND, str(job(tmp_path / "alone"))], tmp_path / "alone/out", Watcher(), LIMITS)
    assert alone.ending is Ending.DONE
    weights = [tmp_path / name / "out/checkpoint/encoder/model.safetensors" for name in ("warm", "alone")]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_a_stage_file_that_is_refused_at_once(tmp_path, template):
    file = tmp_path / "stage.json"
    file.write_text("{}")
    watcher = Watcher()
    outcome = run(file, watcher, template)
    assert outcome.ending is Ending.SUBMITTER
    assert "cannot be read" in (tmp_path / "out" / LOG).read_text()


def test_one_that_is_asked_to_stop_leaves_a_resume_point(tmp_path, template):
    file = job(tmp_path, epochs=2000)
    outcome = run(file, Watcher(stop_after="curve"), template)
    assert outcome.ending is Ending.STOPPED
    assert list((tmp_path / "out").glob("resume-*"))


def test_one_that_is_killed_is_known_to_be_killed_and_the_next_one_starts(tmp_path, template):
    class Killer(Watcher):
        def event(self, event: dict) -> None:
            super().event(event)
            if event["event"] == "curve":
                _, group = (tmp_path / "killed/out/stage.lock").read_text().split()
                os.killpg(int(group), signal.SIGKILL)

    outcome = run(job(tmp_path / "killed", epochs=2000), Killer(), template)
    assert outcome.ending is Ending.KILLED
    assert run(job(tmp_path / "next"), Watcher(), template).ending is Ending.DONE


def test_an_engine_ends_with_its_template(tmp_path):
    template = Template()

    class Closer(Watcher):
        pid = 0

        def event(self, event: dict) -> None:
            super().event(event)
            if event["event"] == "curve" and not self.pid:
                self.pid = int((tmp_path / "out/stage.lock").read_text().split()[1])
                os.kill(template._process.pid, signal.SIGKILL)

    watcher = Closer()
    outcome = run(job(tmp_path, epochs=2000), watcher, template)
    assert outcome.ending in (Ending.KILLED, Ending.STOPPED)
    deadline = time.monotonic() + 10
    while Path(f"/proc/{watcher.pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not Path(f"/proc/{watcher.pid}").exists()
    template.close()


def test_another_command_is_started_as_ever(tmp_path, template):
    done = json.dumps({"event": "done", "seconds": 1.0})
    watcher = Watcher()
    outcome = supervise(["/bin/echo", done], tmp_path, watcher, LIMITS, template=template)
    assert outcome.ending is Ending.DONE
