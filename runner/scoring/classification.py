"""Accuracy over items that each have one right label: sentence pairs, and Tatoeba's indices."""

from __future__ import annotations

from collections.abc import Hashable, Sequence


def matches(gold: Sequence[Hashable], predicted: Sequence[Hashable]) -> list[bool]:
    """For each item whether its label was predicted; ValueError where the lengths differ or there is nothing."""
    if len(gold) != len(predicted) or not gold:
        raise ValueError(f"{len(predicted)} predictions for {len(gold)} labels.")
    return [label == guess for label, guess in zip(gold, predicted, strict=True)]


def accuracy(gold: Sequence[Hashable], predicted: Sequence[Hashable]) -> float:
    """Share of items whose label was predicted, in 0..100 (XTREME's evaluate.py, `accuracy`); errors as `matches`."""
    return sum(matches(gold, predicted)) / len(gold) * 100
