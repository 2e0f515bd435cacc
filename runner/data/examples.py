"""One example of each kind: what a reader returns and the features are made from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SentencePair:
    """Two sentences and the index of their label."""

    first: str
    second: str
    label: int


@dataclass(frozen=True)
class TaggedSentence:
    """Words and the index of each word's tag; -1 where the tag is not among the task's labels."""

    tokens: tuple[str, ...]
    tags: tuple[int, ...]


@dataclass(frozen=True)
class Translation:
    """A sentence and its translation in the pivot language."""

    source: str
    target: str


Example = SentencePair | TaggedSentence | Translation
