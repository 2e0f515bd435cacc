"""Paired differences to the baseline: the primary quantity of the leaderboard. Pure functions."""

from __future__ import annotations

from leaderboard.standings.aggregate import mean
from leaderboard.standings.table import Difference, Measured


def difference(mine: Measured, base: Measured, parts: tuple[str, ...], *, whole: bool = True) -> Difference | None:
    """The mean over paired seeds of the mean over shared parts of (mine - base), or None without a pair.

    Pairs in which both sides have all `parts` are used alone where there are any. Else the difference is over
    the parts that all pairs share: it says so in `have`, and only the transfer map shows it.
    """
    seeds = [seed for seed in mine.by_seed if seed in base.by_seed]
    complete = [
        seed for seed in seeds if all(part in mine.by_seed[seed] and part in base.by_seed[seed] for part in parts)
    ]
    pairs = complete or seeds
    shared = [
        part for part in parts if all(part in mine.by_seed[seed] and part in base.by_seed[seed] for seed in pairs)
    ]
    if pairs and shared:
        values = [mean([mine.by_seed[seed][part] - base.by_seed[seed][part] for part in shared]) for seed in pairs]
        return Difference(mean(values), len(pairs), len(shared), len(parts))
    return _between_means(mine, base, seeds, len(parts)) if whole else None


def _between_means(mine: Measured, base: Measured, seeds: list[int], expected: int) -> Difference | None:
    """The difference of two printed means, for sources that print nothing else."""
    printed = [seed for seed in seeds if "" in mine.by_seed[seed] and "" in base.by_seed[seed]]
    if not printed:
        return None
    values = [mine.by_seed[seed][""] - base.by_seed[seed][""] for seed in printed]
    return Difference(mean(values), len(printed), expected, expected)
