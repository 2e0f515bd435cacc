"""Accuracy of sentence pairs."""

from __future__ import annotations

from collections.abc import Sequence

from runner.data.examples import SentencePair
from runner.evaluation.outcomes import Outcome


def score(examples: Sequence[SentencePair], predicted: Sequence[int], labels: Sequence[str]) -> Outcome:
    """Share of pairs whose label was predicted, in percent; one label a line, as XTREME's evaluate.py reads."""
    if len(examples) != len(predicted) or not examples:
        raise ValueError(f"{len(predicted)} predictions for {len(examples)} pairs.")
    items = [
        {"gold": labels[example.label], "predicted": labels[label], "correct": example.label == label}
        for example, label in zip(examples, predicted, strict=True)
    ]
    accuracy = 100 * sum(item["correct"] for item in items) / len(items)
    return Outcome({"accuracy": accuracy}, len(items), items, [item["predicted"] for item in items])
