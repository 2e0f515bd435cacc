"""Paired differences to the baseline: the primary quantity of the leaderboard. Pure functions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from leaderboard.standings.aggregate import Reduce, mean
from leaderboard.standings.table import Difference, Measured


def difference(
    mine: Measured, base: Measured, parts: tuple[str, ...], *, whole: bool = True, reduce: Reduce = mean
) -> Difference | None:
    """The mean over paired seeds of the mean over shared parts of (mine - base), or None without a pair.

    With another `reduce`, the mean over paired seeds of reduce(mine) - reduce(base).

    Pairs in which both sides have all `parts` are used alone where there are any. Else the difference is over
    the parts that all pairs share: it says so in `have`, and only the transfer map shows it.
    """
    seeds = [seed for seed in mine.by_seed if seed in base.by_seed]
    wanted = set(parts)
    complete = [seed for seed in seeds if mine.by_seed[seed].keys() >= wanted and base.by_seed[seed].keys() >= wanted]
    pairs = complete or seeds
    shared = parts if complete else _shared(mine, base, pairs, parts)
    if pairs and shared:
        values = [_between(mine.by_seed[seed], base.by_seed[seed], shared, reduce) for seed in pairs]
        return Difference(mean(values), len(pairs), len(shared), len(parts))
    return _between_means(mine, base, seeds, len(parts)) if whole else None


def _shared(mine: Measured, base: Measured, pairs: Collection[int], parts: Collection[str]) -> list[str]:
    """The parts that both sides have in every pair."""
    return [part for part in parts if all(part in mine.by_seed[seed] and part in base.by_seed[seed] for seed in pairs)]


def _between(mine: Mapping[str, float], base: Mapping[str, float], parts: Collection[str], reduce: Reduce) -> float:
    if reduce is mean:
        return mean([mine[part] - base[part] for part in parts])
    return reduce([mine[part] for part in parts]) - reduce([base[part] for part in parts])


def alongside(outside: Measured, others: Measured) -> Measured:
    """The one measurement of a system from outside, which has no seed here, beside each seed of `others`."""
    ((seed, values),) = outside.by_seed.items()
    stages = outside.stages.get(seed, frozenset())
    return replace(outside, by_seed=dict.fromkeys(others.by_seed, values), stages=dict.fromkeys(others.by_seed, stages))


def wins(mine: Measured, base: Measured) -> Measured:
    """Where the row beats its baseline, paired by seed and language: 100 for a win, 50 for a tie, 0 for a loss.

    Their mean is the win rate: the share of languages in which the row is better, a tie counting half.
    """
    by_seed = {
        seed: {
            part: 50.0 * (1 + (value > base.by_seed[seed][part]) - (value < base.by_seed[seed][part]))
            for part, value in values.items()
            if part and part in base.by_seed[seed]
        }
        for seed, values in mine.by_seed.items()
        if seed in base.by_seed
    }
    return Measured(by_seed, {seed: mine.stages.get(seed, frozenset()) for seed in by_seed}, mine.test_items)


def _between_means(mine: Measured, base: Measured, seeds: list[int], expected: int) -> Difference | None:
    """The difference of two printed means, for sources that print nothing else."""
    printed = [seed for seed in seeds if "" in mine.by_seed[seed] and "" in base.by_seed[seed]]
    if not printed:
        return None
    values = [mine.by_seed[seed][""] - base.by_seed[seed][""] for seed in printed]
    return Difference(mean(values), len(printed), expected, expected)
