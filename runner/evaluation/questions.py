"""Extracted answers: from the best spans of a passage's windows to one answer, its exact match and F1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from runner.data.examples import Question
from runner.evaluation.outcomes import Outcome
from runner.scoring import questions

if TYPE_CHECKING:
    # Predictions from elsewhere are scored here too, and need no torch.
    from runner.data.feature_table import FeatureTable
    from runner.evaluation.predict import Span


def answers(examples: Sequence[Question], table: FeatureTable, spans: Sequence[Span]) -> list[str]:
    """The text of each question's answer: the best span over all windows of its passage.

    Where some questions have no answer (SQuAD v2.0), the empty text is one: it is given where every window scores
    it above the best span (BERT's run_squad.py with a threshold of 0).
    """
    best: list[Span | None] = [None] * len(examples)
    none = [float("inf")] * len(examples)
    for index, span in enumerate(spans):
        example = table[index].example
        none[example] = min(none[example], span.none)
        known = best[example]
        if known is None or span.score > known.score:
            best[example] = span
    refusing = any(not example.answers for example in examples)
    found = []
    for example, span, without in zip(examples, best, none, strict=True):
        silent = span is None or span.score == -float("inf") or (refusing and without > span.score)
        found.append("" if silent else example.context[span.first : span.last].strip())
    return found


def score(examples: Sequence[Question], predicted: Sequence[str], task: str, language: str) -> Outcome:
    """Mean exact match and F1 in percent, normalised as `task` is (MLQA's own way, else SQuAD's); answers by id."""
    tokens = questions.tokens_of(task, language)
    predictions = {example.id: text for example, text in zip(examples, predicted, strict=True)}
    gold = {example.id: example.answers for example in examples}
    if len(gold) < len(examples):
        raise ValueError(f"{len(examples) - len(gold)} of {len(examples)} questions share their id with another one.")
    unanswerable = not all(gold.values())
    scored = questions.score(predictions, gold, tokens, unanswerable=unanswerable)
    items = [
        {
            "id": name,
            "exact_match": 100.0 * answer.exact_match,
            "f1": 100.0 * answer.f1,
            "predicted": predictions[name],
            "gold": list(gold[name]),
        }
        for name, answer in scored.items()
    ]
    return Outcome(questions.means(scored), len(items), items, predictions)
