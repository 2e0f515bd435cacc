"""The worker's job, with the real queue, a real worker and a short script in the engine's place."""

from __future__ import annotations

import json
import threading
import time
import uuid
from pathlib import Path
from types import SimpleNamespace

import pytest
from celery.contrib.testing.worker import start_worker
from django.conf import settings
from django.db import connection, connections
from django.utils import timezone

from leaderboard.celery import app
from leaderboard.models import Artifact, Score, Stage, Worker
from leaderboard.services import dispatch, leases, progress, results
from runner import jobs, spec
from runner.curve import Curve
from runner.jobs.places import Places, Sweeper
from runner.jobs.relay import SHUTTING_DOWN, Rate
from runner.jobs.stage import run as run_lease
from tests.stages import make_evaluation, make_run, make_training, status
from tests.workers import DONE, GOOD, WAIT, begun, fresh, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.queue, pytest.mark.usefixtures("fast")]


def run_stage(stage: Stage, gpu: str = "") -> None:
    """What a place does with the stage, if it is still to be had."""
    if lease := leases.claim(stage.pk, f"test:{uuid.uuid4().hex[:8]}"):
        run_lease(lease, gpu)


def queued_evaluation() -> Stage:
    stage = make_evaluation(status="queued")
    make_run([stage])
    return stage


def _in_background(stage: Stage) -> threading.Thread:
    def work() -> None:
        try:
            run_stage(stage)
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


# With a worker, from submission to scores.


@pytest.mark.parametrize("concurrency", [1, 3])
def test_it_works(engine, concurrency: int) -> None:
    train = make_training()
    evaluations = [make_evaluation(train) for _ in range(3)]
    runs = [make_run([train, evaluation]) for evaluation in evaluations]
    with start_worker(app, pool="threads", concurrency=concurrency, perform_ping_check=False) as controller:
        # Celery's worker for tests does not send the signals of one that is started by hand.
        jobs.begin(sender=SimpleNamespace(controller=controller))
        try:
            dispatch.dispatch_ready()
            until(lambda: set(status(train, *evaluations)) == {"done"})
            assert Worker.objects.get().places == concurrency
        finally:
            jobs.end()
    assert [run.scores.count() for run in runs] == [2, 2, 2]
    assert {stage.attempt for stage in (fresh(train), *map(fresh, evaluations))} == {1}

    train = fresh(train)
    assert (train.done, train.total, train.unit) == (3, 3, "steps")
    assert train.environment == {"device": "cpu", "secret": None}
    kinds = set(Artifact.objects.filter(stage=train).values_list("kind", flat=True))
    assert kinds == {"checkpoint", "log", "curve"}
    for artifact in Artifact.objects.all():
        assert (settings.ARTIFACT_DIR / artifact.path).stat().st_size == artifact.size
    assert (results.folder(train) / "stage.log").read_text() == "some log\n"
    assert fresh(evaluations[0]).data[0]["rows"] == 1000


def test_the_job_file_is_what_the_engine_needs(engine, settings, tmp_path) -> None:
    settings.FEATURE_CACHE_DIR, settings.ENGINE_THREADS = tmp_path / "features", 2
    settings.FEATURE_CACHE_LIMIT, settings.RESUME_SECONDS = 7, 60
    settings.ENGINE_GRADIENT_CHECKPOINTING, settings.ENGINE_COMPILE = True, True
    train = make_training(status="done")
    stage = make_evaluation(train, status="queued")
    run_stage(stage)
    job = spec.Job.from_json((results.folder(stage) / "stage.json").read_text())
    assert job.stage.fingerprint == stage.fingerprint
    assert (job.output, job.parent_output) == (str(results.folder(stage)), str(results.folder(train)))
    assert job.stage.encoder.location == "some/folder"
    assert (job.data_dir, job.threads) == (settings.DATA_DIR, 2)
    assert (job.cache_dir, job.cache_limit) == (str(tmp_path / "features"), 7)
    assert (job.gradient_checkpointing, job.compile, job.resume_seconds) == (True, "inductor", 60)


def test_a_stage_given_to_two_workers_is_run_once(engine) -> None:
    engine('open(output / "runs", "a").write("x"); time.sleep(0.3)' + GOOD)
    stage = make_training(status="queued")
    threads = [_in_background(stage) for _ in range(2)]
    for thread in threads:
        thread.join()
    assert status(stage) == ["done"]
    assert (results.folder(stage) / "runs").read_text() == "x"


def test_a_message_for_a_stage_that_is_done_does_nothing(engine) -> None:
    stage = make_training(status="done")
    run_stage(stage)
    assert not results.folder(stage).exists()


# What can go wrong.


@pytest.mark.parametrize(
    ("script", "failure", "message"),
    [
        ('say("error", family="submitter", message="No such split.");sys.exit(2)', "submitter", "No such split."),
        ("sys.exit(3)", "out_of_memory", "The engine ran out of memory."),
        ("raise KeyError", "bug", "The engine ended with exit code 1; its log says more."),
        ('say("done", seconds=1)', "bug", "reported no accuracy for de."),
        ('score("de"); score("sw", 101); say("done", seconds=1)', "bug", "scores lie in 0..100."),
        (
            'say("score", task=plan.task); say("done", seconds=1)',
            "bug",
            "A result lacks a field: KeyError('language').",
        ),
        (
            'say("artifact", kind="log", path="x", sha256="", size=1)\nscore("de"); score("sw")\n' + DONE,
            "bug",
            "reported the file x, which is not there.",
        ),
    ],
)
def test_a_failure_is_told_in_a_sentence_with_the_log_at_hand(engine, script: str, failure: str, message: str) -> None:
    engine(script)
    stage = queued_evaluation()
    run_stage(stage)
    stage = fresh(stage)
    assert (stage.status, stage.failure) == ("failed", failure)
    assert stage.message.endswith(message)
    assert stage.artifacts.filter(kind="log").exists()
    assert not Score.objects.exists()


def test_the_time_limit_ends_a_stage(engine, settings) -> None:
    settings.STAGE_TIME_LIMIT = 0.5
    engine("time.sleep(30)")
    stage = queued_evaluation()
    run_stage(stage)
    assert fresh(stage).failure == "time_limit"


def test_a_stage_of_another_version_of_the_engine_is_the_submitters_to_mend(engine) -> None:
    stage = queued_evaluation()
    Stage.objects.filter(pk=stage.pk).update(spec={**stage.spec, "engine_version": "0"})
    run_stage(stage)
    stage = fresh(stage)
    assert (stage.status, stage.failure) == ("failed", "submitter")
    assert "submit the run again" in stage.message


def test_an_engine_that_does_not_exist_is_a_bug(settings) -> None:
    settings.ENGINE_COMMAND = ["/no/such/engine"]
    stage = queued_evaluation()
    run_stage(stage)
    assert fresh(stage).failure == "bug"


def test_a_store_that_the_worker_cannot_write_to_is_the_machines_fault(engine, settings, tmp_path: Path) -> None:
    settings.ARTIFACT_DIR = tmp_path / "in-the-way"
    settings.ARTIFACT_DIR.touch()
    stage = make_training(status="queued")
    run_stage(stage)
    stage = fresh(stage)
    assert (stage.status, stage.losses) == ("queued", 1)
    assert stage.message == "The worker's machine failed: Not a directory."


def test_an_engine_that_is_killed_is_tried_again(engine) -> None:
    once = (
        'if not (output / "once").exists():\n    (output / "once").touch()\n    os.kill(os.getpid(), signal.SIGKILL)\n'
    )
    engine(once + GOOD)
    stage = make_training(status="queued")
    run_stage(stage)
    if fresh(stage).failure == "out_of_memory":
        pytest.skip("this system does not tell a kill for memory from another")
    assert (fresh(stage).status, fresh(stage).losses) == ("queued", 1)
    run_stage(stage)
    assert status(stage) == ["done"]


def test_an_engine_that_hangs_is_tried_again_and_the_page_can_say_why(engine, settings) -> None:
    settings.STAGE_SILENCE_LIMIT = 1
    engine('say("progress", done=1, total=9, unit="steps", note="Training"); time.sleep(30)')
    stage = make_training(status="queued")
    run_stage(stage)
    stage = fresh(stage)
    assert (stage.status, stage.losses) == ("queued", 1)
    assert stage.message == "It was alive, but made no progress for 1 seconds."


def test_a_stage_that_the_machine_fails_waits_ever_longer_and_is_given_up(engine, settings) -> None:
    engine('say("error", family="infrastructure", message="The disk is full.");sys.exit(5)')
    stage = make_training(status="queued")
    pauses = []
    for _ in range(settings.MAX_ATTEMPTS):
        Stage.objects.filter(pk=stage.pk).update(not_before=None)
        run_stage(stage)
        found = fresh(stage)
        pauses.append(round((found.not_before - timezone.now()).total_seconds()) if found.not_before else 0)
    assert pauses == [0, 30, 60, 120, 0]
    assert (found.status, found.failure) == ("failed", "infrastructure")
    assert found.message == "The disk is full. It was lost 5 times, and is given up."


def test_out_of_memory_is_not_tried_again(engine, settings) -> None:
    settings.STAGE_MEMORY_LIMIT = 5
    engine("time.sleep(30)")
    stage = make_training(status="queued")
    run_stage(stage)
    stage = fresh(stage)
    assert (stage.status, stage.failure, stage.losses) == ("failed", "out_of_memory", 0)
    assert "GiB of memory, more than the 0.0 allowed." in stage.message


def test_what_the_engine_uses_and_how_fast_it_is_are_recorded(engine) -> None:
    engine(WAIT)
    stage = make_training(status="queued")
    job = _in_background(stage)
    try:
        until(lambda: fresh(stage).rate and fresh(stage).usage.get("memory"))
        assert fresh(stage).usage["memory_peak"] > 5 * 2**20
        assert 1 < fresh(stage).rate < 20  # ten a second, on a machine that may be busy
    finally:
        SHUTTING_DOWN.set()
        job.join()


def test_the_rate_is_of_one_activity() -> None:
    rate = Rate()
    assert rate.value() is None
    rate.notice({"unit": "steps", "note": "reading data", "done": 0, "total": 0})
    time.sleep(0.02)
    rate.notice({"unit": "steps", "note": "training", "done": 0, "total": 100})
    assert rate.value() is None
    time.sleep(0.1)
    rate.notice({"unit": "steps", "note": "training", "done": 10, "total": 100})
    assert 30 < rate.value() <= 100


def test_a_place_with_a_gpu_gives_it_to_its_engines(engine) -> None:
    engine('(output / "gpu").write_text(os.environ["CUDA_VISIBLE_DEVICES"]); time.sleep(0.5)\n' + GOOD)
    stages = [make_training(status="queued") for _ in range(4)]
    places = Places(2, ["0", "GPU-abc"])
    places.start()
    try:
        until(lambda: set(status(*stages)) == {"done"})
    finally:
        places.stop()
    assert {(results.folder(stage) / "gpu").read_text() for stage in stages} == {"0", "GPU-abc"}


# Stopping.


def _seconds_to_cancel(stage: Stage) -> float:
    """From the wish to the end of a stage at work."""
    run = make_run([stage])
    job = _in_background(stage)
    until(lambda: begun(stage))
    asked = time.monotonic()
    progress.cancel_run(run)
    job.join()
    assert status(stage) == ["cancelled"]
    return time.monotonic() - asked


def test_cancelling_a_run_ends_its_engine_within_seconds(engine) -> None:
    engine(WAIT)
    stage = make_training(status="queued")
    assert _seconds_to_cancel(stage) < 5
    assert (results.folder(stage) / "checkpoint").exists()


def test_cancelling_takes_less_than_five_seconds_with_the_settings_as_they_are(engine, settings) -> None:
    settings.HEARTBEAT_SECONDS = 3
    engine('signal.signal(signal.SIGTERM, signal.SIG_IGN)\n(output / "begun").touch(); time.sleep(60)')
    assert _seconds_to_cancel(make_training(status="queued")) < 5


def test_a_worker_that_shuts_down_gives_its_stage_back(engine) -> None:
    engine(WAIT)
    stage = make_training(status="queued")
    job = _in_background(stage)
    until(lambda: begun(stage))
    SHUTTING_DOWN.set()
    job.join()
    stage = fresh(stage)
    assert (stage.status, stage.losses) == ("queued", 0)
    assert stage.seconds > 0
    assert (results.folder(stage) / "checkpoint").exists()


def test_an_engine_whose_lease_was_taken_is_stopped_and_writes_nothing(engine) -> None:
    engine(WAIT)
    stage = make_training(status="queued")
    job = _in_background(stage)
    until(lambda: begun(stage))
    Stage.objects.filter(pk=stage.pk).update(attempt=7, worker="another")
    job.join()
    stage = fresh(stage)
    assert (stage.status, stage.attempt, stage.worker, stage.seconds) == ("running", 7, "another", 0)


def test_progress_is_written_while_the_engine_works(engine) -> None:
    engine(WAIT)
    stage = make_training(status="queued")
    job = _in_background(stage)
    try:
        until(lambda: fresh(stage).total == 300)
        assert fresh(stage).lease_until > timezone.now()
    finally:
        SHUTTING_DOWN.set()
        job.join()


def test_the_sweeper_outlives_a_database_that_is_away(monkeypatch, caplog) -> None:
    stage = make_training(status="queued")
    sweeper = Sweeper(Places(1))
    with monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "NAME", "/no/such/folder/database")
        connection.close()
        sweeper.sweep()
        connection.close()
    assert "A sweep failed." in caplog.text
    sweeper.sweep()
    assert fresh(stage).sent is not None


# The curve.


def test_the_curve_goes_on_where_a_resumed_engine_begins(tmp_path: Path) -> None:
    first = Curve(tmp_path)
    for step in (10, 20, 30):
        first.append({"step": step, "loss": 3})
    with (tmp_path / "curve.jsonl").open("a") as file:
        file.write('{"step": 4')
    resumed = Curve(tmp_path)
    for step in (20, 30, 40):
        resumed.append({"step": step, "loss": 2})
    points = [json.loads(line) for line in (tmp_path / "curve.jsonl").read_text().splitlines()]
    assert [(point["step"], point["loss"]) for point in points] == [(10, 3), (20, 2), (30, 2), (40, 2)]
