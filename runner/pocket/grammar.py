"""How a language says a fact: word order, endings, and the tags of every word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from runner.pocket.lexicon import Lexicon, lexicons
from runner.pocket.meanings import ACTIONS, CONCEPTS, TIMES, Fact, Phrase
from runner.tasks.languages import POCKET_BASE, PocketLanguage

# Of a machine translation: words that are left in the base language, and words that are others.
UNTRANSLATED = MISTRANSLATED = 0.06
PUNCTUATION = (".", "?")
PARTS = {"S": "subject", "V": "action", "O": "object"}
QUESTIONS = {"subject": "who", "object": "what", "place": "where"}


@dataclass(frozen=True)
class Word:
    """A word with its part of speech (of UPOS), its entity (B-PER, I-PER, ..., O) and the part of the sentence that it
    belongs to: subject, action, object, place or time.
    """

    text: str
    pos: str
    entity: str = "O"
    part: str = ""


class Tongue:
    """A language that speaks; with `mistakes`, as a machine translation into it would.

    A mistake is one about a concept: all that one tongue says has the same.
    """

    def __init__(self, code: str, mistakes: Random | None = None) -> None:
        self.lexicon: Lexicon = lexicons()[code]
        self.language: PocketLanguage = self.lexicon.language
        self._mistakes = mistakes
        self._said: dict[str, str] = {}

    def text(self, fact: Fact, *, fronted: bool = False) -> str:
        return spell(self.words(fact, fronted=fronted))

    def words(self, fact: Fact, *, fronted: bool = False) -> list[Word]:
        """The sentence; `fronted` puts the place where the language usually has the time."""
        parts = self._parts(fact)
        order = [PARTS[letter] for letter in self.language.order]
        # A place stands before a final verb, else at the end.
        at = 0 if fronted else len(order) - order[-1:].count("action")
        order = ["time", *order[:at], "place", *order[at:]]
        if fact.asked:
            order = [fact.asked, *(name for name in order if name != fact.asked)]
        words = [replace(word, part=name) for name in order for word in parts[name]]
        return [*words, Word("?" if fact.asked else ".", "PUNCT")]

    def _parts(self, fact: Fact) -> dict[str, list[Word]]:
        parts = {
            "subject": self.phrase(fact.subject),
            "action": self._verb(fact),
            "object": self.phrase(fact.object, "object"),
            "place": list(self._place(fact.place)) if fact.place else [],
            "time": [Word(self._stem(fact.time), "ADV")] if fact.time else [],
        }
        if fact.asked:
            parts[fact.asked] = [Word(self._stem(QUESTIONS[fact.asked]), "PRON")]
        return parts

    def phrase(self, phrase: Phrase, case: str = "") -> list[Word]:
        """A noun with what belongs to it, or a name; `case` is `object`, `place` or nothing."""
        ending = self.lexicon.endings[case] if case and self.language.cases else ""
        if phrase.entity:
            return list(self._name(phrase, ending))
        if phrase.number > 1:
            ending = self.lexicon.endings["plural"] + ending
        noun = Word(self._stem(phrase.head) + ending, "NOUN")
        number = [Word(str(phrase.number), "NUM")] if phrase.number > 1 else []
        quality = [Word(self._stem(phrase.quality), "ADJ")] if phrase.quality else []
        return [*number, *quality, noun] if self.language.adjective_first else [*number, noun, *quality]

    def _name(self, phrase: Phrase, ending: str) -> Iterator[Word]:
        names = self.lexicon.names
        if phrase.entity == "ORG":
            # The word for a guild stands where an adjective would.
            parts = [Word(self._stem("guild"), "NOUN", "ORG"), Word(names[phrase.head], "PROPN", "ORG")]
            parts = parts if self.language.adjective_first else parts[::-1]
        else:
            parts = [Word(names[name], "PROPN", phrase.entity) for name in (phrase.head, phrase.family) if name]
        for position, part in enumerate(parts):
            last = position == len(parts) - 1
            yield Word(part.text + (ending if last else ""), part.pos, f"{'I' if position else 'B'}-{part.entity}")

    def _verb(self, fact: Fact) -> list[Word]:
        tense = TIMES.get(fact.time, "")
        verb = Word(self._stem(fact.action) + (self.lexicon.endings[tense] if tense else ""), "VERB")
        return [Word(self._stem("not"), "PART"), verb] if fact.negated else [verb]

    def _place(self, place: Phrase) -> Iterator[Word]:
        if not self.language.cases:
            yield Word(self._stem("in"), "ADP")
        yield from self.phrase(place, "place")

    def _stem(self, concept: str) -> str:
        if concept not in self._said:
            self._said[concept] = self._choose(concept)
        return self._said[concept]

    def _choose(self, concept: str) -> str:
        fate = self._mistakes.random() if self._mistakes else 1.0
        if fate < UNTRANSLATED:
            return lexicons()[POCKET_BASE].stems[concept]
        if fate < UNTRANSLATED + MISTRANSLATED:
            return self.lexicon.stems[self._mistakes.choice(ACTIONS if concept in ACTIONS else CONCEPTS)]
        return self.lexicon.stems[concept]


def spell(words: list[Word]) -> str:
    """Words as running text: blanks between them, none before a full stop or question mark."""
    text = " ".join(word.text for word in words)
    return text.removesuffix(" .") + "." if text.endswith(" .") else text.removesuffix(" ?") + "?"
