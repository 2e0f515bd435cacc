"""The life of a stage: each transition, then what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from leaderboard.models import Run, Score, Stage
from leaderboard.services import dispatch, leases, progress, results, sweeping
from tests.stages import make_evaluation, make_run, make_training, messages, running, silence, status

pytestmark = [pytest.mark.django_db, pytest.mark.queue, pytest.mark.usefixtures("no_messages")]

SCORES = [
    {"event": "score", "task": "tatoeba", "language": language, "metric": "accuracy", "value": 80.0, "n": 1000}
    for language in ("de", "sw")
]


# A stage that goes well.


def test_it_works(commit) -> None:
    train = make_training()
    evaluate = make_evaluation(train)
    run = make_run([train, evaluate])

    assert commit(dispatch.dispatch_ready) == 1
    assert status(train, evaluate) == ["queued", "waiting"]
    assert messages() == [train.pk]

    lease = leases.claim(train.pk, "one")
    assert status(train) == ["running"]
    assert progress.beat(lease).cancel_requested is False
    commit(progress.finish, lease, seconds=2.5)
    assert status(train, evaluate) == ["done", "queued"]
    assert messages() == [train.pk, evaluate.pk]

    lease = leases.claim(evaluate.pk, "two")
    commit(progress.finish, lease, scores=SCORES, seconds=1)
    assert status(evaluate) == ["done"]
    assert Run.objects.with_progress().get(pk=run.pk).status == "done"
    assert run.scores.count() == 2


def test_seconds_add_up_over_attempts() -> None:
    stage = make_training()
    progress.release(running(stage), seconds=3)
    progress.finish(leases.claim(stage.pk, "two"), seconds=4)
    assert Stage.objects.get(pk=stage.pk).seconds == 7


def test_progress_is_recorded_and_never_beyond_its_total() -> None:
    stage = make_training()
    lease = running(stage)
    progress.record(lease, {"event": "progress", "done": 12, "total": 10, "unit": "steps", "note": "Training"})
    stage.refresh_from_db()
    assert (stage.done, stage.total, stage.unit, stage.activity) == (12, 12, "steps", "Training")


def test_the_environment_is_recorded() -> None:
    stage = make_training()
    progress.record(running(stage), {"event": "environment", "device": "cpu"})
    stage.refresh_from_db()
    assert stage.environment == {"device": "cpu"}


# Failing.


def test_a_failure_reaches_all_that_starts_from_it(commit) -> None:
    train = make_training(title="Train on MNLI")
    tuned = make_training(train)
    evaluate = make_evaluation(tuned)
    apart = make_evaluation()
    commit(progress.fail, running(train), "out_of_memory", "The engine ran out of memory.")
    assert status(train, tuned, evaluate, apart) == ["failed", "failed", "failed", "waiting"]
    evaluate.refresh_from_db()
    assert evaluate.failure == "parent"
    assert evaluate.message == "It starts from “Train on MNLI”, which has failed."


def test_a_stage_that_is_linked_to_a_failed_one_later_fails_too() -> None:
    parent = make_training(status="failed", failure="bug", message="No.")
    child = make_evaluation(parent)
    sweeping.sweep()
    assert status(child) == ["failed"]


def test_results_that_cannot_be_true_leave_the_stage_running() -> None:
    stage = make_evaluation()
    make_run([stage])
    lease = running(stage)
    with pytest.raises(results.ResultError, match="no accuracy for sw"):
        progress.finish(lease, scores=SCORES[:1])
    assert status(stage) == ["running"]
    assert not Score.objects.exists()


# Cancelling.


def test_a_cancelled_run_ends_what_it_alone_wants(commit) -> None:
    shared, alone = make_training(), make_training()
    child = make_evaluation(alone)
    cancelled, other = make_run([shared, alone, child]), make_run([shared])
    lease = running(alone)
    assert commit(progress.cancel_run, cancelled) == 2
    assert status(shared, alone, child) == ["waiting", "running", "cancelled"]
    assert progress.beat(lease).cancel_requested is True
    progress.stop(lease)
    assert status(alone) == ["cancelled"]
    assert Run.objects.with_progress().get(pk=cancelled.pk).status == "cancelled"
    assert Run.objects.with_progress().get(pk=other.pk).status == "queued"


def test_a_stage_goes_on_until_the_last_run_is_cancelled() -> None:
    stage = make_training()
    runs = [make_run([stage]), make_run([stage])]
    lease = running(stage)
    progress.cancel_run(runs[0])
    assert progress.beat(lease).cancel_requested is False
    progress.cancel_run(runs[1])
    assert progress.beat(lease).cancel_requested is True


def test_a_stage_that_another_run_joins_while_it_is_cancelled_is_queued_again(commit) -> None:
    stage = make_training()
    lease = running(stage)
    progress.cancel_run(make_run([stage]))
    joined = make_run([stage])
    commit(progress.retry_run, joined)
    assert progress.beat(lease).cancel_requested is False
    commit(progress.stop, lease)  # its engine had stopped already
    assert status(stage) == ["queued"]


def test_a_cancelled_stage_whose_worker_is_lost_is_not_run_again(commit) -> None:
    stage = make_training()
    run = make_run([stage])
    running(stage)
    progress.cancel_run(run)
    silence(stage)
    commit(sweeping.sweep)
    assert status(stage) == ["cancelled"]


def test_a_stage_that_is_done_before_it_notices_is_done() -> None:
    stage = make_training()
    run = make_run([stage])
    lease = running(stage)
    progress.cancel_run(run)
    progress.finish(lease)
    assert status(stage) == ["done"]


def test_what_is_queued_or_paused_is_cancelled_at_once() -> None:
    queued = make_training(status="queued")
    paused = make_training(status="queued", not_before=timezone.now() + timedelta(seconds=60))
    run = make_run([queued, paused])
    assert progress.cancel_run(run) == 2
    assert status(queued, paused) == ["cancelled", "cancelled"]
    assert leases.take("one", ("gpu",)) is None


def test_a_run_with_nothing_left_to_do_cannot_be_cancelled() -> None:
    run = make_run([make_training(status="done")])
    assert progress.cancel_run(run) == 0
    run.refresh_from_db()
    assert run.cancelled is None


# Retrying.


def test_a_retried_run_goes_on_where_it_failed(commit) -> None:
    done = make_training(status="done")
    failed = make_training(done, status="queued")
    child = make_evaluation(failed)
    run = make_run([done, failed, child])
    progress.fail(leases.claim(failed.pk, "one"), "bug", "No.")
    assert commit(progress.retry_run, run) == 2
    assert status(done, failed, child) == ["done", "queued", "waiting"]
    failed.refresh_from_db()
    assert (failed.failure, failed.message, failed.losses) == ("", "", 0)
    assert failed.attempt == 1  # leases of before the retry stay invalid
    assert messages() == [failed.pk]


def test_a_retry_takes_along_what_failed_in_other_runs_because_of_it(commit) -> None:
    shared = make_training()
    theirs = make_evaluation(shared)
    run = make_run([shared])
    make_run([shared, theirs])
    progress.fail(running(shared), "bug", "No.")
    assert status(theirs) == ["failed"]
    commit(progress.retry_run, run)
    assert status(shared, theirs) == ["queued", "waiting"]


def test_joining_a_stage_that_had_too_little_memory_does_not_try_it_again(commit) -> None:
    failed, other = make_training(), make_training()
    child = make_evaluation(failed)
    progress.fail(running(failed), "out_of_memory", "Too big.")
    progress.fail(running(other), "bug", "No.")
    late = make_training(failed)
    run = make_run([failed, other, child, late])
    commit(progress.retry_run, run, out_of_memory=False)
    assert status(failed, other, child, late) == ["failed", "queued", "failed", "failed"]
    commit(progress.retry_run, run)
    assert status(failed, child, late) == ["queued", "waiting", "waiting"]


def test_a_cancelled_run_can_be_taken_up_again(commit) -> None:
    stage = make_training()
    run = make_run([stage])
    progress.cancel_run(run)
    assert commit(progress.retry_run, run) == 1
    run.refresh_from_db()
    assert run.cancelled is None
    assert status(stage) == ["queued"]
