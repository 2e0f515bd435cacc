"""Prediction consistency: are the same source items answered alike in the pivot and in other languages?

Computed from the files of `leaderboard.standings.outcomes`. What the page of robustness usually shows is computed when
scores change and kept (`leaderboard.services.uncertainty`); the rest at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from leaderboard.standings import asked as states
from leaderboard.standings import outcomes, uncertainty
from leaderboard.standings.board import Board
from leaderboard.standings.by_language import TaskScores
from leaderboard.standings.outcomes import Agreements
from leaderboard.standings.statistics import intervals
from leaderboard.standings.statistics.agreement import MEASURES
from leaderboard.standings.statistics.intervals import Interval
from leaderboard.standings.table import Measured
from runner.spec import fingerprint
from runner.tasks import registry
from runner.tasks.kinds import Kind, Role, TaskSpec

# Raised when the same evidence gives another interval.
VERSION = 1
# What no measure can be below, or above.
LIMITS: Mapping[str, tuple[float, float]] = {"same": (0.0, 100.0), "kappa": (-1.0, 1.0), "retained": (0.0, 100.0)}
# Labels mean the same everywhere; answers are in the language itself, so only right and wrong can be compared. The tags
# of a sentence and of its translation are of other words, and the pools of retrieval have no language in common.
LABELS, ANSWERS = (Kind.SENTENCE_PAIR, Kind.MULTIPLE_CHOICE), (Kind.SPAN,)


@dataclass(frozen=True)
class Asked:
    """The mean over `languages` of one of MEASURES; `mine` has the SHA-256 of the items of each measurement.

    With `base`, the mean difference to it, measurement by measurement.
    """

    measure: str
    languages: tuple[str, ...]
    mine: tuple[str, ...]
    base: tuple[str, ...] = ()

    @property
    def content(self) -> str:
        """The hash of all that the interval depends on."""
        return fingerprint({"consistency": [VERSION, outcomes.VERSION], **vars(self)})


@dataclass(frozen=True)
class Level:
    """One measure: the mean over languages and measurements with its interval, and its change against the baseline."""

    interval: Interval
    change: Interval | None


@dataclass(frozen=True)
class Consistency:
    """How a recipe's predictions in `languages` agree with those in the pivot; `items` is the fewest of any language.

    A measure is None where it is not defined in some language; `by_language` has their means over measurements.
    """

    same: Level | None
    kappa: Level | None
    retained: Level | None
    languages: int
    items: int
    by_language: Mapping[str, Mapping[str, float]]


def comparable(task: TaskSpec) -> bool:
    """Whether the task's predictions on one source item can be compared over languages."""
    return task.parallel and task.pivot in task.languages and task.kind in (*LABELS, *ANSWERS)


def of(rows: Sequence[tuple[Measured, Measured | None]], languages: Sequence[str]) -> list[Consistency | None]:
    """For each row and its baseline how consistent it is over these languages, besides the pivot. Two queries.

    None unless every measurement was evaluated in the pivot and in all languages at once, and its items are prepared.
    """
    artifacts = _artifacts(rows)
    asked = [_of_row(mine, base, tuple(languages), artifacts) for mine, base in rows]
    wanted = {one.content: one for row in asked for one in row}
    kept = uncertainty.kept_intervals(wanted)
    found = {key: kept.get(key) or compute(one) for key, one in wanted.items()}
    return [_consistency(row, found) for row in asked]


def usual(board: Board, stages: Collection[int] | None = None) -> Iterator[Asked]:
    """What the page of robustness asks for without filters; with `stages`, where one of them changed it."""
    for task in registry.tasks(Role.TARGET):
        if not comparable(task):
            continue
        scores = TaskScores(task, board)
        for protocol in scores.changed(stages):
            entries = scores.entries(protocol)
            languages = states.chosen("all", scores.shared(entries, protocol))
            rows = [(scores.of(entry, protocol), scores.baseline(entry, protocol)) for entry in entries]
            artifacts = _artifacts(rows)
            for mine, base in rows:
                yield from _of_row(mine, base, languages, artifacts)


def compute(asked: Asked) -> Interval | None:
    """The interval from the files of the evaluations; None where one is not prepared, or the measure not defined."""
    sides = [_mean(asked, side) for side in (asked.mine, asked.base) if side]
    if not sides or any(side is None for side in sides):
        return None
    points, deviations, items = sides[0]
    if len(sides) > 1:
        points, deviations, items = points - sides[1][0], deviations - sides[1][1], min(items, sides[1][2])
    found = intervals.paired(points, deviations, items, asked.content)
    if asked.base:
        return found
    lowest, highest = LIMITS[asked.measure]
    return replace(found, low=max(found.low, lowest), high=min(found.high, highest))


def _artifacts(rows: Sequence[tuple[Measured, Measured | None]]) -> dict[int, str]:
    return uncertainty.artifacts_of(stage for row in rows for side in row if side for stage in side.evaluations)


def _of_row(
    mine: Measured, base: Measured | None, languages: tuple[str, ...], artifacts: Mapping[int, str]
) -> list[Asked]:
    """Each measure of the row, then the change of each; nothing where a measurement lacks its outcomes."""
    values = tuple(_whole(mine, seed, languages, artifacts) for seed in mine.independent)
    if not languages or not values or not all(values):
        return []
    found = [Asked(measure, languages, values) for measure in MEASURES]
    pairs = _pairs(mine, base, languages, artifacts) if base else []
    if pairs and all(map(all, pairs)):
        left, right = (tuple(side) for side in zip(*pairs, strict=True))
        found += [Asked(measure, languages, left, right) for measure in MEASURES]
    return found


def _pairs(
    mine: Measured, base: Measured, languages: tuple[str, ...], artifacts: Mapping[int, str]
) -> list[tuple[str, str]]:
    """The items of both sides for each pair of runs that was measured on its own."""
    seeds = {(mine.stages.get(seed), base.stages.get(seed)): seed for seed in sorted(mine.by_seed, reverse=True)}
    return [
        (_whole(mine, seed, languages, artifacts), _whole(base, seed, languages, artifacts))
        for seed in sorted(seed for seed in seeds.values() if seed in base.by_seed)
    ]


def _whole(measured: Measured, seed: int, languages: Sequence[str], artifacts: Mapping[int, str]) -> str:
    """The SHA-256 of the items of a seed's evaluation in all the languages; empty where there is none, or not yet."""
    for stage in sorted(measured.stages.get(seed, ()), reverse=True):
        found = outcomes.agreements(artifacts[stage]) if stage in artifacts else None
        if found and all(language in found.points for language in languages):
            return artifacts[stage]
    return ""


def _mean(asked: Asked, side: Sequence[str]) -> tuple[np.ndarray, np.ndarray, int] | None:
    """Means over the languages: (measurements,), what they deviate by (measurements, replicates), and the items."""
    found = [outcomes.agreements(sha256) for sha256 in side]
    if any(one is None for one in found):
        return None
    place = MEASURES.index(asked.measure)
    points = np.array([_over(one, asked.languages, place) for one in found])
    if np.isnan(points).any():
        return None
    drawn = [
        np.mean([one.deviations[language][place] for language in asked.languages], axis=0, dtype=np.float32)
        for one in found
    ]
    return points, np.stack(drawn), min(int(one.items[language]) for one in found for language in asked.languages)


def _over(found: Agreements, languages: Sequence[str], place: int) -> float:
    return float(np.mean([found.points[language][place] for language in languages]))


def _consistency(asked: Sequence[Asked], found: Mapping[str, Interval | None]) -> Consistency | None:
    if not asked:
        return None
    values = {one.measure: found[one.content] for one in asked if not one.base}
    changes = {one.measure: found[one.content] for one in asked if one.base}
    levels = {measure: Level(value, changes.get(measure)) if value else None for measure, value in values.items()}
    evaluations = [outcomes.agreements(sha256) for sha256 in asked[0].mine]
    languages = asked[0].languages
    return Consistency(
        **levels,
        languages=len(languages),
        items=min(int(one.items[language]) for one in evaluations for language in languages),
        by_language={
            language: {
                measure: value
                for place, measure in enumerate(MEASURES)
                if not np.isnan(value := float(np.mean([one.points[language][place] for one in evaluations])))
            }
            for language in languages
        },
    )
