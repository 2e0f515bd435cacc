"""F1 of tagging tasks, by seqeval, as XTREME's evaluate.py scores both NER and bare POS tags."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence

from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities

from runner.data.examples import TaggedSentence
from runner.evaluation.outcomes import Outcome

# A gold tag that training never saw can be predicted by nobody, and still counts as missed.
UNKNOWN = "<unknown>"


def score(examples: Sequence[TaggedSentence], predicted: Sequence[Sequence[int]], labels: Sequence[str]) -> Outcome:
    """Micro-averaged entity precision, recall and F1 in percent, and accuracy over words.

    On bare tags (POS, supertags) seqeval reads a tag's first letter as its prefix and what follows a hyphen
    as its type; XTREME's F1 for POS is that number, so ours is too.
    """
    gold = [[labels[tag] if tag >= 0 else UNKNOWN for tag in example.tags] for example in examples]
    found = [[labels[tag] for tag in tags] for tags in predicted]
    if [len(tags) for tags in gold] != [len(tags) for tags in found] or not gold:
        raise ValueError("Every word needs one predicted tag.")
    with warnings.catch_warnings():
        # seqeval warns of every tag without a B- or I- prefix; here that is the protocol.
        warnings.simplefilter("ignore")
        scores = {
            "f1": 100 * float(f1_score(gold, found)),
            "precision": 100 * float(precision_score(gold, found)),
            "recall": 100 * float(recall_score(gold, found)),
        }
        items = [_item(*pair) for pair in zip(gold, found, strict=True)]
    words = sum(item["words"] for item in items)
    scores["accuracy"] = 100 * sum(item["right_words"] for item in items) / words
    return Outcome(scores, len(items), items, _lines(found))


def _item(gold: list[str], found: list[str]) -> dict[str, object]:
    """Counts from which F1 over any set of sentences follows: entities in gold, found, and in both."""
    true, guessed = Counter(get_entities(gold)), Counter(get_entities(found))
    return {
        "gold_entities": sum(true.values()),
        "found_entities": sum(guessed.values()),
        "right_entities": sum((true & guessed).values()),
        "words": len(gold),
        "right_words": sum(one == other for one, other in zip(gold, found, strict=True)),
        "gold": " ".join(gold),
        "predicted": " ".join(found),
    }


def _lines(found: Sequence[Sequence[str]]) -> list[str]:
    """One tag a line, a blank line after each sentence."""
    return [line for tags in found for line in [*tags, ""]]
