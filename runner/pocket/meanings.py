"""What can be said: a small world of topics, and facts about it. No word of any language stands here.

Concepts are named by English glosses, for people; what a language calls them is its own (`runner.pocket.lexicon`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

# How often a word comes from the topic that is talked about: running text must show which words go together.
LOYALTY = 0.85


@dataclass(frozen=True)
class Topic:
    """A field of life: who acts in it, what with, and how. Actions and qualities come in pairs of opposites."""

    kind: str
    roles: tuple[str, ...]
    things: tuple[str, ...]
    actions: tuple[tuple[str, str], ...]
    qualities: tuple[tuple[str, str], ...]
    places: tuple[str, ...]
    names: tuple[str, ...]
    towns: tuple[str, ...]


def _topic(
    kind: str, roles: str, things: str, actions: str, qualities: str, places: str, names: str, towns: str
) -> Topic:
    return Topic(
        kind,
        *(tuple(words.split()) for words in (roles, things)),
        *(tuple(tuple(pair.split("/")) for pair in words.split()) for words in (actions, qualities)),
        *(tuple(words.split()) for words in (places, names, towns)),
    )


TOPICS = (
    _topic(
        "animal",
        "farmer shepherd",
        "goat horse hen cow",
        "feed/starve chase/flee",
        "wild/tame old/young",
        "barn meadow",
        "Ilo Brena Tevo Sadi",
        "Tarnu Velk",
    ),
    _topic(
        "food",
        "cook baker",
        "bread soup cheese cake",
        "eat/refuse buy/sell",
        "hot/cold sweet/sour",
        "kitchen market",
        "Odra Pelin Karo Mesa",
        "Bolsa Herin",
    ),
    _topic(
        "tool",
        "smith mason",
        "hammer saw rope nail",
        "mend/break lift/drop",
        "heavy/light sharp/blunt",
        "forge yard",
        "Dagu Rilan Vesh Tomi",
        "Gorm Issel",
    ),
    _topic(
        "boat",
        "sailor fisher",
        "ferry raft barge sloop",
        "steer/follow load/empty",
        "wet/dry fast/slow",
        "harbour river",
        "Nale Joruk Asti Pimo",
        "Lund Mareva",
    ),
    _topic(
        "book",
        "teacher scribe",
        "letter poem map diary",
        "write/burn find/lose",
        "long/short clear/secret",
        "school tower",
        "Elva Hodi Renk Sulo",
        "Ostan Kirel",
    ),
    _topic(
        "cloth",
        "weaver tailor",
        "coat scarf carpet shirt",
        "wash/stain wear/hide",
        "soft/rough bright/dark",
        "shop attic",
        "Fenna Quill Bado Yuri",
        "Pravo Zeld",
    ),
)
TIMES = {"yesterday": "past", "lately": "past", "tomorrow": "future", "soon": "future", "today": "", "often": ""}
FUNCTION_WORDS = ("in", "not", "guild", "who", "what", "where", "and")
NAMES = tuple(name for topic in TOPICS for name in topic.names)
TOWNS = tuple(town for topic in TOPICS for town in topic.towns)
OPPOSITES = {
    word: other
    for topic in TOPICS
    for first, second in (*topic.actions, *topic.qualities)
    for word, other in ((first, second), (second, first))
}
KIND_OF = {thing: topic.kind for topic in TOPICS for thing in topic.things}
ACTIONS = tuple(word for topic in TOPICS for pair in topic.actions for word in pair)
CONCEPTS = (
    *FUNCTION_WORDS,
    *TIMES,
    *(topic.kind for topic in TOPICS),
    *(
        word
        for topic in TOPICS
        for words in (topic.roles, topic.things, *topic.actions, *topic.qualities, topic.places)
        for word in words
    ),
)


@dataclass(frozen=True)
class Phrase:
    """Somebody, something or somewhere: `entity` is PER, ORG or LOC for a name of one or two words, else empty."""

    head: str
    family: str = ""
    quality: str = ""
    number: int = 1
    entity: str = ""


@dataclass(frozen=True)
class Fact:
    """Who did what to what, where and when; `asked` is the part that a question asks for."""

    subject: Phrase
    action: str
    object: Phrase
    place: Phrase | None = None
    time: str = ""
    negated: bool = False
    asked: str = ""

    @property
    def plain(self) -> Fact:
        """The same without everything that may be left out."""
        return replace(self, object=replace(self.object, quality="", number=1), place=None, time="")


class World:
    """Draws facts; everything comes from one generator of random numbers."""

    def __init__(self, draw: Random, loyalty: float = LOYALTY) -> None:
        self.draw = draw
        self._loyalty = loyalty

    def topic(self) -> Topic:
        return self.draw.choice(TOPICS)

    def fact(self, topic: Topic, subject: Phrase | None = None) -> Fact:
        """A fact that belongs to the topic, as far as its loyalty goes."""
        draw = self.draw
        return Fact(
            subject=subject or self.somebody(topic),
            action=draw.choice(draw.choice(self._near(topic).actions)),
            object=self.something(topic),
            place=self.somewhere(topic) if draw.random() < 0.6 else None,
            time=draw.choice(tuple(TIMES)) if draw.random() < 0.5 else "",
        )

    def somebody(self, topic: Topic) -> Phrase:
        draw, near = self.draw, self._near(topic)
        fate = draw.random()
        if fate < 0.3:
            return Phrase(draw.choice(near.roles))
        if fate < 0.45:
            return Phrase(draw.choice(near.towns), entity="ORG")
        return Phrase(draw.choice(near.names), draw.choice(near.towns) if fate < 0.65 else "", entity="PER")

    def something(self, topic: Topic) -> Phrase:
        draw, near = self.draw, self._near(topic)
        quality = draw.choice(draw.choice(near.qualities)) if draw.random() < 0.5 else ""
        return Phrase(draw.choice(near.things), quality=quality, number=draw.choice((1, 1, 1, 2, 3, 4, 7)))

    def somewhere(self, topic: Topic) -> Phrase:
        near = self._near(topic)
        if self.draw.random() < 0.5:
            return Phrase(self.draw.choice(near.towns), entity="LOC")
        return Phrase(self.draw.choice(near.places))

    def other_than(self, phrase: Phrase, make: str, topic: Topic | None = None) -> Phrase:
        """Another phrase of the same sort (`somebody`, `something`, `somewhere`), with another head."""
        while (found := getattr(self, make)(topic or self.topic())).head == phrase.head:
            pass
        return found

    def _near(self, topic: Topic) -> Topic:
        return topic if self.draw.random() < self._loyalty else self.topic()
