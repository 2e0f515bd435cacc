"""Intervals of differences for pages: of a row and its baseline, over the languages of a column or over several tasks.

Computed from the replicates of `leaderboard.standings.outcomes`. What pages usually show is computed when scores change
and kept (`leaderboard.services.uncertainty`); the rest at once, from files.

    found = uncertainty.of(asked)          # two queries, however many are asked for
    found[0].interval                      # intervals.Interval, or None
    found[0].why                           # where it is None: why, as a sentence
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from django.db.models import Q

from leaderboard.models import Artifact, StoredInterval
from leaderboard.standings import outcomes
from leaderboard.standings.statistics import intervals, significance
from leaderboard.standings.statistics.intervals import Interval
from leaderboard.standings.table import Measured
from runner.spec import fingerprint
from runner.tasks import registry

# Raised when the same evidence gives another interval: what is stored of another version is computed again.
VERSION = 3
NO_OUTCOMES = "No interval: a score has no per-item outcomes, as published scores have none."
NOT_PREPARED = "No interval yet: the per-item outcomes are still to be prepared."
NO_PAIRS = "No interval: the two have no seed in common in which both have all parts."


@dataclass(frozen=True)
class Part:
    """One task under one protocol: what both sides measured, over these languages.

    `weights` make a contrast of them, such as one group's mean less another's, or a line's slope; none: their mean.
    """

    mine: Measured
    base: Measured
    languages: tuple[str, ...]
    weights: tuple[float, ...] = ()


@dataclass(frozen=True)
class Asked:
    """A difference: the mean over `parts` (tasks; one for a column) of the mean over the languages of each.

    For the overall mean, give all its tasks.
    """

    parts: tuple[Part, ...]

    @property
    def evaluations(self) -> frozenset[int]:
        """The stages of both sides."""
        sides = [side.evaluations for part in self.parts for side in (part.mine, part.base)]
        return frozenset().union(*sides)


@dataclass(frozen=True)
class Found:
    """The interval, or why there is none; `stages` are the evaluations behind it, `points` the measured differences."""

    interval: Interval | None
    why: str = ""
    stages: frozenset[int] = frozenset()
    points: tuple[float, ...] = ()


@dataclass(frozen=True)
class Measurement:
    """One pair of runs, trained and evaluated on their own: their difference, and the items artifacts of its parts.

    `evidence` has, for each part, the SHA-256 of both sides' items.
    """

    seed: int
    point: float
    evidence: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    stages: frozenset[int]

    @property
    def complete(self) -> bool:
        return all(mine and base for mine, base in self.evidence)


def of(asked: Sequence[Asked], *, stored: bool = True, artifacts: Mapping[int, str] | None = None) -> list[Found]:
    """The interval of each difference, in order. Two queries; one less without `stored`, or with `artifacts`."""
    if artifacts is None:
        artifacts = artifacts_of(stage for one in asked for stage in one.evaluations)
    measured = [measurements(one, artifacts) for one in asked]
    keys = [content(one, pairs) for one, pairs in zip(asked, measured, strict=True)]
    kept = kept_intervals(keys) if stored else {}
    return [_found(one, pairs, key, kept) for one, pairs, key in zip(asked, measured, keys, strict=True)]


def artifacts_of(stages: Iterable[int]) -> dict[int, str]:
    """Evaluation (or `of_upload`) -> SHA-256 of its per-item outcomes. One query."""
    wanted = set(stages)
    which = Q(stage__in=[stage for stage in wanted if stage > 0])
    if uploads := [-number for number in wanted if number < 0]:
        which |= Q(pk__in=uploads)
    found = Artifact.objects.filter(which, kind="items").order_by().values_list("stage_id", "pk", "sha256")
    return {stage or of_upload(pk): sha256 for stage, pk, sha256 in found}


def of_upload(artifact: int) -> int:
    """What stands for an upload among evaluations: it had none here, but it has an artifact with its items."""
    return -artifact


def measurements(asked: Asked, artifacts: Mapping[int, str]) -> tuple[Measurement, ...]:
    """The pairs of one seed in which both sides have all parts; pairs that share all evaluations are one."""
    seeds = [
        seed
        for seed in (asked.parts[0].mine.by_seed if asked.parts else ())
        if all(has(side, seed, part.languages) for part in asked.parts for side in (part.mine, part.base))
    ]
    found: dict[object, Measurement] = {}
    for seed in sorted(seeds):
        sides = [(of_seed(part.mine, seed), of_seed(part.base, seed)) for part in asked.parts]
        found.setdefault(
            tuple(sides) if all(mine and base for mine, base in sides) else seed,
            Measurement(
                seed=seed,
                point=float(np.mean([_point(part, seed) for part in asked.parts])),
                evidence=tuple((known(mine, artifacts), known(base, artifacts)) for mine, base in sides),
                stages=frozenset().union(*(mine | base for mine, base in sides)),
            ),
        )
    return tuple(found.values())


def has(side: Measured, seed: int, languages: Collection[str]) -> bool:
    return bool(languages) and all(language in side.by_seed.get(seed, {}) for language in languages)


def of_seed(side: Measured, seed: int) -> frozenset[int]:
    return side.stages.get(seed, frozenset())


def _point(part: Part, seed: int) -> float:
    mine, base = part.mine.by_seed[seed], part.base.by_seed[seed]
    found = [mine[language] - base[language] for language in part.languages]
    return float(np.dot(part.weights, found)) if part.weights else float(np.mean(found))


def known(stages: Iterable[int], artifacts: Mapping[int, str]) -> tuple[str, ...]:
    """The latest first: where a language was evaluated twice, its score is of the latest."""
    return tuple(artifacts[stage] for stage in sorted(stages, reverse=True) if stage in artifacts)


def content(asked: Asked, pairs: Sequence[Measurement]) -> str:
    """The hash of all that an interval depends on: seeds, points, evidence, languages, and how it is computed."""
    contrast = any(part.weights for part in asked.parts)
    weights = {"weights": [part.weights for part in asked.parts]} if contrast else {}
    return fingerprint(
        {
            "version": [VERSION, outcomes.VERSION],
            "languages": [list(part.languages) for part in asked.parts],
            "pairs": [[pair.seed, round(pair.point, 9), pair.evidence] for pair in pairs],
            **weights,
        }
    )


def kept_intervals(keys: Collection[str]) -> dict[str, Interval]:
    """Those of the intervals with these contents that are kept. One query."""
    names = [field.name for field in fields(Interval)]
    rows = StoredInterval.objects.filter(content__in=set(keys)).values_list("content", *names)
    return {row[0]: Interval(*row[1:]) for row in rows}


def _found(asked: Asked, pairs: Sequence[Measurement], key: str, kept: Mapping[str, Interval]) -> Found:
    stages = frozenset().union(*(pair.stages for pair in pairs))
    if not pairs:
        return Found(None, NO_PAIRS, stages)
    points = tuple(pair.point for pair in pairs)
    if not all(pair.complete for pair in pairs):
        return Found(None, NO_OUTCOMES, stages, points)
    interval = kept[key] if key in kept else compute(asked, pairs, key)
    return Found(interval, "" if interval else NOT_PREPARED, stages, points)


def compute(asked: Asked, pairs: Sequence[Measurement], key: str) -> Interval | None:
    """The interval from the files of the evaluations; None where one of them was not prepared."""
    drawn = [_difference(asked, pair) for pair in pairs]
    if any(one is None for one in drawn):
        return None
    items = _items(asked, pairs[0])
    interval = intervals.paired(np.array([pair.point for pair in pairs]), np.stack(drawn), items, key)
    test = item_test(asked, pairs[0], key) if len(pairs) == 1 else None
    return replace(interval, p=test[0], method=f"{interval.method}; {test[1]}") if test else interval


def item_test(asked: Asked, pair: Measurement, key: str = "") -> tuple[float, str] | None:
    """The p value of one measurement in one language, item by item, and the test's name; None for anything else.

    Exact McNemar for accuracy, approximate randomisation for all that is a ratio of other sums, such as F1.
    """
    if len(asked.parts) != 1 or len(asked.parts[0].languages) != 1:
        return None
    sides = [_language(artifacts, asked.parts[0].languages[0]) for artifacts in pair.evidence[0]]
    mine, base = sides
    if mine is None or base is None or not np.array_equal(mine.keys, base.keys):
        return None
    if mine.right is not None and base.right is not None:
        return significance.mcnemar(mine.right, base.right), "exact McNemar test"
    p = significance.approximate_randomisation((mine.above, mine.below), (base.above, base.below), key)
    return p, "approximate randomisation"


def _language(artifacts: Sequence[str], language: str) -> outcomes.Items | None:
    """One language's items; only the order of their keys matters here, so they need no scope."""
    there = (outcomes.outcomes(sha256, "") for sha256 in artifacts)
    return next((items[language] for items in there if items and language in items), None)


def _difference(asked: Asked, pair: Measurement) -> np.ndarray | None:
    """The difference of one pair on resampled items, as deviations from it; (replicates,) or None."""
    total: np.ndarray | float = 0.0
    for part, (mine, base) in zip(asked.parts, pair.evidence, strict=True):
        for sign, side in ((1, mine), (-1, base)):
            mean = deviation(side, part.languages, part.weights)
            if mean is None:
                return None
            total = total + sign * mean / len(asked.parts)
    return total if isinstance(total, np.ndarray) else None


def deviation(artifacts: Sequence[str], languages: Sequence[str], weights: Sequence[float] = ()) -> np.ndarray | None:
    """What the mean over `languages`, or their sum by `weights`, deviates by on resampled items, (replicates,).

    None where it is not known.
    """
    there = [found for sha256 in artifacts if (found := outcomes.replicates(sha256))]
    parts = [
        next((found.deviations[language] for found in there if language in found.deviations), None)
        for language in languages
    ]
    if not parts or any(part is None for part in parts):
        return None
    if weights:
        return np.asarray(weights, dtype=np.float32) @ np.stack(parts).astype(np.float32)
    return np.mean(parts, axis=0, dtype=np.float32)


def at_least_over_seeds(asked: Sequence[Asked]) -> list[Found]:
    """As `of`; where items are not known, the interval over seeds alone, if there are two. Two queries."""
    return [
        replace(found, interval=intervals.over_seeds(np.array(found.points)), why="")
        if found.interval is None and len(found.points) > 1
        else found
        for found in of(asked)
    ]


def _items(asked: Asked, pair: Measurement) -> int:
    """How many different source items the difference is over."""
    count = 0
    for part, (mine, _) in zip(asked.parts, pair.evidence, strict=True):
        there = [found for sha256 in mine if (found := outcomes.replicates(sha256))]
        keys = [
            next(found.items[language] for found in there if language in found.items) for language in part.languages
        ]
        count += len(np.unique(np.concatenate(keys)))
    return count


def headline(task: str) -> str:
    """The headline metrics of a task, as `runner.outcomes` names them."""
    return "+".join(registry.task(task).headline_metrics)
