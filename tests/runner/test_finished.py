"""A stage that was complete is never computed again; and a machine that fails a stage is told from a bug."""

from __future__ import annotations

import json
import resource
from pathlib import Path

import pytest

from runner.events import EXIT_INFRASTRUCTURE
from runner.finished import FINISHED, replay
from runner.spec import EncoderRef, Job, Stage, TrainPlan
from tests.runner.factories import end, job_for, settings

KEPT = ("environment", "data", "artifact")


@pytest.fixture
def job(tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path) -> Job:
    plan = TrainPlan(("udpos",), settings(epochs=1, train_limit=16))
    return job_for(Stage(plan, tiny_encoder, 1, None), tmp_path, mirror)


def kept(events: list[dict]) -> list[dict]:
    return [event for event in events if event["event"] in KEPT]


def test_it_works(job: Job) -> None:
    code, first, log = end(job)
    assert (code, log.count("The stage is complete.")) == (0, 1)
    code, second, log = end(job)
    assert code == 0
    assert "complete already" in log
    assert kept(second) == kept(first)
    assert second[-1] == first[-1]
    assert "progress" not in {event["event"] for event in second}


def test_a_file_that_is_not_whole_makes_it_compute_again(job: Job) -> None:
    end(job)
    model = max(Path(job.output, "checkpoint").glob("*.safetensors"), key=lambda path: path.stat().st_size)
    right = model.read_bytes()
    model.write_bytes(right[:-1] + b"?")
    code, events, log = end(job)
    assert (code, log.count("The stage is complete.")) == (0, 1)
    assert model.read_bytes() == right
    assert "progress" in {event["event"] for event in events}


@pytest.mark.parametrize("content", ["", "{", "[]", json.dumps({"fingerprint": "another", "events": []})])
def test_a_record_that_is_torn_or_of_another_stage_is_none(job: Job, content: str) -> None:
    Path(job.output).mkdir(parents=True)
    Path(job.output, FINISHED).write_text(content)
    said = []
    assert replay(job, lambda event, **fields: said.append(event)) is False
    assert said == []


def little_room() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


def test_a_disk_that_is_full_while_the_checkpoint_is_written_is_the_machines_fault(job: Job) -> None:
    code, events, _ = end(job, little_room)
    error = events[-1]
    assert (code, error["family"]) == (EXIT_INFRASTRUCTURE, "infrastructure")
    assert error["message"].startswith("The machine failed the stage: ")
    assert job.output not in error["message"]
    assert not Path(job.output, "checkpoint").exists()
    assert not Path(job.output, FINISHED).exists()
