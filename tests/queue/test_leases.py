"""Messages and leases: a stage is done once, whatever is lost, doubled, late or silent."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connections, transaction
from django.utils import timezone

from leaderboard.models import Score, Stage
from leaderboard.services import dispatch, leases, progress, sweeping
from leaderboard.services.leases import LeaseLost
from tests.stages import make_evaluation, make_run, make_training, messages, queue_folder, running, silence, status

pytestmark = [pytest.mark.django_db, pytest.mark.queue, pytest.mark.usefixtures("no_messages")]

SCORES = [
    {"event": "score", "task": "tatoeba", "language": language, "metric": "accuracy", "value": 80.0, "n": 1000}
    for language in ("de", "sw")
]


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
