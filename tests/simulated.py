"""Studies in which the truth is known: systems that answer items right with known chances, over seeds and languages."""

from __future__ import annotations

import numpy as np

from leaderboard.standings.statistics import draws


def differences(
    random: np.random.Generator,
    weights: np.ndarray,
    *,
    seeds: int,
    truth: float,
    seed_spread: float,
    item_spread: float = 0.15,
    languages: int = 3,
) -> tuple[np.ndarray, np.ndarray]:
    """Paired differences (seeds,) in points and their replicates (seeds, replicates), of accuracy over parallel items.

    Every source item is asked in each language. What a system does better on some items than on others
    (`item_spread`) is common to the languages; what a seed does better (`seed_spread`) is common to all items.
    """
    items = len(weights)
    difficulty = random.uniform(0.35, 0.65, size=items)
    lean = random.uniform(-item_spread, item_spread, size=items)
    drift = random.normal(0, seed_spread, size=seeds)
    totals = []
    for chance in (difficulty + truth / 100 + lean + drift[:, None], difficulty + np.zeros((seeds, 1))):
        right = random.random((languages, *chance.shape)) < chance
        totals.append(right.sum(axis=0))
    difference = (totals[0] - totals[1]).astype(np.float32) / languages
    resampled = 100 * (difference @ weights) / weights.sum(axis=0)
    return 100 * difference.mean(axis=1), resampled


def weights(items: int) -> np.ndarray:
    return draws.weights(draws.keys(map(str, range(items)), "simulated"))
