"""Small graphs of runs and stages for the tests of the queue, and what is in the embedded broker."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from leaderboard import queue
from leaderboard.celery import app
from leaderboard.lanes import lane_queue
from leaderboard.models import Encoder, Recipe, Run, Stage
from leaderboard.services import leases
from leaderboard.services.leases import Lease
from runner.recipes import PhaseSettings
from runner.spec import EncoderRef, EvaluatePlan, TrainPlan
from runner.spec import Stage as StageSpec
from runner.tasks import registry

REFERENCE = EncoderRef("small", "some/folder", "0" * 40, 12)
_numbers = itertools.count(1)


def make_run(stages: Iterable[Stage] = ()) -> Run:
    """A run of a recipe of its own that has `stages`."""
    number = next(_numbers)
    encoder, _ = Encoder.objects.get_or_create(
        slug="small", defaults={"title": "Small", "location": "some/folder", "revision": "0" * 40, "layers": 12}
    )
    recipe = Recipe.objects.create(
        fingerprint=f"{number:064x}", title=f"Recipe {number}", encoder=encoder, method=Recipe.Method.BASELINE
    )
    run = Run.objects.create(recipe=recipe, seed=1)
    run.stages.add(*stages)
    return run


def make_training(parent: Stage | None = None, **fields: Any) -> Stage:
    """A training stage on UD POS that is unlike every other."""
    training = PhaseSettings(learning_rate=next(_numbers) * 1e-6).resolve([registry.task("udpos")])
    plan = StageSpec(TrainPlan(("udpos",), training), REFERENCE, 1, parent.fingerprint if parent else None)
    return _make(plan, parent, {"title": f"Train {plan.fingerprint[:6]}", **fields})


def make_evaluation(
    parent: Stage | None = None,
    languages: tuple[str, ...] = ("de", "sw"),
    plan: dict[str, Any] | None = None,
    **fields: Any,
) -> Stage:
    """An evaluation of Tatoeba in `languages` that is unlike every other; `plan` replaces parts of its plan."""
    values = {"task": "tatoeba", "split": "test", "max_length": 512, "layer": 7, "pooling": "mean"}
    values |= {"languages": languages, **(plan or {})}
    encoder = EncoderRef("small", "some/folder", f"{next(_numbers):040x}", 12)
    stage = StageSpec(EvaluatePlan(**values), encoder, None, parent.fingerprint if parent else None)
    return _make(stage, parent, {"title": f"Evaluate {stage.fingerprint[:6]}", **fields})


def _make(plan: StageSpec, parent: Stage | None, fields: dict[str, Any]) -> Stage:
    return Stage.objects.create(
        fingerprint=plan.fingerprint, action=plan.plan.action, spec=plan.to_dict(), parent=parent, **fields
    )


def status(*stages: Stage) -> list[str]:
    """The statuses that the database has now."""
    return [Stage.objects.get(pk=stage.pk).status for stage in stages]


def running(stage: Stage, worker: str = "one") -> Lease:
    """The lease of a stage that is queued and claimed."""
    Stage.objects.filter(pk=stage.pk).update(status="queued", not_before=None)
    lease = leases.claim(stage.pk, worker)
    assert lease is not None
    return lease


def silence(stage: Stage) -> None:
    """Let the stage's lease have run out."""
    Stage.objects.filter(pk=stage.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def queue_folder(lane: str = "gpu") -> Path:
    """Where the embedded broker keeps the messages of a lane."""
    return settings.VAR_DIR / "queue" / lane_queue(lane)


def messages() -> list[int]:
    """The stages that messages in the broker speak of, in their order; the messages stay there."""
    found = {lane: _drain(lane) for lane in Stage.Lane.values}
    for lane, stages in found.items():
        for stage in stages:
            queue.send(stage, lane)
    return [stage for stages in found.values() for stage in stages]


def empty_queue() -> None:
    for lane in Stage.Lane.values:
        _drain(lane)


def _drain(lane: str) -> list[int]:
    stages = []
    with app.connection_for_read() as connection, connection.channel() as channel:
        bound = app.amqp.queues[lane_queue(lane)].bind(channel)
        bound.declare()
        while message := bound.get(no_ack=True):
            stages.append(message.decode()[0][0])
    return stages
