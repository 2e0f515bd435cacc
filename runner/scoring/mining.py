"""BUCC: precision, recall and F1 of mined sentence pairs, and the threshold that mining needs."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping
from typing import TypeVar

import numpy as np

Pair = TypeVar("Pair", bound=Hashable)


def scores(gold: Iterable[Hashable], predicted: Iterable[Hashable]) -> dict[str, float]:
    """`f1`, `precision` and `recall` in 0..100 (XTREME's evaluate.py, `bucc_f1`).

    A pair that is listed twice counts once, in both lists. All three are 0 where no pair is right.
    """
    true, guessed = set(gold), set(predicted)
    right = len(true & guessed)
    if not right:
        return {"f1": 0.0, "precision": 0.0, "recall": 0.0}
    precision, recall = right / len(guessed), right / len(true)
    f1 = 2 * precision * recall / (precision + recall)
    return {"f1": f1 * 100, "precision": precision * 100, "recall": recall * 100}


def best_threshold(candidates: Mapping[Pair, float], gold: Collection[Pair]) -> float:
    """The score from which on candidates are taken so that F1 on `gold` is highest (XTREME, `bucc_optimize`).

    Candidates are taken one by one, best score first, equal scores in the order of `candidates`; the threshold lies
    halfway between the last that is taken and the next. Of several equally good ones it is the highest. Where all
    candidates are taken (XTREME's fails there) it is the lowest score; where none of them is right, 0.
    """
    if not candidates:
        return 0.0
    true = set(gold)
    values = np.fromiter(candidates.values(), dtype=np.float64, count=len(candidates))
    hits = np.fromiter((pair in true for pair in candidates), dtype=bool, count=len(candidates))
    order = np.argsort(-values, kind="stable")
    values, right = values[order], np.cumsum(hits[order])
    if not right[-1]:
        return 0.0
    precision, recall = right / np.arange(1, len(values) + 1), right / len(true)
    with np.errstate(invalid="ignore"):
        f1 = np.where(right > 0, 2 * precision * recall / (precision + recall), 0.0)
    last = int(f1.argmax())
    return float((values[last] + values[min(last + 1, len(values) - 1)]) / 2)


def extract(candidates: Mapping[Pair, float], threshold: float) -> list[Pair]:
    """The candidates with at least the threshold's score, in their order (XTREME, `bucc_extract`)."""
    return [pair for pair, score in candidates.items() if score >= threshold]
