"""Small graphs of runs and stages for the tests of the queue, and what is in the embedded broker."""

from __future__ import annotations

import itertools
import json
from base64 import b64decode
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings

from leaderboard.celeryconfig import QUEUE
from leaderboard.models import Encoder, Recipe, Run, Stage
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


def queue_folder() -> Path:
    return settings.VAR_DIR / "queue" / QUEUE


def messages() -> list[int]:
    """The stages that messages in the embedded broker speak of, in their order."""
    if not queue_folder().is_dir():
        return []
    paths = sorted(queue_folder().glob("*.message"))
    return [json.loads(b64decode(json.loads(path.read_text())["body"]))[0][0] for path in paths]


def empty_queue() -> None:
    if queue_folder().is_dir():
        for path in queue_folder().iterdir():
            path.unlink(missing_ok=True)
