"""Tests of two systems on the same items, and the correction of p values where many questions are asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from leaderboard.standings.statistics.distributions import fair_coin
from leaderboard.standings.statistics.draws import REPLICATES, generator


def mcnemar(mine: np.ndarray, base: np.ndarray) -> float:
    """The exact two-sided p value of "both are right equally often", from two boolean arrays over the same items.

    Only items on which one is right and the other wrong count; under the hypothesis each is a fair coin (McNemar 1947;
    the exact form is the binomial test). For accuracy in one language, and one measurement of each side.
    """
    if mine.shape != base.shape or mine.ndim != 1:
        raise ValueError(f"Two arrays over the same items are needed, found shapes {mine.shape} and {base.shape}.")
    gained, lost = int((mine & ~base).sum()), int((base & ~mine).sum())
    if gained == lost:
        return 1.0
    return min(1.0, 2 * fair_coin(min(gained, lost), gained + lost))


def approximate_randomisation(
    mine: tuple[np.ndarray, np.ndarray],
    base: tuple[np.ndarray, np.ndarray],
    content: str = "",
    replicates: int = REPLICATES,
) -> float:
    """The two-sided p value of "which system an outcome is of does not matter", for ratios of sums such as F1.

    `mine` and `base` are numerators and denominators per source item, each (items,): F1 is twice the right entities
    over those in gold and those found. The outcomes of each item are swapped with a chance of one half; p is the share
    of swaps with as large an absolute difference, itself counted in (Noreen 1989; Yeh 2000, "More accurate tests for
    the statistical significance of result differences", whose subject is F1).
    """
    above, below = mine
    other_above, other_below = base
    if not above.shape == below.shape == other_above.shape == other_below.shape:
        raise ValueError("Both systems need outcomes of the same items.")
    drawn = generator("swaps", content, len(above))
    totals = [float(part.sum()) for part in (above, below, other_above, other_below)]
    observed = abs(_ratio(totals[0], totals[1]) - _ratio(totals[2], totals[3]))
    reached = 0
    changes = np.stack([other_above - above, other_below - below], axis=1).astype(np.float64)
    # Items whose swap changes the same are alike: how many of them are swapped is binomial, and most change nothing.
    kinds, alike = np.unique(changes[changes.any(axis=1)], axis=0, return_counts=True)
    for start in range(0, replicates, 250):
        moved = kinds.T @ drawn.binomial(alike, 0.5, size=(min(250, replicates - start), len(alike))).T
        left = _ratio(totals[0] + moved[0], totals[1] + moved[1])
        right = _ratio(totals[2] - moved[0], totals[3] - moved[1])
        # Sums in another order differ in their last digits: those are as large, too.
        reached += int((np.abs(left - right) >= observed - 1e-12).sum())
    return (reached + 1) / (replicates + 1)


def _ratio(above: np.ndarray | float, below: np.ndarray | float) -> np.ndarray | float:
    """0 where there is nothing to divide by, as the scorers have it."""
    return np.divide(above, below, out=np.zeros_like(np.asarray(above, dtype=float)), where=np.asarray(below) > 0)


def holm(p: Sequence[float]) -> np.ndarray:
    """Adjusted p values, in their order: below 5% together with a chance of 5% at most (Holm 1979).

    For the comparisons of one claim, all of which it stands or falls with.
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    steps = (len(values) - np.arange(len(values))) * values[order]
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def benjamini_hochberg(p: Sequence[float]) -> np.ndarray:
    """Adjusted p values, in their order: of those below 5%, an expected 5% at most are false.

    Benjamini and Hochberg 1995, "Controlling the False Discovery Rate": for maps of many cells, to be looked through.
    It holds for independent and for positively dependent tests, which cells against one baseline are.
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")[::-1]
    ranks = np.arange(len(values), 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.minimum.accumulate(values[order] * len(values) / ranks), 1.0)
    return adjusted
