"""F1 of tagging tasks as XTREME scores both NER and bare POS tags, and what it follows from."""

from __future__ import annotations

from collections.abc import Sequence

from runner.data.examples import TaggedSentence
from runner.evaluation.outcomes import Outcome
from runner.scoring import tagging

# A gold tag that training never saw can be predicted by nobody, and still counts as missed.
UNKNOWN = "<unknown>"


def score(examples: Sequence[TaggedSentence], predicted: Sequence[Sequence[int]], labels: Sequence[str]) -> Outcome:
    """Micro-averaged entity precision, recall and F1 in percent (runner.scoring.tagging), and accuracy over words.

    The items are counts from which F1 over any set of sentences follows: entities in gold, found, and in both.
    The predictions are lines of one tag each, and a blank one after each sentence. ValueError where a word has no
    prediction.
    """
    gold = [[labels[tag] if tag >= 0 else UNKNOWN for tag in example.tags] for example in examples]
    found = [[labels[tag] for tag in tags] for tags in predicted]
    lines = tagging.flatten(found)
    counts = tagging.count(tagging.flatten(gold), lines)
    scores = {**tagging.scores(counts), "accuracy": tagging.word_accuracy(counts)}
    columns = {
        "gold_entities": counts.gold.tolist(),
        "found_entities": counts.found.tolist(),
        "right_entities": counts.right.tolist(),
        "words": counts.words.tolist(),
        "right_words": counts.right_words.tolist(),
        "gold": map(" ".join, gold),
        "predicted": map(" ".join, found),
    }
    items = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return Outcome(scores, len(items), items, lines)
