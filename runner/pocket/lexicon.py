"""What each language calls things: words that it shares with the base language, and words of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from runner.pocket.meanings import CONCEPTS, NAMES, TOWNS
from runner.tasks.languages import POCKET_LANGUAGES, PocketLanguage

SEED = 2020
ENDINGS = ("plural", "past", "future", "object", "place")
# Consonants and vowels of each branch: its languages sound alike.
SOUNDS: Mapping[str, tuple[str, str]] = {
    "Plain": ("bdklmnprstv", "aeiou"),
    "Hill": ("cfghjkmnqrwxz", "aeou"),
    "Coast": ("bdfgklmnprstz", "aeio"),
}
LATIN = "abcdefghijklmnopqrstuvwxyz"
# One letter for another, in the order of LATIN: nobody's spelling, but every word stays a word of one script.
ALPHABETS: Mapping[str, str] = {
    "Latn": LATIN,
    "Grek": "αβψδεφγηιξκλμνοπϙρστυωχϡϝζ",
    "Cyrl": "абцдефгхийклмнопщрстувжыьз",
}


@dataclass(frozen=True)
class Lexicon:
    """The stem of every concept, the form of every name, and the endings of one language."""

    language: PocketLanguage
    stems: Mapping[str, str]
    names: Mapping[str, str]
    endings: Mapping[str, str]

    def morphemes(self) -> Iterator[str]:
        """Stems and names as a tokenizer may find them at the beginning of a word."""
        yield from self.stems.values()
        yield from self.names.values()


@lru_cache(maxsize=1)
def lexicons() -> Mapping[str, Lexicon]:
    """The lexicon of each language of the family by its code; equal on every machine."""
    taken: set[str] = set()
    found: dict[str, Lexicon] = {}
    base: Lexicon | None = None
    for code, language in POCKET_LANGUAGES.items():
        words = _Words(language, taken)
        shared = _first(CONCEPTS, language.cognates, "cognates") if base else ()
        known = _first((*NAMES, *TOWNS), language.anchors, "anchors")
        found[code] = Lexicon(
            language,
            {concept: base.stems[concept] if concept in shared else words.stem() for concept in CONCEPTS},
            {name: name if name in known else words.stem().capitalize() for name in (*NAMES, *TOWNS)},
            {ending: words.ending() for ending in ENDINGS},
        )
        base = base or found[code]
    return found


def _first(items: Sequence[str], share: float, purpose: str) -> frozenset[str]:
    """`share` of the items, in one order for all languages: what a distant one has kept, a near one has too."""
    order = sorted(items)
    Random(f"{SEED}:{purpose}").shuffle(order)
    return frozenset(order[: round(share * len(order))])


class _Words:
    """New words of one language, none of which any language has yet."""

    def __init__(self, language: PocketLanguage, taken: set[str]) -> None:
        self._draw = Random(f"{SEED}:{language.code}")
        self._consonants, self._vowels = SOUNDS[language.branch]
        self._alphabet = str.maketrans(LATIN, ALPHABETS[language.script])
        self._taken = taken

    def stem(self) -> str:
        return self._new(lambda: self._syllable() + self._syllable() + self._draw.choice(("", self._consonant())))

    def ending(self) -> str:
        return self._new(lambda: self._draw.choice(self._vowels) + self._consonant())

    def _new(self, make) -> str:
        while (word := make().translate(self._alphabet)) in self._taken:
            pass
        self._taken.add(word)
        return word

    def _syllable(self) -> str:
        return self._consonant() + self._draw.choice(self._vowels)

    def _consonant(self) -> str:
        return self._draw.choice(self._consonants)
