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
class MultipleChoice:
    """What the choices are about (context, question, or both), the choices, and the index of the right one."""

    context: str
    question: str
    choices: tuple[str, ...]
    label: int


@dataclass(frozen=True)
class TaggedSentence:
    """Words and the index of each word's tag; -1 where the tag is not among the task's labels."""

    tokens: tuple[str, ...]
    tags: tuple[int, ...]


@dataclass(frozen=True)
class Question:
    """A question about a passage; `answers` are texts in it, `start` is the first one's place, in characters.

    A question that the passage does not answer has no answers; its start is -1, as is that of an answer whose
    text is not in the passage.
    """

    id: str
    context: str
    question: str
    answers: tuple[str, ...]
    start: int


@dataclass(frozen=True)
class Translation:
    """A sentence and its translation in the pivot language."""

    source: str
    target: str


@dataclass(frozen=True)
class Text:
    """Running text, for masked words; or a sentence with its translation into another language."""

    text: str
    translation: str = ""


Example = SentencePair | MultipleChoice | TaggedSentence | Question | Translation | Text
