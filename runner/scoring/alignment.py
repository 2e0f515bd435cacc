"""How well two languages are aligned in one layer: measures of the vectors of sentences and of their translations.

`source` and `target` are (n, width) in any floating type, n at least 2; row i of one is the translation of row i of the
other. docs/alignment.md has the formulas side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

# Neighbourhoods of the two margins: XTREME's size for the ratio, that of Conneau et al. 2018 for CSLS.
MARGIN_NEIGHBOURS = 4
CSLS_NEIGHBOURS = 10


@dataclass(frozen=True)
class Measure:
    """A measure: its name in tables, its unit, the values it can take, and what it is, in a sentence."""

    title: str
    unit: str
    low: float
    high: float
    meaning: str


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "accuracy_into_pivot": Measure(
            "Retrieval, into the pivot",
            "%",
            0,
            100,
            "Share of sentences whose nearest sentence of the pivot, by cosine, is their translation.",
        ),
        "accuracy_from_pivot": Measure(
            "Retrieval, from the pivot",
            "%",
            0,
            100,
            "Share of the pivot's sentences whose nearest sentence of the language, by cosine, is their translation.",
        ),
        "accuracy_margin": Measure(
            "Retrieval, ratio margin",
            "%",
            0,
            100,
            "The same by ratio margin, which holds back sentences near to everything; mean of both directions.",
        ),
        "accuracy_csls": Measure(
            "Retrieval, CSLS",
            "%",
            0,
            100,
            "The same by cross-domain similarity local scaling; mean of both directions.",
        ),
        "cosine_gap": Measure(
            "Cosine gap",
            "cosine",
            -2,
            2,
            "Mean cosine of translations less the mean cosine of all pairs that are none.",
        ),
        "cka": Measure(
            "Linear CKA",
            "0 to 1",
            0,
            1,
            "How alike the two sets of vectors are up to rotation, shift and scale.",
        ),
        "isotropy": Measure(
            "Isotropy",
            "1 - cosine",
            0,
            2,
            "1 less the mean cosine of different sentences of the language: 0 where all point the same way.",
        ),
    }
)


@dataclass(frozen=True)
class Alignment:
    """Every measure's value, and per sentence whether it was found in both directions and its translation's cosine."""

    values: Mapping[str, float]
    into_pivot: np.ndarray
    from_pivot: np.ndarray
    cosine: np.ndarray

    @property
    def n(self) -> int:
        return len(self.cosine)


def measure(source: np.ndarray, target: np.ndarray) -> Alignment:
    """All measures of MEASURES; `target` is the pivot. ValueError where shapes differ, or a vector is not finite.

    Costs four products of n x n x width, and memory for a few matrices of n x n.
    """
    _check(source, target)
    cosines = unit(source) @ unit(target).T
    into, back = nearest(cosines), nearest(cosines.T)
    values = {
        "accuracy_into_pivot": accuracy(into),
        "accuracy_from_pivot": accuracy(back),
        "accuracy_margin": _both_ways(ratio_margin(cosines)),
        "accuracy_csls": _both_ways(csls(cosines)),
        "cosine_gap": cosine_gap(cosines),
        "cka": linear_cka(source, target),
        "isotropy": isotropy(source),
    }
    places = np.arange(len(source))
    return Alignment(values, into == places, back == places, np.diagonal(cosines).copy())


def _check(source: np.ndarray, target: np.ndarray) -> None:
    if source.shape != target.shape or source.ndim != 2 or len(source) < 2:
        raise ValueError(
            f"Translations are two tables of one shape with 2 rows or more: {source.shape}, {target.shape}."
        )
    if not (np.isfinite(source).all() and np.isfinite(target).all()):
        raise ValueError("A sentence vector is not finite.")


def unit(vectors: np.ndarray) -> np.ndarray:
    """The rows at length 1, in float32 as retrieval compares them; a row of zeros stays one."""
    vectors = np.asarray(vectors, dtype=np.float32)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)


def nearest(similarities: np.ndarray) -> np.ndarray:
    """For each row of (n, m) the column of its largest value; of equals, the first."""
    return similarities.argmax(axis=1)


def accuracy(found: np.ndarray) -> float:
    """The share of rows that found their own number, in percent (XTREME's Tatoeba)."""
    return 100 * int(np.sum(found == np.arange(len(found)))) / len(found)


def _both_ways(similarities: np.ndarray) -> float:
    return (accuracy(nearest(similarities)) + accuracy(nearest(similarities.T))) / 2


def neighbourhood(cosines: np.ndarray, k: int) -> np.ndarray:
    """The mean of the `k` largest values of each row of (n, m); of all, where there are fewer."""
    k = min(k, cosines.shape[1])
    return np.partition(cosines, -k, axis=1)[:, -k:].mean(axis=1)


def ratio_margin(cosines: np.ndarray, k: int = MARGIN_NEIGHBOURS) -> np.ndarray:
    """cos(x, y) over the mean of both neighbourhoods (Artetxe and Schwenk 2019, section 3), (n, m) to (n, m)."""
    scale = (neighbourhood(cosines, k)[:, None] + neighbourhood(cosines.T, k)[None, :]) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(cosines / scale, nan=-np.inf, posinf=np.inf, neginf=-np.inf)


def csls(cosines: np.ndarray, k: int = CSLS_NEIGHBOURS) -> np.ndarray:
    """2 cos(x, y) - r(x) - r(y), r the mean cosine of a neighbourhood (Conneau et al. 2018, section 2.3)."""
    return 2 * cosines - neighbourhood(cosines, k)[:, None] - neighbourhood(cosines.T, k)[None, :]


def cosine_gap(cosines: np.ndarray) -> float:
    """The mean of the diagonal of (n, n) less that of everything else: no pair is drawn, all are counted."""
    n = len(cosines)
    total, own = cosines.sum(dtype=np.float64), np.trace(cosines, dtype=np.float64)
    return float(own / n - (total - own) / (n * (n - 1)))


def linear_cka(source: np.ndarray, target: np.ndarray) -> float:
    """|Y'X|^2 / (|X'X| |Y'Y|), Frobenius norms, columns centred (Kornblith et al. 2019, section 3).

    0 where all rows of one side are equal. Grows as n falls below the width, whatever the languages: compare values of
    equal n.
    """
    x, y = (np.asarray(side, dtype=np.float64) - np.mean(side, axis=0, dtype=np.float64) for side in (source, target))
    if len(x) < x.shape[1]:
        # The same with the smaller matrices: <XX', YY'>.
        x, y = x @ x.T, y @ y.T
        shared, scale = np.sum(x * y), np.linalg.norm(x) * np.linalg.norm(y)
    else:
        shared, scale = np.sum((y.T @ x) ** 2), np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)
    return float(min(1.0, shared / scale)) if scale > 0 else 0.0


def isotropy(vectors: np.ndarray) -> float:
    """1 less the mean cosine of two different rows: Ethayarajh's (2019, section 3.3) anisotropy, turned round."""
    rows = unit(vectors).astype(np.float64)
    n = len(rows)
    return float(1 - (np.sum(rows.sum(axis=0) ** 2) - np.sum(rows**2)) / (n * (n - 1)))
