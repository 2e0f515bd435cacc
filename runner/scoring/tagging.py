"""Entity precision, recall and F1 as seqeval 1.2.2 computes them by default (micro average, no scheme).

A tag is a prefix (its first letter) and a type (what follows, without a leading hyphen). seqeval knows the prefixes
B, I, E, S, O and the full stop; any other opens an entity where the type changes. XTREME scores bare POS tags this
way: NOUN is the prefix N with the type OUN, and neighbours of one tag are one entity.

seqeval reads all sentences as one sequence with an O after each. A tag of one letter has the type of O, so that no
change of type opens or closes it beside an O: the entity of a sentence that begins with X starts where the last
entity before it started, in another sentence. That is part of XTREME's figures, so it is part of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

# What stands between sentences: XTREME's files have a blank line there.
SEPARATOR = ""

# The last one stands for any other letter.
PREFIXES = "ESBIO.?"
NO_TYPE = "_"


def _table(rules: Mapping[str, str]) -> np.ndarray:
    """Booleans (prefix before, prefix after): whether `rules[before]` names the one after."""
    return np.array([[after in rules.get(before, "") for after in PREFIXES] for before in PREFIXES])


# conlleval's rules: an entity ends, or starts, between these two prefixes whatever the types.
ENDS = _table({"E": PREFIXES, "S": PREFIXES, "B": "BSO", "I": "BSO"})
STARTS = _table({before: "BSEI" if before in "ESO" else "BS" for before in PREFIXES})
# Outside of entities (O and the full stop), a change of type says nothing.
INSIDE = np.array([prefix not in "O." for prefix in PREFIXES])


@dataclass(frozen=True)
class Counts:
    """Per sentence, integers of shape (sentences,): entities in gold, found, and in both; words, and those right."""

    gold: np.ndarray
    found: np.ndarray
    right: np.ndarray
    words: np.ndarray
    right_words: np.ndarray

    @property
    def sentences(self) -> int:
        return len(self.words)


def flatten(sentences: Iterable[Sequence[str]]) -> list[str]:
    """The tags of all sentences with a separator after each: the lines of XTREME's files."""
    return [line for tags in sentences for line in (*tags, SEPARATOR)]


def entities(lines: Sequence[str]) -> list[tuple[str, int, int]]:
    """(type, first, last) of each entity; positions count lines, separators included, as in seqeval."""
    spans = _Spans(lines, {})
    types = list(spans.types)
    return [
        (types[kind], int(first), int(end) - 1)
        for kind, first, end in zip(spans.kinds, spans.firsts, spans.ends, strict=True)
    ]


class _Spans:
    """The entities of one sequence as arrays: their types (numbered by `types`), first lines, and lines after."""

    def __init__(self, lines: Sequence[str], types: dict[str, int]) -> None:
        self.types = types
        vocabulary = {tag: number for number, tag in enumerate(dict.fromkeys(lines))}
        # seqeval begins with the prefix O and the empty type, which no tag has.
        parts = [_parts(tag) for tag in vocabulary] + [("O", "")]
        # A letter that is not found is -1: the last one.
        prefixes = np.array([PREFIXES.find(prefix) for prefix, _ in parts])
        kinds = np.array([types.setdefault(kind, len(types)) for _, kind in parts])
        codes = np.fromiter((vocabulary[tag] for tag in lines), dtype=np.int64, count=len(lines))
        codes = np.concatenate(([len(parts) - 1], codes))
        prefix, kind = prefixes[codes], kinds[codes]
        changed = kind[:-1] != kind[1:]
        ends = ENDS[prefix[:-1], prefix[1:]] | (INSIDE[prefix[:-1]] & changed)
        starts = STARTS[prefix[:-1], prefix[1:]] | (INSIDE[prefix[1:]] & changed)
        begun = np.maximum.accumulate(np.where(starts, np.arange(len(lines)), 0))
        self.ends = np.flatnonzero(ends)
        self.firsts = begun[self.ends - 1]
        self.kinds = kind[self.ends]


def _parts(tag: str) -> tuple[str, str]:
    """Prefix and type, as seqeval's `get_entities` splits them; a separator counts as O."""
    if tag == SEPARATOR:
        return "O", NO_TYPE
    return tag[0], tag[1:].split("-", maxsplit=1)[-1] or NO_TYPE


def count(gold: Sequence[str], found: Sequence[str]) -> Counts:
    """What is right in each sentence; both are lines as `flatten` gives them, each sentence closed by a separator.

    An entity counts in the sentence where it ends, so that the sums over all sentences are seqeval's. ValueError
    where the sentences' lengths differ or there are none.
    """
    breaks = np.array([line == SEPARATOR for line in gold], dtype=bool)
    if [line == SEPARATOR for line in found] != breaks.tolist() or not len(breaks) or not breaks[-1]:
        raise ValueError("Every word needs one predicted tag.")
    sentence = np.cumsum(breaks) - breaks
    total = int(breaks.sum())

    def per_sentence(lines: np.ndarray) -> np.ndarray:
        return np.bincount(sentence[lines], minlength=total)

    types: dict[str, int] = {}
    true, guessed = _Spans(gold, types), _Spans(found, types)
    _, here, there = np.intersect1d(true.ends, guessed.ends, assume_unique=True, return_indices=True)
    same = (true.firsts[here] == guessed.firsts[there]) & (true.kinds[here] == guessed.kinds[there])
    equal = np.array([one == other for one, other in zip(gold, found, strict=True)], dtype=bool)
    return Counts(
        gold=per_sentence(true.ends - 1),
        found=per_sentence(guessed.ends - 1),
        right=per_sentence(true.ends[here][same] - 1),
        words=per_sentence(np.flatnonzero(~breaks)),
        right_words=per_sentence(np.flatnonzero(equal & ~breaks)),
    )


def scores(counts: Counts) -> dict[str, float]:
    """Micro-averaged `f1`, `precision` and `recall` of entities in 0..100; 0 where there is nothing to divide by."""
    gold, found, right = (int(part.sum()) for part in (counts.gold, counts.found, counts.right))
    precision = right / found if found else 0.0
    recall = right / gold if gold else 0.0
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return {"f1": f1 * 100, "precision": precision * 100, "recall": recall * 100}


def word_accuracy(counts: Counts) -> float:
    """Share of words whose tag was predicted, in 0..100; ValueError where there are no words."""
    words = int(counts.words.sum())
    if not words:
        raise ValueError("There are no words to score.")
    return int(counts.right_words.sum()) / words * 100
