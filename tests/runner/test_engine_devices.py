"""A training stage in several processes learns what one process learns, and ends as one process would."""

from __future__ import annotations

import dataclasses
import os
import signal
import time
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from runner.events import EXIT_BUG, EXIT_DONE, EXIT_STOPPED, EXIT_SUBMITTER
from runner.launch import ending
from runner.spec import EncoderRef, EvaluatePlan, Job, MaskedWords, Sampling, Stage, TrainPlan
from tests.runner.factories import Engine, assert_same_weights, by_kind, job_for, run, settings, start

pytestmark = pytest.mark.slow

# A batch of 5: the two processes never have equal shares of it.
PAIRS = TrainPlan(("nli_cad",), settings(epochs=1, batch_size=5, patience=2, evaluate_every=4))
BESIDE = TrainPlan(
    ("nli_cad", "udpos"),
    settings(epochs=2, batch_size=5),
    sampling=Sampling(),
    masked=MaskedWords("wikipedia", ("de", "en"), share=0.4, texts=20),
)


class Failure(NamedTuple):
    """What `ending` reads of PyTorch's ProcessFailure."""

    exitcode: int
    error_file_data: dict[str, object]


def job_of(plan: TrainPlan | EvaluatePlan, encoder: EncoderRef, root: Path, mirror: Path, processes: int) -> Job:
    seed = 3 if isinstance(plan, TrainPlan) else None
    return dataclasses.replace(job_for(Stage(plan, encoder, seed, None), root, mirror), processes=processes)


def workers_of(engine: Engine) -> list[psutil.Process]:
    return psutil.Process(engine.process.pid).children()


def wait_for_a_step(engine: Engine) -> None:
    next(engine.steps())


def test_two_processes_learn_what_one_learns(plain_encoder: EncoderRef, mirror: Path, tmp_path: Path) -> None:
    """Without dropout, which every device draws for itself.

    A weight whose gradient is next to nothing moves by AdamW's eps and rounding: a hundredth of a step may differ.
    """
    one, two = (job_of(PAIRS, plain_encoder, tmp_path / str(count), mirror, count) for count in (1, 2))
    alone, together = run(one), run(two)
    assert_same_weights(one.output, two.output, within=1e-4)
    kinds = [[event["event"] for event in events if event["event"] != "progress"] for events in (alone, together)]
    assert kinds[0] == kinds[1], "one process speaks for all"
    assert by_kind(together, "environment")[0]["processes"] == 2
    losses = [[event["loss"] for event in by_kind(events, "curve") if "loss" in event] for events in (alone, together)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


def test_asked_to_stop_all_processes_stop_after_the_same_step_and_go_on_from_it(
    plain_encoder: EncoderRef, mirror: Path, tmp_path: Path
) -> None:
    """As the supervisor asks: a signal to the group that the launcher leads, which its workers are not in."""
    whole, stopped = (job_of(BESIDE, plain_encoder, tmp_path / str(count), mirror, count) for count in (1, 2))
    run(whole)
    engine = start(stopped)
    wait_for_a_step(engine)
    os.kill(engine.process.pid, signal.SIGTERM)
    assert engine.end() == EXIT_STOPPED
    assert not by_kind(engine.events(), "error")
    assert engine.log().count("Stopped after step") == 2
    assert len({line for line in engine.log().splitlines() if line.startswith("Stopped after step")}) == 1
    (resume,) = Path(stopped.output).glob("resume-*")
    again = start(stopped)
    assert again.end() == EXIT_DONE
    starts = [event["done"] for event in by_kind(again.events(), "progress") if event["note"] == "training"]
    assert starts[0] == int(resume.name.removeprefix("resume-"))
    assert_same_weights(whole.output, stopped.output, within=1e-4)


def test_an_error_of_all_processes_is_told_once(plain_encoder: EncoderRef, mirror: Path, tmp_path: Path) -> None:
    engine = start(job_of(TrainPlan(("hellaswag",), settings()), plain_encoder, tmp_path, mirror, 2))
    assert engine.end() == EXIT_SUBMITTER
    (error,) = by_kind(engine.events(), "error")
    assert error["family"] == "submitter"
    assert "Rowan/hellaswag" in error["message"]


def test_a_worker_that_was_ended_after_its_word_hides_no_error() -> None:
    """The first to leave has the others terminated: the earliest word may be of one that could not leave by itself."""
    told = [("bug", 2.0, EXIT_BUG), ("submitter", 1.0, -signal.SIGTERM)]
    failures = [Failure(code, {"family": family, "message": family, "timestamp": at}) for family, at, code in told]
    emitted = []
    assert ending(failures, lambda event, **fields: emitted.append((event, fields))) == EXIT_SUBMITTER
    assert emitted == [("error", {"family": "submitter", "message": "submitter"})]


def test_where_a_worker_or_the_launcher_is_killed_nothing_goes_on(
    plain_encoder: EncoderRef, mirror: Path, tmp_path: Path
) -> None:
    plan = dataclasses.replace(BESIDE, training=settings(epochs=500, batch_size=5))
    engine = start(job_of(plan, plain_encoder, tmp_path, mirror, 2))
    wait_for_a_step(engine)
    workers = workers_of(engine)
    assert len(workers) == 2
    workers[1].kill()
    assert engine.end() == -signal.SIGKILL, "as one process would end, for the supervisor to judge"
    assert gone(workers)

    engine = start(job_of(plan, plain_encoder, tmp_path, mirror, 2))
    wait_for_a_step(engine)
    workers = workers_of(engine)
    engine.process.kill()
    assert gone(workers)


def gone(processes: list[psutil.Process]) -> bool:
    deadline = time.monotonic() + 10
    while any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_an_evaluation_is_one_process(plain_encoder: EncoderRef, mirror: Path, tmp_path: Path) -> None:
    plan = EvaluatePlan("tatoeba", "test", ("de",), 32, layer=1, pooling="mean")
    events = run(job_of(plan, plain_encoder, tmp_path, mirror, 2))
    assert by_kind(events, "environment")[0]["processes"] == 1
    assert len(by_kind(events, "score")) == 1
