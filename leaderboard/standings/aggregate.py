"""Means over languages and seeds: shown only when all their parts are there. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping

from leaderboard.standings.table import Cell, Difference, Measured

# Makes one value of a task's languages: their mean, or the worst of them.
Reduce = Callable[[Collection[float]], float]


def mean(values: Collection[float]) -> float:
    """The arithmetic mean, exact in the sum, so that the order of the values does not matter."""
    return math.fsum(values) / len(values)


def spread(values: Collection[float]) -> float:
    """The sample standard deviation of two or more values."""
    middle = mean(values)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1))


def over_parts(
    values: Mapping[str, float], parts: Collection[str], *, whole: bool, reduce: Reduce = mean
) -> float | None:
    """The mean over `parts` (or what `reduce` makes of them), or None where one is missing.

    A mean that a source prints without its parts stands only for the `whole`.
    """
    found = [values[part] for part in parts if part in values]
    if found and len(found) == len(parts):
        return reduce(found)
    return values.get("") if whole else None


def cell(
    measured: Measured,
    parts: tuple[str, ...],
    *,
    whole: bool = True,
    reduce: Reduce = mean,
    difference: Difference | None = None,
) -> Cell:
    """The mean over the complete seeds of the mean (or `reduce`) over `parts`, with its spread and its coverage.

    Printed means stand only where no seed has its parts: the two are never averaged with each other.
    """
    by_seed = _by_seed(measured, parts, whole=False, reduce=reduce)
    if whole and not by_seed:
        by_seed = _by_seed(measured, parts, whole=True, reduce=reduce)
    if not by_seed:
        have = max((sum(part in values for part in parts) for values in measured.by_seed.values()), default=0)
        return Cell(None, None, 0, have, len(parts), difference, measured.items, measured.status)
    n = measured.measurements(tuple(by_seed))
    return Cell(
        value=mean(by_seed.values()),
        sd=spread(by_seed.values()) if n > 1 else None,
        n=n,
        have=len(parts),
        expected=len(parts),
        difference=difference,
        items=measured.items,
        status=measured.status,
    )


def _by_seed(measured: Measured, parts: tuple[str, ...], *, whole: bool, reduce: Reduce) -> dict[int, float]:
    return {
        seed: value
        for seed, values in measured.by_seed.items()
        if (value := over_parts(values, parts, whole=whole, reduce=reduce)) is not None
    }


def overall(tasks: Mapping[str, tuple[Measured, tuple[str, ...], bool]], *, reduce: Reduce = mean) -> Measured:
    """The parts of the overall mean: seed -> task -> mean (or `reduce`) over its languages.

    `tasks` gives, per task, what was measured, over which languages, and whether these are all of the task's.
    """
    by_seed: dict[int, dict[str, float]] = {}
    stages: dict[int, frozenset[int]] = {}
    for task, (measured, parts, whole) in tasks.items():
        for seed, values in measured.by_seed.items():
            value = over_parts(values, parts, whole=whole, reduce=reduce)
            if value is not None:
                by_seed.setdefault(seed, {})[task] = value
                stages[seed] = stages.get(seed, frozenset()) | measured.stages.get(seed, frozenset())
    return Measured(by_seed, stages)


def shared_parts(seeds: Iterable[Collection[str]], parts: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `parts` that every one of `seeds` has; all of them where nothing was measured."""
    there = [set(seed) for seed in seeds if any(seed)]
    return tuple(part for part in parts if all(part in seed for seed in there))
