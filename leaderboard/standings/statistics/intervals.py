"""The interval of a paired difference: over seeds and over test items that are clustered by their source item.

Both are samples: another seed trains another model, another test set asks other questions (Dror et al. 2018, "The
Hitchhiker's Guide to Testing Statistical Significance in NLP"; Sellam et al. 2022, "The MultiBERTs", section 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from leaderboard.standings.statistics.distributions import normal_reach, t_quantile, t_reach, two_sided_p
from leaderboard.standings.statistics.draws import generator

LEVEL = 0.95
# With fewer, resampling seeds knows next to nothing of their spread: a t interval is honest about it.
FEWEST_SEEDS_TO_RESAMPLE = 5
POWER = 0.8
# More than anybody trains to settle one question.
MOST_SEEDS = 50


@dataclass(frozen=True)
class Interval:
    """A 95% interval of a difference in points, and what it was computed from.

    `seeds` counts measurements: pairs of runs that were trained and evaluated on their own. `seed_variance` is that of
    one pair (None below two), `item_variance` what the choice of source items adds to the mean, however many seeds
    there are; the variance of the estimate is seed_variance / seeds + item_variance. `freedom` are its degrees of
    freedom. `method` says in words how it was computed.
    """

    estimate: float
    low: float
    high: float
    p: float
    seeds: int
    items: int
    method: str
    seed_variance: float | None
    item_variance: float
    freedom: float

    @property
    def error(self) -> float:
        """The standard error of the estimate, in points."""
        return sqrt((self.seed_variance or 0.0) / self.seeds + self.item_variance)

    @property
    def decided(self) -> bool:
        """Whether the interval leaves out no difference at all."""
        return self.low > 0 or self.high < 0

    @property
    def detectable(self) -> float:
        """The smallest true difference that such data would find with a chance of 80% (`minimum_detectable`)."""
        return minimum_detectable(self.error, self.freedom)


def paired(points: np.ndarray, replicates: np.ndarray, items: int, content: str = "") -> Interval:
    """The interval of the mean of `points`, the paired differences of n measurements, shape (n,), in points.

    `replicates` (n, replicates) are the same differences on resampled source items, of which there are `items`; all
    measurements, and both sides of each, on the same ones (`draws.resampled`). `content` seeds what is drawn here.

    Seeds and items are crossed random effects, so the variance of the mean is that of the two-way layout (Cornfield and
    Tukey 1956): seed variance / n + what the items add to every seed alike. The first is the sample variance of
    `points` over n, which has the interaction in it; the second is the mean covariance of two measurements over the
    replicates, which has not: adding up the two variances that a bootstrap shows would count the interaction twice,
    and resampling both ways counts it three times (Owen 2007, "The pigeonhole bootstrap"). Half of the interval's
    width is the root of the sum of squares of the half widths of both parts, each with its own quantile of t (Howe
    1974; Burdick and Graybill 1992, "Confidence Intervals on Variance Components"): exact where either part is all
    there is. Satterthwaite's degrees of freedom covered 90% with two seeds, where this has 95%.

    Five and more seeds: the multi-bootstrap (Sellam et al. 2022): seeds and items are drawn anew in every replicate;
    its quantiles, stretched about the estimate so that their spread is the variance above, with the quantile of t in
    place of the normal one (Hesterberg 2015, "What Teachers Should Know About the Bootstrap", section 5.3). Two to
    four: the t interval with that variance. One: the quantiles over items, which say nothing about other seeds.
    """
    n = len(points)
    if replicates.shape[0] != n or not n:
        raise ValueError(f"{n} measured differences for {replicates.shape[0]} rows of replicates.")
    estimate = float(np.mean(points))
    seed_variance, item_variance, degrees = components(points, replicates, items)
    error = sqrt((seed_variance or 0.0) / n + item_variance)
    low, high = _bounds(estimate, error, degrees, replicates, content)
    return Interval(
        estimate=estimate,
        low=low,
        high=high,
        p=two_sided(estimate, error, degrees),
        seeds=n,
        items=items,
        method=_words(n, items),
        seed_variance=seed_variance,
        item_variance=item_variance,
        freedom=degrees,
    )


def over_seeds(points: np.ndarray, fixed: str = "test items") -> Interval:
    """Student's t interval of the mean of n paired differences, (n,), of runs whose test items are not known.

    It says how far another set of seeds would move the mean on these very items, which are called `fixed`. ValueError
    below two.
    """
    n = len(points)
    if n < 2:
        raise ValueError(f"The spread over seeds needs two measurements at least, found {n}.")
    estimate, variance = float(np.mean(points)), float(np.var(points, ddof=1))
    half = t_reach(n - 1, LEVEL) * sqrt(variance / n)
    return Interval(
        estimate=estimate,
        low=estimate - half,
        high=estimate + half,
        p=two_sided(estimate, sqrt(variance / n), n - 1),
        seeds=n,
        items=0,
        method=f"t interval over {n} seeds; nothing is known about other {fixed}",
        seed_variance=variance,
        item_variance=0.0,
        freedom=float(n - 1),
    )


def components(points: np.ndarray, replicates: np.ndarray, items: int) -> tuple[float | None, float, float]:
    """The variance of one measurement over seeds, that of the mean over items, and the degrees of freedom of both."""
    n, among_items = len(points), max(items - 1, 1)
    centred = replicates.astype(np.float64) - replicates.mean(axis=1, keepdims=True, dtype=np.float64)
    covariance = centred @ centred.T / (replicates.shape[1] - 1)
    if n == 1:
        return None, float(covariance[0, 0]), float(among_items)
    seeds = float(np.var(points, ddof=1))
    shared = max(float(covariance.sum() - np.trace(covariance)) / (n * (n - 1)), 0.0)
    return seeds, shared, freedom(seeds / n, n - 1, shared, among_items)


def freedom(first: float, first_freedom: float, second: float, second_freedom: float) -> float:
    """The degrees of freedom whose t makes the interval of `paired` of the sum of two variances of a mean."""
    total = first + second
    if total == 0:
        return float(second_freedom)
    squares = t_reach(first_freedom, LEVEL) ** 2 * first + t_reach(second_freedom, LEVEL) ** 2 * second
    wanted = sqrt(squares / total)
    low, high = sorted((float(first_freedom), float(second_freedom)))
    for _ in range(60):
        middle = sqrt(low * high)
        low, high = (middle, high) if t_reach(middle, LEVEL) > wanted else (low, middle)
    return sqrt(low * high)


def _bounds(estimate: float, error: float, degrees: float, replicates: np.ndarray, content: str) -> tuple[float, float]:
    n, drawn = replicates.shape
    half = t_reach(degrees, LEVEL) * error
    if 1 < n < FEWEST_SEEDS_TO_RESAMPLE:
        return estimate - half, estimate + half
    if n > 1:
        seeds = generator("seeds", content, n).integers(n, size=(n, drawn))
        resampled = np.take_along_axis(replicates, seeds, axis=0).mean(axis=0, dtype=np.float64)
    else:
        resampled = replicates[0].astype(np.float64)
    deviations = resampled - resampled.mean()
    spread = float(deviations.std())
    if spread == 0:
        return estimate - half, estimate + half
    stretch = half / (normal_reach(LEVEL) * spread)
    low, high = np.quantile(deviations, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) * stretch
    return estimate + float(low), estimate + float(high)


def two_sided(estimate: float, error: float, degrees: float) -> float:
    """The p value of "there is no difference", by Student's t."""
    if error == 0:
        return 1.0 if estimate == 0 else 0.0
    return two_sided_p(estimate / error, degrees)


def minimum_detectable(error: float, degrees: float, power: float = POWER) -> float:
    """The smallest true difference that a two-sided test at 5% finds with a chance of `power`, in points.

    (t at 97.5% + t at `power`) x the standard error (Bloom 1995, "Minimum Detectable Effects"; Card et al. 2020, "With
    Little Power Comes Great Responsibility", for NLP).
    """
    return (t_reach(degrees, LEVEL) + t_quantile(degrees, power)) * error


def _words(n: int, items: int) -> str:
    """How the interval was computed, for readers."""
    over = f"{items:,} source items"
    if n == 1:
        return f"bootstrap over {over}; one seed, so nothing is known about others"
    if n < FEWEST_SEEDS_TO_RESAMPLE:
        return f"t interval over {n} seeds, with the spread over {over}"
    return f"multi-bootstrap over {n} seeds and {over}"


def p_against(interval: Interval, margin: float) -> float:
    """The two-sided p value of "the true difference is `margin`", in points."""
    return two_sided(interval.estimate - margin, interval.error, interval.freedom)


def seeds_to_decide(interval: Interval, margin: float = 0.0, level: float = LEVEL) -> int | None:
    """With how many seeds the interval would leave out `margin`, were the estimate and both variances to stay.

    `level` is the interval's, higher where several questions are decided together. None where even 50 would not do:
    then the test items are too few, or the difference is at the margin. None, too, where one seed tells nothing of the
    spread over seeds.
    """
    if interval.seed_variance is None:
        return None
    distance = abs(interval.estimate - margin)
    for seeds in range(max(interval.seeds, 2), MOST_SEEDS + 1):
        own = interval.seed_variance / seeds
        degrees = freedom(own, seeds - 1, interval.item_variance, max(interval.items - 1, 1))
        if distance > t_reach(degrees, level) * sqrt(own + interval.item_variance):
            return seeds
    return None
