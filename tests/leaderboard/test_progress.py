"""The life of a stage: each transition, then what is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connections, transaction
from django.utils import timezone

from leaderboard.models import Run, Score, Stage
from leaderboard.services import dispatch, leases, progress, results, sweeping
from leaderboard.services.leases import Lease, LeaseLost
from tests.stages import empty_queue, make_evaluation, make_run, make_training, messages, queue_folder, status

pytestmark = [pytest.mark.django_db, pytest.mark.queue]

SCORES = [
    {"event": "score", "task": "tatoeba", "language": language, "metric": "accuracy", "value": 80.0, "n": 1000}
    for language in ("de", "sw")
]


@pytest.fixture(autouse=True)
def _no_messages() -> Iterator[None]:
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


def running(stage: Stage, worker: str = "one") -> Lease:
    """The lease of a stage that is queued and claimed."""
    Stage.objects.filter(pk=stage.pk).update(status="queued", not_before=None)
    lease = leases.claim(stage.pk, worker)
    assert lease is not None
    return lease


def silence(stage: Stage) -> None:
    """Let the stage's lease have run out."""
    Stage.objects.filter(pk=stage.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


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


# Claiming.


@pytest.mark.parametrize("state", ["waiting", "running", "done", "cancelled"])
def test_only_a_queued_stage_can_be_claimed(state: str) -> None:
    stage = make_training(status=state, lease_until=timezone.now())
    assert leases.claim(stage.pk, "one") is None
    assert status(stage) == [state]


def test_a_stage_whose_parent_is_not_done_cannot_be_claimed() -> None:
    stage = make_training(make_training(status="queued"), status="queued")
    assert leases.claim(stage.pk, "one") is None


def test_a_stage_that_does_not_exist_cannot_be_claimed() -> None:
    assert leases.claim(10**9, "one") is None


@pytest.mark.django_db(transaction=True)
def test_of_many_who_claim_at_once_one_wins() -> None:
    stages = [make_training(status="queued") for _ in range(10)]
    claimers = 4
    start = threading.Barrier(claimers)

    def claim_all(name: str) -> list[Lease]:
        try:
            start.wait()
            return [lease for stage in stages if (lease := leases.claim(stage.pk, name))]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(claimers) as pool:
        won_by_all = [lease for won in pool.map(claim_all, "abcd") for lease in won]
    assert sorted(lease.stage_id for lease in won_by_all) == [stage.pk for stage in stages]
    for lease in won_by_all:
        progress.beat(lease)  # and each winner is the one whom the database knows


# Whose turn it is.


def submitter(name: str) -> Any:
    return get_user_model().objects.get_or_create(username=name)[0]


def taken(count: int, lanes: tuple[str, ...] = ("gpu",)) -> list[int]:
    """The stages that a worker gets, one after the other."""
    found = [leases.take(f"worker:{number}", lanes) for number in range(count)]
    return [lease.stage_id for lease in found if lease]


def test_stages_are_taken_in_the_order_of_their_age() -> None:
    stages = [make_training(status="queued") for _ in range(3)]
    assert taken(4) == [stage.pk for stage in stages]
    assert leases.take("late", ("gpu",)) is None


def test_a_worker_takes_from_its_lanes_only() -> None:
    gpu, cpu, short = (make_training(status="queued", lane=lane) for lane in ("gpu", "cpu", "short"))
    assert taken(3, ("cpu",)) == [cpu.pk]
    assert taken(3, ("short", "gpu")) == [gpu.pk, short.pk]


def test_priority_goes_before_age_and_before_shares() -> None:
    ada = submitter("ada")
    low, normal, high = (make_training(status="queued", priority=priority, submitted_by=ada) for priority in (-1, 0, 1))
    other = make_training(status="queued")
    assert taken(4) == [high.pk, other.pk, normal.pk, low.pk]


def test_a_submitter_with_a_thousand_stages_does_not_block_another() -> None:
    ada, bob = submitter("ada"), submitter("bob")
    many = [make_training(status="queued", submitted_by=ada) for _ in range(6)]
    few = [make_training(status="queued", submitted_by=bob) for _ in range(2)]
    assert taken(5) == [many[0].pk, few[0].pk, many[1].pk, few[1].pk, many[2].pk]


def test_a_submitter_has_at_most_so_many_running(settings) -> None:
    settings.SUBMITTER_STAGE_LIMIT = 2
    ada = submitter("ada")
    mine = [make_training(status="queued", submitted_by=ada) for _ in range(3)]
    assert taken(4) == [stage.pk for stage in mine[:2]]
    other = make_training(status="queued")
    assert taken(1) == [other.pk]
    progress.release(Lease(mine[0].pk, 1, "worker:0"))
    assert len(taken(2)) == 1


def test_a_stage_in_its_pause_is_passed_over() -> None:
    paused = make_training(status="queued", not_before=timezone.now() + timedelta(seconds=60))
    assert taken(1) == []
    assert leases.claim(paused.pk, "one") is None
    assert sweeping.sweep().sent == 0
    Stage.objects.update(not_before=timezone.now() - timedelta(seconds=1))
    assert taken(1) == [paused.pk]


@pytest.mark.django_db(transaction=True)
def test_many_who_take_at_once_get_all_and_none_twice() -> None:
    stages = [make_training(status="queued", submitted_by=submitter("ada" if n % 2 else "bob")) for n in range(24)]
    start = threading.Barrier(4)

    def take_all(name: str) -> list[int]:
        try:
            start.wait()
            return taken(len(stages))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        got = [pk for pks in pool.map(take_all, "abcd") for pk in pks]
    assert sorted(got) == [stage.pk for stage in stages]


# Clocks.


def test_a_clock_that_was_put_back_does_not_keep_a_dead_workers_stage() -> None:
    stage, paused = make_training(), make_training(status="queued", not_before=timezone.now() + timedelta(days=1))
    running(stage)
    Stage.objects.filter(pk=stage.pk).update(lease_until=timezone.now() + timedelta(hours=1))
    sweeping.sweep()
    stage.refresh_from_db()
    paused.refresh_from_db()
    assert stage.status == "running"  # its worker may live: it has as long as any to say so
    assert stage.lease_until < timezone.now() + timedelta(seconds=settings.LEASE_SECONDS + 1)
    assert paused.not_before is None


def test_a_lease_is_by_the_clock_of_the_database_not_of_the_worker(monkeypatch) -> None:
    stage = make_training()
    true_now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: true_now + timedelta(days=1))
    lease = running(stage)
    progress.beat(lease)
    assert sweeping.sweep().returned == 0
    assert Stage.objects.get(pk=stage.pk).lease_until < true_now + timedelta(hours=1)


def test_a_dead_workers_stage_is_taken_back_within_a_minute_with_the_settings_as_they_are() -> None:
    assert settings.LEASE_SECONDS + settings.SWEEP_SECONDS + progress.pause_after(1) < 60


# Messages: twice, late, in any order, or never.


def test_a_message_that_comes_twice_finds_nothing_to_do() -> None:
    stage = make_training(status="queued")
    lease = leases.claim(stage.pk, "one")
    assert leases.claim(stage.pk, "one") is None
    progress.finish(lease)
    assert leases.claim(stage.pk, "two") is None
    assert Stage.objects.get(pk=stage.pk).attempt == 1


def test_a_message_that_comes_before_its_time_finds_nothing_to_do(commit) -> None:
    train = make_training(status="queued")
    evaluate = make_evaluation(train)
    make_run([train, evaluate])
    assert leases.claim(evaluate.pk, "one") is None
    commit(progress.finish, leases.claim(train.pk, "one"))
    assert leases.claim(evaluate.pk, "one") is not None


def test_a_message_that_was_never_sent_is_sent_by_the_sweep() -> None:
    stage = make_training(status="queued", sent=None)
    assert sweeping.sweep(idle=False).sent == 1
    assert messages() == [stage.pk]
    assert sweeping.sweep().sent == 0


def test_a_message_that_was_lost_is_sent_again_by_a_worker_with_room() -> None:
    long_ago = timezone.now() - timedelta(seconds=settings.RESEND_SECONDS + 1)
    stage = make_training(status="queued", sent=long_ago)
    assert sweeping.sweep(idle=False).sent == 0
    assert sweeping.sweep(idle=True).sent == 1
    assert messages() == [stage.pk]


@pytest.mark.skipif(bool(settings.CELERY_BROKER_URL), reason="only a folder can be put out of the way")
def test_without_a_broker_the_stage_stays_queued_until_there_is_one(commit, caplog) -> None:
    stage = make_training()
    folder = queue_folder()
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.is_dir():
        folder.rmdir()
    folder.write_text("in the way")
    try:
        commit(dispatch.dispatch_ready)
        stage.refresh_from_db()
        assert (stage.status, stage.sent) == ("queued", None)
        assert "the broker did not answer" in caplog.text
    finally:
        folder.unlink()
    assert sweeping.sweep().sent == 1


def test_nothing_is_sent_for_a_transaction_that_is_rolled_back(commit) -> None:
    stage = make_training()

    @transaction.atomic
    def submit_and_fail() -> None:
        dispatch.dispatch_ready()
        raise RuntimeError

    with pytest.raises(RuntimeError):
        commit(submit_and_fail)
    assert status(stage) == ["waiting"]
    assert messages() == []


def test_ready_stages_that_nobody_dispatched_are_found_by_the_sweep(commit) -> None:
    stage = make_training(make_training(status="done"))
    assert commit(sweeping.sweep).dispatched == 1
    assert status(stage) == ["queued"]


# Leases.


def test_a_silent_worker_loses_its_stage_and_can_write_nothing_more(commit) -> None:
    stage = make_training()
    old = running(stage)
    silence(stage)
    assert commit(sweeping.sweep).returned == 1
    stage.refresh_from_db()
    assert (stage.status, stage.losses) == ("queued", 1)

    new = leases.claim(stage.pk, "two")
    writes: list[Callable[[], Any]] = [
        lambda: progress.beat(old),
        lambda: progress.record(old, {"event": "progress", "done": 1, "total": 2, "unit": "", "note": ""}),
        lambda: progress.finish(old),
        lambda: progress.fail(old, "bug", "No."),
        lambda: progress.stop(old),
        lambda: progress.release(old),
        lambda: progress.lose(old),
    ]
    for write in writes:
        with pytest.raises(LeaseLost):
            write()
    progress.finish(new)
    assert status(stage) == ["done"]


def test_a_worker_that_is_heard_keeps_its_stage() -> None:
    stage = make_training()
    lease = running(stage)
    silence(stage)
    progress.beat(lease)
    assert sweeping.sweep().returned == 0
    assert status(stage) == ["running"]


def test_a_late_result_leaves_no_scores(commit) -> None:
    stage = make_evaluation()
    make_run([stage])
    old = running(stage)
    silence(stage)
    commit(sweeping.sweep)
    with pytest.raises(LeaseLost):
        progress.finish(old, scores=SCORES)
    assert not Score.objects.exists()


def test_a_stage_that_loses_its_worker_too_often_is_given_up(commit) -> None:
    stage = make_training()
    child = make_evaluation(stage)
    for _ in range(settings.MAX_ATTEMPTS):
        assert status(stage)[0] in ("waiting", "queued")
        running(stage)
        silence(stage)
        commit(sweeping.sweep)
    stage.refresh_from_db()
    assert (stage.status, stage.failure) == ("failed", "lost_worker")
    assert f"lost {settings.MAX_ATTEMPTS} times" in stage.message
    assert status(child) == ["failed"]


def test_a_stage_that_is_lost_again_and_again_waits_ever_longer() -> None:
    assert [progress.pause_after(losses) for losses in range(5)] == [0, 0, 30, 60, 120]
    assert progress.pause_after(100) == progress.LONGEST_PAUSE


def test_a_worker_that_stops_in_order_has_lost_nothing(commit) -> None:
    stage = make_training()
    for _ in range(settings.MAX_ATTEMPTS + 1):
        commit(progress.release, running(stage))
    stage.refresh_from_db()
    assert (stage.status, stage.losses, stage.attempt) == ("queued", 0, settings.MAX_ATTEMPTS + 1)


@pytest.mark.django_db(transaction=True)
def test_of_many_sweeps_at_once_one_takes_a_stage_back() -> None:
    stages = [make_training() for _ in range(5)]
    for stage in stages:
        running(stage)
        silence(stage)
    start = threading.Barrier(4)

    def sweep(_: int) -> int:
        try:
            start.wait()
            return sweeping.sweep().returned
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(sweep, range(4))) == len(stages)
    assert set(Stage.objects.filter(pk__in=[stage.pk for stage in stages]).values_list("losses", flat=True)) == {1}


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
