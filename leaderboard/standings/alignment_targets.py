"""Whether alignment goes with transfer: over the languages of a target, as it changes and as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from leaderboard.standings import by_language
from leaderboard.standings.alignment_rows import Row
from leaderboard.standings.checkpoints import Checkpoint
from leaderboard.standings.statistics.association import Correlation, spearman
from runner.tasks import registry


@dataclass(frozen=True)
class Association:
    """Whether alignment and the target go together over languages: a point for each, with the correlation of ranks.

    A point is a language with its alignment and its target score: both as changes, or both as they are.
    """

    row: Row
    recipe: str
    points: tuple[tuple[str, float, float], ...]
    correlation: Correlation | None
    reason: str = ""


@dataclass(frozen=True)
class Against:
    """A target beside alignment: whether languages that came closer gained more, and whether closer ones score more."""

    target: str = ""
    changes: tuple[Association, ...] = ()
    levels: tuple[Association, ...] = ()


def against(asked_for: str, kept: Sequence[Checkpoint], rows: Sequence[Row], languages: Sequence[str]) -> Against:
    """For each recipe that went through a checkpoint: its gains with the changes, its scores with the values.

    A baseline went through the pretrained encoder. From headline scores that are up to date.
    """
    target = asked_for or _usual_target(kept)
    scores = by_language.load(registry.TASKS[target]) if target else None
    protocol = scores.protocol() if scores else None
    if protocol is None:
        return Against(target)
    row_of = {recipe: row for checkpoint, row in zip(kept, rows, strict=True) for recipe in checkpoint.recipes}
    before = {row.encoder: row for row in rows if row.pretrained}
    changes, levels = [], []
    for entry in scores.entries(protocol):
        mine, base = scores.of(entry, protocol), scores.baseline(entry, protocol)
        row = before.get(entry.encoder) if entry.is_baseline else row_of.get(entry.key)
        if row is None:
            continue
        found = {code: (cell.value, mine.value(code)) for code, cell in zip(languages, row.cells, strict=True) if cell}
        levels.append(_association(row, entry.title, found))
        if base and not row.pretrained:
            gains = by_language.differences(mine, base)
            changes.append(_association(row, entry.title, _changes(row, gains, languages)))
    return Against(target, tuple(changes), tuple(levels))


def _usual_target(kept: Sequence[Checkpoint]) -> str:
    """The first task of the catalogue, retrieval aside, with scores of a recipe whose alignment was measured."""
    recipes = {key.removeprefix("recipe-") for checkpoint in kept for key in checkpoint.recipes}
    there = by_language.tasks_with_scores(recipes) if recipes else []
    return next((task.slug for task in there if task.trained_on), there[0].slug if there else "")


def _changes(row: Row, gains: Mapping[str, float], languages: Sequence[str]) -> dict[str, tuple[float, float | None]]:
    cells = {code: cell for code, cell in zip(languages, row.cells, strict=True) if cell and cell.change is not None}
    return {code: (cell.change, gains.get(code)) for code, cell in cells.items()}


def _association(row: Row, recipe: str, found: Mapping[str, tuple[float, float | None]]) -> Association:
    points = tuple((code, x, y) for code, (x, y) in found.items() if y is not None)
    try:
        correlation = spearman(np.array([x for _, x, _ in points]), np.array([y for _, _, y in points]))
    except ValueError as error:
        return Association(row, recipe, points, None, str(error))
    return Association(row, recipe, points, correlation)
