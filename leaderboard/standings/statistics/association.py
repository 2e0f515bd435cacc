"""Whether two measures go together: rank correlation, and a line, each with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from math import atanh, sqrt, tanh

import numpy as np

from leaderboard.standings.statistics.distributions import normal_reach, t_reach, two_sided_p
from leaderboard.standings.statistics.intervals import LEVEL

FEWEST = 4


@dataclass(frozen=True)
class Correlation:
    """Spearman's rank correlation over `n` pairs, its 95% interval and the p value of "none"."""

    value: float
    low: float
    high: float
    p: float
    n: int


@dataclass(frozen=True)
class Line:
    """y = intercept + slope x over `n` points, with the 95% interval of the slope and its p value.

    `error` is the residual standard deviation, `centre` and `scatter` the mean of x and its sum of squares about it.
    """

    intercept: float
    slope: float
    low: float
    high: float
    p: float
    n: int
    error: float
    centre: float
    scatter: float

    def band(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The line at each of `x`, and the lower and upper limit of its 95% interval there (of the mean of y)."""
        middle = self.intercept + self.slope * x
        half = t_reach(self.n - 2, LEVEL) * self.error
        half = half * np.sqrt(1 / self.n + (x - self.centre) ** 2 / self.scatter)
        return middle, middle - half, middle + half


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1 on, ties at their mean."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]


def spearman(x: np.ndarray, y: np.ndarray) -> Correlation:
    """Spearman's rank correlation of two arrays (n,), with the interval of Bonett and Wright (2000).

    On Fisher's z scale with the variance (1 + r^2 / 2) / (n - 3), which keeps its level where Fisher's own is too
    small ("Sample size requirements for estimating Pearson, Kendall and Spearman correlations", Psychometrika 65).
    p by t = r sqrt((n - 2) / (1 - r^2)). ValueError below four pairs, or where one side is the same everywhere.
    """
    x, y = _checked(x, y)
    left, right = ranks(x) - (len(x) + 1) / 2, ranks(y) - (len(y) + 1) / 2
    value = float(left @ right / sqrt(float(left @ left) * float(right @ right)))
    n = len(x)
    if abs(value) > 1 - 1e-12:
        return Correlation(float(np.sign(value)), float(np.sign(value)), float(np.sign(value)), 0.0, n)
    half = normal_reach(LEVEL) * sqrt((1 + value**2 / 2) / (n - 3))
    p = two_sided_p(value * sqrt((n - 2) / (1 - value**2)), n - 2)
    return Correlation(value, tanh(atanh(value) - half), tanh(atanh(value) + half), p, n)


def slope_weights(x: np.ndarray) -> tuple[float, ...]:
    """What each y counts in the slope of the least-squares line over `x`, (n,): the slope is a weighted sum of them."""
    centred = x - x.mean()
    return tuple((centred / (centred @ centred)).tolist())


def fitted_line(x: np.ndarray, y: np.ndarray) -> Line:
    """The least-squares line through n points, with Student's interval of its slope (any textbook of regression).

    ValueError below four points, or where x or y is the same everywhere.
    """
    x, y = _checked(x, y)
    n, centre = len(x), float(x.mean())
    scatter = float(((x - centre) ** 2).sum())
    slope = float((x - centre) @ (y - y.mean())) / scatter
    intercept = float(y.mean()) - slope * centre
    error = sqrt(float(((y - intercept - slope * x) ** 2).sum()) / (n - 2))
    half = t_reach(n - 2, LEVEL) * error / sqrt(scatter)
    p = two_sided_p(slope * sqrt(scatter) / error, n - 2) if error else 0.0
    return Line(intercept, slope, slope - half, slope + half, p, n, error, centre, scatter)


def _checked(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if x.shape != y.shape or x.ndim != 1 or len(x) < FEWEST:
        raise ValueError(f"At least {FEWEST} pairs are needed, found arrays of {x.shape} and {y.shape}.")
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        raise ValueError("One of the two is the same everywhere: nothing can go together with it.")
    return x, y
