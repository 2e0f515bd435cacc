"""Ranks as intervals, and ties as ties."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from leaderboard.standings.statistics.distributions import normal_reach, t_reach
from leaderboard.standings.statistics.intervals import LEVEL


@dataclass(frozen=True)
class Ranks:
    """For each row, in the order given: the 95% interval of its rank (1 is best), and its tie group, from 1 on.

    Rows of one group cannot be told from the group's first, its best. `seeds` says whether the spread over seeds is in
    it: not where no row has two.
    """

    low: np.ndarray
    high: np.ndarray
    group: np.ndarray
    seeds: bool


def mean_replicates(cells: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The replicates of each row's mean over its cells: (rows, replicates), from (rows, cells, replicates).

    `weights` (cells,) are the shares of the cells in the mean, 0 for those that a filter leaves out.
    """
    rows, count, replicates = cells.shape
    wanted = np.flatnonzero(weights)
    shares = weights[wanted].astype(cells.dtype)
    if len(wanted) == count:
        return np.matmul(shares, cells)
    result = np.empty((rows, replicates), dtype=cells.dtype)
    for row in range(rows):
        result[row] = shares @ cells[row, wanted]
    return result


def rank(measured: Sequence[np.ndarray], replicates: np.ndarray) -> Ranks:
    """Rank intervals of rows: `measured` has each row's values over its seeds, (n of the row,), in points.

    `replicates` (rows, replicates) are the rows' means over seeds on resampled source items, the same for all rows.
    A row's rank is at least 1 + the number of rows that are better for sure, at most the number of rows that are not
    worse for sure; each pair is compared by its difference, so what both rows share (the same test items) does not
    blur it. The comparisons of one row are held to 5% together (Sidak 1967), hence the interval has the true rank with
    a chance of 95% at least (Mogstad, Romano, Shaikh and Wilhelm 2024, "Inference for Ranks", theorem 3.1; quantiles
    of replicated ranks have not, where rows are close: Hall and Miller 2009). The spread over seeds is pooled over
    rows, as most have few.
    """
    estimates = np.array([float(np.mean(values)) for values in measured])
    count = len(estimates)
    variance, freedom = _pooled(measured)
    spread = _difference_variance(replicates)
    over_seeds = variance / np.array([len(values) for values in measured])
    error = np.sqrt(spread + over_seeds[:, None] + over_seeds)
    together = LEVEL ** (1 / max(count - 1, 1))
    ahead = estimates[:, None] - estimates
    better = ahead > _quantile(together, freedom) * error
    group = _tie_groups(estimates, ahead > _quantile(LEVEL, freedom) * error)
    return Ranks(1 + better.sum(axis=0), count - better.sum(axis=1), group, freedom > 0)


def _pooled(measured: Sequence[np.ndarray]) -> tuple[float, int]:
    """The variance of one seed, pooled over the rows that have several, and its degrees of freedom (0: none has)."""
    freedom = sum(len(values) - 1 for values in measured)
    squares = sum(float(((values - np.mean(values)) ** 2).sum()) for values in measured)
    return (squares / freedom if freedom else 0.0), freedom


def _difference_variance(replicates: np.ndarray) -> np.ndarray:
    """The variance of the difference of each two rows over the replicates, (rows, rows)."""
    centred = replicates - replicates.mean(axis=1, keepdims=True)
    covariance = centred @ centred.T / (replicates.shape[1] - 1)
    alone = np.diagonal(covariance)
    return np.maximum(alone[:, None] + alone - 2 * covariance, 0)


def _quantile(level: float, freedom: int) -> float:
    """Two-sided; without seeds the normal one, as test items are many."""
    return t_reach(freedom, level) if freedom else normal_reach(level)


def _tie_groups(estimates: np.ndarray, better: np.ndarray) -> np.ndarray:
    """From the best row down: a row that the group's first is better than for sure opens the next group."""
    groups = np.empty(len(estimates), dtype=int)
    number, first = 0, -1
    for row in np.argsort(-estimates, kind="stable"):
        if first < 0 or better[first, row]:
            number, first = number + 1, row
        groups[row] = number
    return groups
