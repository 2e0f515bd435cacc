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
from itertools import chain

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
    vocabulary = list(dict.fromkeys(lines))
    spans = _spans(_codes(lines, vocabulary), vocabulary)
    return [(spans.types[kind], first, last) for kind, first, last in zip(*spans.as_lists(), strict=True)]


def _codes(lines: Sequence[str], vocabulary: Sequence[str]) -> np.ndarray:
    """Each line's place in the vocabulary, integers of shape (lines,)."""
    place = {tag: code for code, tag in enumerate(vocabulary)}
    return np.fromiter(map(place.__getitem__, lines), dtype=np.int64, count=len(lines))


@dataclass(frozen=True)
class _Spans:
    """Entities as integers of shape (entities,): places in `types`, first and last lines."""

    types: Sequence[str]
    kinds: np.ndarray
    firsts: np.ndarray
    lasts: np.ndarray

    def as_lists(self) -> tuple[list[int], list[int], list[int]]:
        return self.kinds.tolist(), self.firsts.tolist(), self.lasts.tolist()


def _spans(codes: np.ndarray, vocabulary: Sequence[str]) -> _Spans:
    """The entities of one sequence of codes; equal vocabularies give equal numbers of types."""
    # seqeval begins with the prefix O and the empty type, which no tag has: the code -1 here.
    parts = [*map(_parts, vocabulary), ("O", "")]
    types = {name: number for number, name in enumerate(dict.fromkeys(name for _, name in parts))}
    # A letter that is not found is -1: the last prefix.
    prefix = np.array([PREFIXES.find(letter) for letter, _ in parts])[np.concatenate(([-1], codes))]
    kind = np.array([types[name] for _, name in parts])[np.concatenate(([-1], codes))]
    changed = kind[:-1] != kind[1:]
    ends = np.flatnonzero(ENDS[prefix[:-1], prefix[1:]] | (INSIDE[prefix[:-1]] & changed))
    starts = STARTS[prefix[:-1], prefix[1:]] | (INSIDE[prefix[1:]] & changed)
    begun = np.maximum.accumulate(np.where(starts, np.arange(len(codes)), 0))
    return _Spans(list(types), kind[ends], begun[ends - 1], ends - 1)


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
    vocabulary = list(dict.fromkeys(chain((SEPARATOR,), gold, found)))
    labels, guesses = _codes(gold, vocabulary), _codes(found, vocabulary)
    breaks = labels == 0
    if not np.array_equal(breaks, guesses == 0) or not len(breaks) or not breaks[-1]:
        raise ValueError("Every word needs one predicted tag.")
    sentence = np.cumsum(breaks) - breaks
    total = int(breaks.sum())

    def per_sentence(lines: np.ndarray) -> np.ndarray:
        return np.bincount(sentence[lines], minlength=total)

    true, guessed = _spans(labels, vocabulary), _spans(guesses, vocabulary)
    _, here, there = np.intersect1d(true.lasts, guessed.lasts, assume_unique=True, return_indices=True)
    same = (true.firsts[here] == guessed.firsts[there]) & (true.kinds[here] == guessed.kinds[there])
    return Counts(
        gold=per_sentence(true.lasts),
        found=per_sentence(guessed.lasts),
        right=per_sentence(true.lasts[here][same]),
        words=per_sentence(np.flatnonzero(~breaks)),
        right_words=per_sentence(np.flatnonzero((labels == guesses) & ~breaks)),
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
