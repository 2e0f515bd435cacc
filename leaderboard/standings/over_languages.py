"""A mean over languages with its interval: how far it would move had other languages been measured. Pure functions."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from math import sqrt

from leaderboard.standings.aggregate import mean, spread
from leaderboard.standings.statistics.distributions import t_reach
from leaderboard.standings.statistics.intervals import LEVEL, Interval


@dataclass(frozen=True)
class LanguageMean:
    """The mean of one value a language, over `n` languages; its 95% interval by Student's t, None below two."""

    value: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Quantity:
    """One number over languages with two intervals, which answer two questions.

    `interval` says how sure it is for these very languages, over seeds and test items; None with the reason `why`.
    `languages` takes the languages as drawn from more of their kind.
    """

    languages: LanguageMean
    interval: Interval | None
    why: str

    @property
    def value(self) -> float:
        return self.languages.value

    @property
    def n(self) -> int:
        """Languages."""
        return self.languages.n


def over_languages(values: Collection[float]) -> LanguageMean | None:
    """None for no value. The interval takes languages as drawn from more of their kind: it says nothing about seeds."""
    if not values:
        return None
    n, middle = len(values), mean(values)
    if n < 2:
        return LanguageMean(middle, None, None, n)
    half = t_reach(n - 1, LEVEL) * spread(values) / sqrt(n)
    return LanguageMean(middle, middle - half, middle + half, n)


def between(one: Collection[float], other: Collection[float]) -> LanguageMean | None:
    """The mean of `one` less that of `other`, with Welch's interval (1947); None where a side has no value."""
    if not one or not other:
        return None
    difference, n = mean(one) - mean(other), len(one) + len(other)
    if min(len(one), len(other)) < 2:
        return LanguageMean(difference, None, None, n)
    parts = [(spread(side) ** 2 / len(side), len(side) - 1) for side in (one, other)]
    variance = sum(part for part, _ in parts)
    if variance == 0:
        return LanguageMean(difference, difference, difference, n)
    freedom = variance**2 / sum(part**2 / freedom for part, freedom in parts)
    half = t_reach(freedom, LEVEL) * sqrt(variance)
    return LanguageMean(difference, difference - half, difference + half, n)
