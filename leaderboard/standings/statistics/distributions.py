"""Student's t, the normal and the binomial distribution, of scipy.

It is imported at first use: with it every command and worker would begin a quarter of a second later, and few of them
compute an interval. `leaderboard.wsgi` calls `load`: no reader shall wait.
"""

from __future__ import annotations


def load() -> None:
    """Import what the functions here need."""
    normal_reach(0.95)


def normal_reach(level: float) -> float:
    """How many standard errors the two-sided interval of this level reaches to either side."""
    from scipy.special import ndtri

    return float(ndtri((1 + level) / 2))


def t_reach(freedom: float, level: float) -> float:
    """The same by Student's t with `freedom` degrees of freedom."""
    return t_quantile(freedom, (1 + level) / 2)


def t_quantile(freedom: float, share: float) -> float:
    """What a t statistic is below with probability `share`."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, share))


def two_sided_p(statistic: float, freedom: float) -> float:
    """The probability of a t statistic at least as far from 0, on either side."""
    from scipy.special import stdtr

    return 2 * float(stdtr(freedom, -abs(statistic)))


def fair_coin(heads: int, throws: int) -> float:
    """The probability of at most so many heads."""
    from scipy.special import bdtr

    return float(bdtr(heads, throws, 0.5))
