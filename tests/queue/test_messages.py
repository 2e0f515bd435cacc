"""Messages that come twice, never, in the wrong order or too late, to real workers on the real broker."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from leaderboard import queue
from leaderboard.models import Stage
from leaderboard.services import dispatch, progress, results
from tests.stages import empty_queue, make_evaluation, make_run, make_training, messages, status
from tests.workers import GOOD, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.queue, pytest.mark.usefixtures("fast")]

COUNTED = '(output / "runs").open("a").write("x")\n' + GOOD


def runs(stage: Stage) -> str:
    path = Path(results.folder(stage), "runs")
    return path.read_text() if path.exists() else ""


def test_it_works(engine, worker) -> None:
    engine(COUNTED)
    parent = make_training()
    children = [make_evaluation(parent, lane=lane) for lane in ("gpu", "cpu", "short")]
    make_run([parent, *children])
    worker()
    assert dispatch.dispatch_ready() == 1
    until(lambda: set(status(parent, *children)) == {"done"}, seconds=60)
    assert [runs(stage) for stage in (parent, *children)] == ["x"] * 4


def test_a_message_for_each_lane_reaches_the_broker() -> None:
    stages = [make_training(lane=lane) for lane in ("gpu", "cpu", "short")]
    dispatch.dispatch_ready()
    assert sorted(messages()) == [stage.pk for stage in stages]


def test_messages_that_come_many_times_run_nothing_twice(engine, worker) -> None:
    engine(COUNTED)
    stages = [make_training() for _ in range(4)]
    dispatch.dispatch_ready()
    for stage in stages * 5:
        queue.send(stage.pk, stage.lane)
    worker()
    worker()
    until(lambda: set(status(*stages)) == {"done"}, seconds=60)
    for stage in stages:
        queue.send(stage.pk, stage.lane)
    time.sleep(2)
    assert [runs(stage) for stage in stages] == ["x"] * 4


def test_messages_that_are_lost_are_not_missed(engine, worker) -> None:
    engine(COUNTED)
    parent = make_training()
    child = make_evaluation(parent)
    make_run([parent, child])
    dispatch.dispatch_ready()
    empty_queue()
    worker()
    until(lambda: status(parent) == ["done"], seconds=60)
    empty_queue()
    until(lambda: status(child) == ["done"], seconds=60)
    assert (runs(parent), runs(child)) == ("x", "x")


def test_messages_in_the_wrong_order_do_not_turn_the_work_round(engine, worker) -> None:
    engine(COUNTED)
    parent = make_training()
    child = make_evaluation(parent)
    make_run([parent, child])
    for stage in (child, parent, child):
        queue.send(stage.pk, stage.lane)
    dispatch.dispatch_ready()
    worker()
    until(lambda: status(parent, child) == ["done", "done"], seconds=60)
    parent, child = (Stage.objects.get(pk=stage.pk) for stage in (parent, child))
    assert parent.finished <= child.started
    assert (runs(parent), runs(child)) == ("x", "x")


def test_messages_of_the_past_wake_nobody_for_what_is_over(engine, worker) -> None:
    engine(COUNTED)
    done, failed = make_training(status="done"), make_training(status="failed", failure="bug", message="No.")
    cancelled, gone, fine = make_training(status="queued"), make_training(), make_training(status="queued")
    progress.cancel_run(make_run([cancelled]))
    for stage in (done, failed, cancelled, gone):
        queue.send(stage.pk, stage.lane)
    gone.delete()
    worker()
    until(lambda: status(fine) == ["done"], seconds=60)
    time.sleep(1)
    assert status(done, failed, cancelled) == ["done", "failed", "cancelled"]
    assert [runs(stage) for stage in (done, failed, cancelled)] == ["", "", ""]
    assert messages() == []
