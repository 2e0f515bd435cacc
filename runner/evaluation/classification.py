"""Accuracy of sentence pairs."""

from __future__ import annotations

from collections.abc import Sequence

from runner.data.examples import SentencePair
from runner.evaluation.outcomes import Outcome
from runner.scoring.classification import matches


def score(examples: Sequence[SentencePair], predicted: Sequence[int], labels: Sequence[str]) -> Outcome:
    """Share of pairs whose label was predicted, in percent; one label a line, as XTREME's evaluate.py reads."""
    right = matches([example.label for example in examples], predicted)
    items = [
        {"gold": labels[example.label], "predicted": labels[label], "correct": correct}
        for example, label, correct in zip(examples, predicted, right, strict=True)
    ]
    accuracy = 100 * sum(right) / len(right)
    return Outcome({"accuracy": accuracy}, len(items), items, [item["predicted"] for item in items])
