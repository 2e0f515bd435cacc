"""How alike one system's predictions are in two languages, item by item. Pure functions on arrays."""

from __future__ import annotations

import numpy as np

# The measures, in the order of every array of them. `same` and `retained` are in 0..100, `kappa` in -1..1.
MEASURES = ("same", "kappa", "retained")
# What `tallies` has before the counts of each category: same, right in both, right in the pivot.
FIRST = 3


def tallies(
    pivot: np.ndarray, other: np.ndarray, pivot_right: np.ndarray, other_right: np.ndarray, categories: int
) -> np.ndarray:
    """What each item adds to the sums that the measures follow from: (3 + 2 x categories, items), float32.

    `pivot` and `other` are the predictions of the same items, (items,), as numbers below `categories`, with whether
    each is right. ValueError where the arrays are not over the same items.
    """
    if not pivot.shape == other.shape == pivot_right.shape == other_right.shape:
        raise ValueError("Agreement is over the same items on both sides.")
    known = np.arange(categories)[:, None]
    rows = [pivot == other, pivot_right & other_right, pivot_right]
    return np.concatenate([np.stack(rows), pivot == known, other == known]).astype(np.float32)


def measures(sums: np.ndarray) -> np.ndarray:
    """`MEASURES` from sums of `tallies` (rows, ...), as (3, ...); NaN where one of them is not defined.

    same: the share of items with the same prediction (XTREME, Hu et al. 2020, "Errors across languages").
    kappa: (same - chance) / (1 - chance), chance being how often two that predict each category as often as these do
    would agree (Cohen 1960, "A coefficient of agreement for nominal scales"). Of right and wrong answers it is the
    error consistency of Geirhos, Meding and Wichmann (2020). Not defined where both predict one category alone.
    retained: of the items right in the pivot, the share right in the other (XTREME, at the same place).
    """
    same, both, right = sums[:FIRST]
    pivot, other = np.split(sums[FIRST:], 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        items = pivot.sum(axis=0)
        share = same / items
        chance = (pivot * other).sum(axis=0) / items**2
        kappa = np.where(chance < 1, (share - chance) / (1 - chance), np.nan)
        return np.stack([100 * share, kappa, 100 * both / right])
