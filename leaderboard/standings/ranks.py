"""Ranks of rows by one column, as intervals: what the rows' means deviate by on resampled items, kept or from files.

What a row's mean over all languages deviates by is computed when scores change, and kept
(`leaderboard.services.uncertainty`), so that ranking a whole board reads 4 KB a row. Under other languages it comes
from the files of the evaluations, up to a number of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from leaderboard.models import StoredDeviation
from leaderboard.standings import outcomes
from leaderboard.standings.statistics import ranking
from leaderboard.standings.table import Measured
from leaderboard.standings.uncertainty import deviation, has, known, of_seed
from runner.spec import fingerprint

# Raised when the same evidence deviates otherwise: what is kept of another version is computed again.
VERSION = 1
# Of so many evaluations the files may be read for one view: some seconds' worth.
MOST_EVALUATIONS = 2000
# Each part of a row's mean: what was measured in a task, and over which languages.
Parts = Sequence[tuple[Measured, tuple[str, ...]]]


@dataclass(frozen=True)
class Ranked:
    """The ranks of those rows that could be ranked, by their places in what was asked.

    `too_many` is the number of evaluations whose files would have to be read, where these are too many.
    """

    ranks: Mapping[int, tuple[int, int, int, int]]
    seeds: bool = False
    too_many: int = 0


@dataclass(frozen=True)
class Evidence:
    """What a row's rank depends on: its mean in each complete seed, and the items behind it, by seed and part."""

    points: np.ndarray
    languages: tuple[tuple[str, ...], ...]
    artifacts: tuple[tuple[tuple[str, ...], ...], ...]

    @property
    def complete(self) -> bool:
        return bool(self.artifacts) and all(part for seed in self.artifacts for part in seed)

    @property
    def evaluations(self) -> int:
        return sum(map(len, self.artifacts))

    @property
    def content(self) -> str:
        """The hash of all that the deviations depend on."""
        return fingerprint(
            {
                "version": [VERSION, outcomes.VERSION],
                "languages": [list(part) for part in self.languages],
                "artifacts": [[list(part) for part in seed] for seed in self.artifacts],
            }
        )


def ranked(rows: Sequence[Parts], artifacts: Mapping[int, str]) -> Ranked:
    """The rank of each row by its mean over seeds: (place, low, high, group). One query, none where no row has items.

    A row is given as its parts: one for a column, all tasks for the overall mean. Those that are complete in no seed,
    or have no per-item outcomes, have no rank and are not counted in any.
    """
    found = {place: one for place, parts in enumerate(rows) if (one := evidence(parts, artifacts)).complete}
    keys = {place: one.content for place, one in found.items()}
    there = kept(keys.values()) if keys else {}
    missing = sum(one.evaluations for place, one in found.items() if keys[place] not in there)
    if missing > MOST_EVALUATIONS:
        return Ranked({}, too_many=missing)
    drawn = {place: there.get(keys[place]) for place in found}
    drawn |= {place: deviations(found[place]) for place, one in drawn.items() if one is None}
    places = [place for place, one in drawn.items() if one is not None]
    if len(places) < 2:
        return Ranked({})
    replicates = np.stack([drawn[place] for place in places]).astype(np.float32)
    made = ranking.rank([found[place].points for place in places], replicates)
    means = np.array([np.mean(found[place].points) for place in places])
    above = 1 + (means[None, :] > means[:, None]).sum(axis=1)
    values = np.stack([above, made.low, made.high, made.group], axis=1).tolist()
    return Ranked({place: tuple(one) for place, one in zip(places, values, strict=True)}, made.seeds)


def evidence(parts: Parts, artifacts: Mapping[int, str]) -> Evidence:
    """Over the seeds that have all parts; those that share all evaluations with one before are left out."""
    seeds = _complete(parts)
    return Evidence(
        points=np.array([_point(parts, seed) for seed in seeds]),
        languages=tuple(languages for _, languages in parts),
        artifacts=tuple(tuple(known(of_seed(one, seed), artifacts) for one, _ in parts) for seed in seeds),
    )


def deviations(one: Evidence) -> np.ndarray | None:
    """What the row's mean deviates by on resampled items, (replicates,) float16; None where it was not prepared."""
    total: np.ndarray | float = 0.0
    for seed in one.artifacts:
        for part, languages in zip(seed, one.languages, strict=True):
            mean = deviation(part, languages)
            if mean is None:
                return None
            total = total + mean
    return np.asarray(total / one.evaluations, dtype=np.float16)


def kept(contents: Collection[str]) -> dict[str, np.ndarray]:
    """Those deviations that are kept, by their content. One query."""
    rows = StoredDeviation.objects.filter(content__in=set(contents)).values_list("content", "deviations")
    return {content: np.frombuffer(bytes(raw), dtype="<f2") for content, raw in rows}


def _complete(parts: Parts) -> list[int]:
    found: dict[object, int] = {}
    for seed in sorted(parts[0][0].by_seed) if parts else ():
        if all(has(measured, seed, languages) for measured, languages in parts):
            stages = tuple(of_seed(measured, seed) for measured, _ in parts)
            found.setdefault(stages if all(stages) else seed, seed)
    return list(found.values())


def _point(parts: Parts, seed: int) -> float:
    means = [np.mean([measured.by_seed[seed][language] for language in languages]) for measured, languages in parts]
    return float(np.mean(means))
