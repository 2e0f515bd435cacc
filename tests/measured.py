"""Studies with per-item outcomes: files as the engine writes them, and scores that follow from them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings

from leaderboard.models import Recipe, Run, Stage
from leaderboard.services import results
from runner.evaluation.xtreme_format import write_items
from runner.modeling.checkpoint import sha256_of
from runner.scoring.layout import items_file_of
from runner.spec import canonical
from runner.tasks import registry
from runner.tasks.kinds import Kind
from tests import factories, uploads

ITEMS = 120
# Chance of a right answer above 50%, by recipe and task; seeds and items add their own.
Gain = Callable[[Recipe, str], float]


def study(name: str = "Measured", *, gain: Gain = lambda recipe, task: 0.0, **asked: Any) -> factories.Seeded:
    """`factories.study`, done, with items of every evaluation: `gain` says what a recipe has over 50% on a task."""
    seeded = factories.study(name, scored=False, **asked)
    for run in seeded.study.runs.select_related("recipe").order_by("pk"):
        finish(run, gain)
    return seeded


def finish(run: Run, gain: Gain) -> None:
    """Every stage of the run is done, as when a worker finished it; what is done already is left."""
    for stage in run.stages.exclude(status=Stage.Status.DONE).order_by("pk"):
        if stage.action == Stage.Action.EVALUATE:
            evaluate(stage, gain(run.recipe, stage.spec["plan"]["task"]))
        Stage.objects.filter(pk=stage.pk).update(status=Stage.Status.DONE, done=1, total=1, seconds=75.0)


def evaluate(stage: Stage, gain: float) -> None:
    plan = stage.spec["plan"]
    task = registry.task(plan["task"])
    rows, events = [], []
    for language in plan["languages"]:
        items = list(_items(task.kind, _luck_of(stage), task.slug, language, gain))
        rows += [{"language": language, **item} for item in items]
        for metric, value in _scores(task.kind, items).items():
            score = {"task": task.slug, "language": language, "metric": metric, "value": value, "n": len(items)}
            events.append(score)
    results.record_scores(stage, events)
    folder = results.folder(stage)
    folder.mkdir(parents=True, exist_ok=True)
    path = write_items(folder / "items.parquet", rows)
    event = {"kind": "items", "path": path.name, "sha256": sha256_of(path), "size": path.stat().st_size}
    results.record_artifacts(stage, [event])


def _luck_of(stage: Stage) -> str:
    """The stage as it was asked for, and all that it starts from: another version of the engine has no other luck."""
    told = []
    while stage is not None:
        told.append({name: value for name, value in stage.spec.items() if name not in ("parent", "engine_version")})
        stage = stage.parent
    return canonical(told)


def upload(system: str, task: str, gain: float) -> Run:
    """A run as an upload of one task leaves it, on the items of local runs."""
    run = uploads.stored(system, task)
    found = registry.task(task)
    rows = []
    for language in found.languages:
        items = list(_items(found.kind, system, task, language, gain))
        rows += [{"language": language, **item} for item in items]
        for metric, value in _scores(found.kind, items).items():
            run.scores.filter(language=language, metric=metric).update(value=value, n=len(items))
    folder = Path("uploads", f"{run.pk}")
    (settings.ARTIFACT_DIR / folder).mkdir(parents=True, exist_ok=True)
    path = write_items(settings.ARTIFACT_DIR / folder / items_file_of(task), rows)
    run.artifacts.create(kind="items", path=folder / path.name, sha256=sha256_of(path), size=path.stat().st_size)
    return run


def _items(kind: Kind, luck_of: str, task: str, language: str, gain: float) -> Iterator[dict[str, Any]]:
    """Difficulty belongs to the item, luck to the stage, or the system."""
    difficulty = _random(task).uniform(-0.3, 0.3, ITEMS)
    luck = _random(task, language, luck_of)
    for place in range(ITEMS):
        item = {"item": place, "source_item": None}
        chance = 0.5 + gain + difficulty[place]
        if kind is Kind.TAGGING:
            right = int(luck.binomial(3, chance))
            yield {
                **item,
                **{"gold_entities": 3, "found_entities": 3, "right_entities": right, "words": 9, "right_words": 6},
            }
        elif kind is Kind.SPAN:
            exact = bool(luck.random() < chance)
            part = 100.0 if exact else 40.0
            yield {**item, "source_item": f"question {place}", "exact_match": 100.0 * exact, "f1": part}
        else:
            right = bool(luck.random() < chance)
            if kind is not Kind.SENTENCE_PAIR:
                yield {**item, "correct": right}
                continue
            gold = place % 3
            said = gold if right else (gold + 1 + place % 2) % 3
            labels = {"gold": f"label {gold}", "predicted": f"label {said}"}
            yield {**item, "source_item": f"{place}/{ITEMS}", **labels, "correct": right}


def _scores(kind: Kind, items: list[dict[str, Any]]) -> dict[str, float]:
    def total(name: str) -> float:
        return float(sum(item[name] for item in items))

    if kind is Kind.TAGGING:
        right, gold, found = (total(f"{name}_entities") for name in ("right", "gold", "found"))
        return {"f1": 200 * right / (gold + found)}
    if kind is Kind.SPAN:
        return {"f1": total("f1") / len(items), "exact_match": total("exact_match") / len(items)}
    return {"accuracy": 100 * total("correct") / len(items)}


def _random(*content: str) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(hashlib.sha256(" ".join(content).encode()).digest()[:8], "big"))
