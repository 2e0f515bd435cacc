"""The same seed gives the same weights, bit for bit, however often the engine was killed or stopped on the way."""

from __future__ import annotations

import dataclasses
import json
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.events import EXIT_STOPPED
from runner.spec import EncoderRef, EvaluatePlan, Job, MaskedWords, Sampling, Stage, TrainPlan
from tests.runner.factories import Engine, assert_same_weights, by_kind, job_for, run, settings, start

pytestmark = pytest.mark.slow

MASKED = MaskedWords("wikipedia", ("de", "en"), texts=30)
EARLY = settings(epochs=12, patience=4, evaluate_every=4)
# A phase of every kind, with a dozen or two of steps.
PHASES = {
    "pairs": TrainPlan(("nli_cad",), settings(epochs=2)),
    "choices": TrainPlan(("commonsense_qa_3",), settings(epochs=2)),
    "tags": TrainPlan(("udpos",), settings(epochs=2)),
    "spans": TrainPlan(("squad_v2",), settings(epochs=1)),
    "masked words": TrainPlan((), settings(epochs=2), masked=MASKED),
    "mixture": TrainPlan(("nli_cad", "udpos"), settings(epochs=1), sampling=Sampling()),
    "mixture with masked words": TrainPlan(
        ("nli_cad", "squad_v1"), settings(epochs=1), sampling=Sampling("uniform"), masked=MASKED
    ),
    "early stopping": TrainPlan(("nli_cad",), EARLY),
}
INTERRUPTED = ("pairs", "mixture", "mixture with masked words", "early stopping")


def job_at(name: str, phase: str, encoder: EncoderRef, root: Path, mirror: Path) -> Job:
    """A job that writes a resume point after every step."""
    stage = Stage(PHASES[phase], encoder, 5, None)
    return dataclasses.replace(job_for(stage, root / name, mirror), resume_seconds=0.0)


def curve(events: list[dict]) -> list[dict]:
    """What the curve says, without the speed."""
    return [{**event, "tokens_per_second": None} for event in by_kind(events, "curve")]


def first_step(events: list[dict]) -> int:
    """After which step training began."""
    return next(event["done"] for event in by_kind(events, "progress") if event["note"] == "training")


def resumes(job: Job) -> list[int]:
    """The steps of the resume points, in order."""
    return sorted(int(path.name.removeprefix("resume-")) for path in Path(job.output).glob("resume-*"))


@pytest.fixture(scope="module")
def whole(
    tiny_encoder: EncoderRef, mirror: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], tuple[Job, list[dict]]]:
    """Phases that nothing interrupted, each run once for all tests."""
    root, done = tmp_path_factory.mktemp("whole"), {}

    def phase(name: str) -> tuple[Job, list[dict]]:
        if name not in done:
            job = job_at("whole", name, tiny_encoder, root, mirror)
            done[name] = job, run(job)
        return done[name]

    return phase


@pytest.mark.parametrize("phase", PHASES)
def test_the_same_seed_gives_the_same_weights(
    phase: str, whole, tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path
) -> None:
    """Without resume points here: writing them changes nothing either."""
    job = dataclasses.replace(job_at("again", phase, tiny_encoder, tmp_path, mirror), resume_seconds=3600.0)
    events = run(job)
    assert curve(events) == curve(whole(phase)[1])
    assert_same_weights(whole(phase)[0].output, job.output)


def test_another_seed_gives_other_weights(whole, tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path) -> None:
    job = job_for(Stage(PHASES["pairs"], tiny_encoder, 6, None), tmp_path, mirror)
    run(job)
    with pytest.raises(AssertionError, match="weights differ"):
        assert_same_weights(whole("pairs")[0].output, job.output)


def test_the_same_weights_give_the_same_scores(whole, tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path) -> None:
    job, _ = whole("tags")
    stage = Stage(EvaluatePlan("udpos", "test", ("de", "en"), 32), tiny_encoder, None, job.stage.fingerprint)
    results = []
    for name in ("one", "other"):
        evaluation = dataclasses.replace(job_for(stage, tmp_path / name, mirror), parent_output=job.output)
        events = run(evaluation)
        results.append((by_kind(events, "score"), by_kind(events, "artifact")))
    assert results[0] == results[1]


@pytest.mark.parametrize("phase", INTERRUPTED)
def test_a_killed_phase_ends_as_if_it_never_was(
    phase: str, whole, tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path
) -> None:
    """SIGKILL three times, after a random number of steps and a random moment later: within the first half or so."""
    seed = random.randrange(2**32)
    print(f"random.Random({seed})")
    chance = random.Random(seed)
    job = job_at("killed", phase, tiny_encoder, tmp_path, mirror)
    steps = curve(whole(phase)[1])[-1]["step"]
    for _ in range(3):
        engine = start(job)
        go_on(engine, chance.randint(1, steps // 6))
        time.sleep(chance.uniform(0, 0.02))
        engine.process.kill()
        assert engine.end() == -signal.SIGKILL
    events = run(job)
    assert first_step(events) > 0
    assert curve(events) == [event for event in curve(whole(phase)[1]) if event["step"] > first_step(events)]
    assert_same_weights(whole(phase)[0].output, job.output)
    left = {path.name for path in Path(job.output).iterdir()}
    assert left == {"checkpoint", "finished.json"}, "nothing is left beside the result and the record of it"


def go_on(engine: Engine, steps: int) -> None:
    """Wait until so many steps are done."""
    for count, _ in enumerate(engine.steps(), start=1):
        if count == steps:
            return
    raise AssertionError(f"the engine ended before {steps} steps were done: {engine.log()}")


@pytest.mark.parametrize("phase", INTERRUPTED)
def test_a_stopped_phase_goes_on_where_it_was(
    phase: str, whole, tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path
) -> None:
    """SIGTERM: the engine writes a resume point, however long ago the last one was, and leaves."""
    job = dataclasses.replace(job_at("stopped", phase, tiny_encoder, tmp_path, mirror), resume_seconds=3600.0)
    engine = start(job)
    go_on(engine, 3)
    engine.process.terminate()
    assert engine.end() == EXIT_STOPPED
    assert not by_kind(engine.events(), "error")
    stopped_at = resumes(job)[-1]
    assert engine.events()[-1]["event"] in ("curve", "progress")
    events = run(job)
    assert first_step(events) == stopped_at >= 3
    assert_same_weights(whole(phase)[0].output, job.output)


def torn(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text()[:-20])


def truncated(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def foreign(folder: Path) -> None:
    """Of another stage, and of a step that this one never reaches."""
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "fingerprint": "f" * 64}))
    folder.rename(folder.with_name("resume-1000"))


DAMAGES = {
    torn: "manifest.json is not readable: the checkpoint is torn",
    truncated: "model.safetensors is not the file that was written: the checkpoint is damaged",
    foreign: "belongs to stage ffffffffffff",
}


# What is read again is the same for every phase, but for what early stopping keeps beside it.
@pytest.mark.parametrize(
    ("phase", "damage"),
    [*(("pairs", damage) for damage in DAMAGES), ("early stopping", next(iter(DAMAGES)))],
    ids=lambda one: one if isinstance(one, str) else one.__name__,
)
def test_a_damaged_resume_point_is_named_and_the_one_before_is_used(
    phase: str, damage: Callable[[Path], None], whole, tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path
) -> None:
    job = job_at("damaged", phase, tiny_encoder, tmp_path, mirror)
    engine = start(job)
    go_on(engine, 6)
    engine.process.terminate()
    assert engine.end() == EXIT_STOPPED
    before, newest = resumes(job)
    damage(Path(job.output) / f"resume-{newest}")
    again = start(job)
    go_on(again, 4)
    assert DAMAGES[damage] in again.log()
    assert first_step(again.events()) == before
    # Killed again: what was refused takes no place among the points that are kept.
    again.process.kill()
    again.end()
    assert len(resumes(job)) == 2
    assert resumes(job)[-1] < 1000
    events = run(job)
    assert first_step(events) > before
    assert_same_weights(whole(phase)[0].output, job.output)
