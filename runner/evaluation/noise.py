"""Test-time noise: what people's keyboards and habits do to a text, as a pure function of seed, language and text.

Each place of a text that can be hit is hit with the probability `rate`, by itself. Equal texts get equal noise, so a
premise that recurs is disturbed alike; nothing crosses a blank, so words keep their number.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import singledispatch

from runner.data.examples import Example, MultipleChoice, Question, SentencePair, TaggedSentence, Text, Translation
from runner.data.readers import Dataset
from runner.spec import Noise, fingerprint
from runner.tasks.keyboards import neighbours
from runner.tasks.languages import LANGUAGES

Draw = Callable[[], bool]
# Where marks can be left out and the word stays one; a vowel sign of an Indic or Thai word is no such mark.
MARKED_SCRIPTS = ("LATIN", "GREEK", "CYRILLIC", "HEBREW", "ARABIC")


def disturbed(text: str, noise: Noise, language: str) -> str:
    """`text` under `noise`. A text never becomes empty, nor does a word of it."""
    generator = random.Random(fingerprint([noise.kind, noise.seed, language, text]))
    words = text.split(" ")
    change = _CHANGES[noise.kind]
    return " ".join(
        change(word, language, lambda: generator.random() < noise.rate, generator) or word for word in words
    )


def disturb(dataset: Dataset, noise: Noise) -> Dataset:
    """The same data set with noise in what the model reads of its language; gold labels stay as they were."""
    language = dataset.language
    return replace(
        dataset,
        examples=[_example(example, lambda text: disturbed(text, noise, language)) for example in dataset.examples],
    )


@singledispatch
def _example(example: Example, change: Callable[[str], str]) -> Example:
    raise TypeError(f"No noise is defined for a {type(example).__name__}.")


@_example.register
def _(example: SentencePair, change: Callable[[str], str]) -> Example:
    return replace(example, first=change(example.first), second=change(example.second))


@_example.register
def _(example: MultipleChoice, change: Callable[[str], str]) -> Example:
    return replace(
        example,
        context=change(example.context),
        question=change(example.question),
        choices=tuple(change(choice) for choice in example.choices),
    )


@_example.register
def _(example: TaggedSentence, change: Callable[[str], str]) -> Example:
    return replace(example, tokens=tuple(change(token) for token in example.tokens))


@_example.register
def _(example: Question, change: Callable[[str], str]) -> Example:
    """The question alone: an answer is a piece of the passage, which therefore stays whole."""
    return replace(example, question=change(example.question))


@_example.register
def _(example: Translation, change: Callable[[str], str]) -> Example:
    """The sentence that seeks; the English ones that it is sought among stay clean."""
    return replace(example, source=change(example.source))


@_example.register
def _(example: Text, change: Callable[[str], str]) -> Example:
    return replace(example, text=change(example.text))


# One word at a time: the word, its language, whether the next place is hit, and a generator for what it becomes.


def _swaps(word: str, language: str, hit: Draw, generator: random.Random) -> str:
    letters = list(word)
    place = 0
    while place < len(letters) - 1:
        if hit():
            letters[place], letters[place + 1] = letters[place + 1], letters[place]
            place += 1  # a letter moves once
        place += 1
    return "".join(letters)


def _drops(word: str, language: str, hit: Draw, generator: random.Random) -> str:
    return "".join(letter for letter in word if not hit())


def _casing(word: str, language: str, hit: Draw, generator: random.Random) -> str:
    """Each letter in the other case, where that is one letter that leads back."""
    return "".join(letter.swapcase() if _has_cases(letter) and hit() else letter for letter in word)


def _has_cases(letter: str) -> bool:
    other = letter.swapcase()
    return other != letter and len(other) == 1 and other.swapcase() == letter


def _punctuation(word: str, language: str, hit: Draw, generator: random.Random) -> str:
    return "".join(letter for letter in word if not (unicodedata.category(letter).startswith("P") and hit()))


def _diacritics(word: str, language: str, hit: Draw, generator: random.Random) -> str:
    """Marks are left out where the word stays one without them; composed letters are taken apart for it."""
    taken_apart = unicodedata.normalize("NFD", word)
    kept: list[str] = []
    base = ""
    for letter in taken_apart:
        if unicodedata.category(letter) != "Mn":
            base = letter
        elif base and unicodedata.name(base, "").startswith(MARKED_SCRIPTS) and hit():
            continue
        kept.append(letter)
    return unicodedata.normalize("NFC", "".join(kept)) if len(kept) < len(taken_apart) else word


def _typos(word: str, language: str, hit: Draw, generator: random.Random) -> str:
    keys = neighbours(language, LANGUAGES[language].script if language in LANGUAGES else "Latn")
    return "".join(_typo(letter, keys, generator) if letter.lower() in keys and hit() else letter for letter in word)


def _typo(letter: str, keys: Mapping[str, str], generator: random.Random) -> str:
    found = generator.choice(keys[letter.lower()])
    return found.upper() if letter != letter.lower() else found


_CHANGES: Mapping[str, Callable[[str, str, Draw, random.Random], str]] = {
    "swaps": _swaps,
    "drops": _drops,
    "casing": _casing,
    "punctuation": _punctuation,
    "diacritics": _diacritics,
    "typos": _typos,
}
