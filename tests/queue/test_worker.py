"""A worker as it is started by hand: a process of its own, that is asked to stop, killed, and one of two."""

from __future__ import annotations

import signal
import textwrap

import pytest

from leaderboard.models import Stage
from leaderboard.services import results
from tests.stages import make_evaluation, make_run, make_training, status
from tests.workers import GOOD, WAIT, begun, fresh, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.queue, pytest.mark.usefixtures("fast")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_is_asked_to_stop_lets_its_engine_write_a_checkpoint(engine, worker, number: int) -> None:
    engine(WAIT)
    stage = make_training(status="queued")
    process = worker()
    until(lambda: begun(stage))
    process.send_signal(number)
    assert process.wait(timeout=15) is not None
    stage = fresh(stage)
    assert (stage.status, stage.losses) == ("queued", 0)
    assert (results.folder(stage) / "checkpoint").exists()


def test_a_worker_that_is_killed_is_replaced_and_the_stage_goes_on(engine, worker) -> None:
    resumed = "if plan.action == 'evaluate' or (output / 'begun').exists():\n"
    engine(resumed + textwrap.indent(GOOD, "    ") + "    sys.exit()\n" + WAIT)
    train = make_training(status="queued")
    evaluate = make_evaluation(train)
    run = make_run([train, evaluate])
    process = worker()
    until(lambda: begun(train))
    process.kill()
    process.wait()
    worker()
    until(lambda: status(train, evaluate) == ["done", "done"])
    assert fresh(train).losses == 1
    assert run.scores.count() == 2


def test_many_stages_and_two_workers_run_each_once(engine, worker) -> None:
    engine('(output / "runs").open("a").write("x")\n' + GOOD)
    parents = [make_training(status="queued") for _ in range(6)]
    children = [make_evaluation(parent) for parent in parents]
    make_run([*parents, *children])
    worker()
    worker()
    until(lambda: set(status(*parents, *children)) == {"done"})
    assert {(results.folder(stage) / "runs").read_text() for stage in (*parents, *children)} == {"x"}
    assert set(Stage.objects.values_list("attempt", flat=True)) == {1}
