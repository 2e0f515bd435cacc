"""One item of every task, drawn and said: the same draws say the same item in every language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Any

from runner.pocket.grammar import Tongue, Word, spell
from runner.pocket.meanings import KIND_OF, OPPOSITES, TOPICS, Fact, Phrase, World

CHOICES = 4
PASSAGE = 3
ENTAILMENT, NEUTRAL, CONTRADICTION = range(3)  # the order of runner.tasks.intermediate.NLI_LABELS
DIFFERENT, SAME = range(2)

Row = dict[str, Any]
Item = Callable[[Random, Tongue], Row]


def inference(draw: Random, tongue: Tongue) -> Row:
    """A sentence, and one that follows from it, contradicts it, or does neither."""
    world = World(draw)
    topic = world.topic()
    premise = world.fact(topic)
    label = draw.randrange(3)
    if label == ENTAILMENT:
        second = premise.plain
        if draw.random() < 0.5:
            second = replace(second, object=Phrase(KIND_OF[premise.object.head]))
    elif label == CONTRADICTION:
        second = premise.plain if draw.random() < 0.5 else replace(premise, time="")
        second = (
            replace(second, negated=True) if draw.random() < 0.5 else replace(second, action=OPPOSITES[second.action])
        )
    elif draw.random() < 0.5:
        second = replace(premise.plain, object=world.other_than(premise.object, "something"))
    else:
        second = replace(premise.plain, subject=world.other_than(premise.subject, "somebody"))
    return {"premise": tongue.text(premise), "hypothesis": tongue.text(second), "label": label}


def paraphrase(draw: Random, tongue: Tongue) -> Row:
    """Two sentences of nearly the same words: the second has its place in front, and up to two other parts."""
    world = World(draw)
    topic = world.topic()
    first = world.fact(topic)
    first = replace(first, place=first.place or world.somewhere(topic))
    label = draw.randrange(2)
    second = first if label == SAME else _changed(world, _changed(world, first))
    return {"first": tongue.text(first), "second": tongue.text(second, fronted=True), "label": label}


def _changed(world: World, fact: Fact) -> Fact:
    """The fact with another subject, action, object or place."""
    part, make = world.draw.choice(
        (("subject", "somebody"), ("action", ""), ("object", "something"), ("place", "somewhere"))
    )
    if part == "action":
        return replace(fact, action=OPPOSITES[fact.action])
    return replace(fact, **{part: world.other_than(getattr(fact, part) or Phrase(""), make)})


def choice(draw: Random, tongue: Tongue) -> Row:
    """Two sentences about somebody, and four that could follow: only one stays with what they are about."""
    world = World(draw, loyalty=1.0)
    topic = world.topic()
    subject = world.somebody(topic)
    context = [world.fact(topic, subject) for _ in range(2)]
    label = draw.randrange(CHOICES)
    others = draw.sample([other for other in TOPICS if other is not topic], CHOICES - 1)
    endings = [world.fact(other, subject) for other in others]
    endings.insert(label, world.fact(topic, subject))
    return {
        "context": " ".join(tongue.text(fact) for fact in context),
        "endings": [tongue.text(fact) for fact in endings],
        "label": label,
    }


def parts_of_speech(draw: Random, tongue: Tongue) -> Row:
    return _tagged(draw, tongue, lambda word: word.pos)


def entities(draw: Random, tongue: Tongue) -> Row:
    return _tagged(draw, tongue, lambda word: word.entity)


def supertags(draw: Random, tongue: Tongue) -> Row:
    """Part of speech and part of the sentence in one tag: what a word does in its sentence."""
    return _tagged(draw, tongue, lambda word: f"{word.pos}/{word.part}" if word.part else word.pos)


def _tagged(draw: Random, tongue: Tongue, tag: Callable[[Word], str]) -> Row:
    world = World(draw)
    words = tongue.words(world.fact(world.topic()), fronted=draw.random() < 0.2)
    return {"tokens": [word.text for word in words], "tags": [tag(word) for word in words]}


def question(draw: Random, tongue: Tongue) -> Row:
    """A passage of three facts and a question about one of them; the answer is a phrase of the passage."""
    world = World(draw)
    topic = world.topic()
    facts: list[Fact] = []
    while len(facts) < PASSAGE:
        fact = world.fact(topic)
        if all(fact.subject.head != other.subject.head and fact.action != other.action for other in facts):
            facts.append(replace(fact, place=fact.place or world.somewhere(topic)))
    number = draw.randrange(PASSAGE)
    asked = draw.choice(("subject", "object", "place"))
    sentences = [tongue.words(fact) for fact in facts]
    texts = [spell(words) for words in sentences]
    before = sum(len(text) + 1 for text in texts[:number])
    start, answer = _span(sentences[number], asked)
    query = replace(facts[number], asked=asked, time="", place=None)
    return {
        "context": " ".join(texts),
        "question": tongue.text(query),
        "answers": {"text": [answer], "answer_start": [before + start]},
    }


def _span(words: list[Word], part: str) -> tuple[int, str]:
    """Where the words of a part begin in the text of their sentence, and these words; without a preposition."""
    chosen = [at for at, word in enumerate(words) if word.part == part and word.pos != "ADP"]
    start = sum(len(word.text) + 1 for word in words[: chosen[0]])
    return start, " ".join(words[at].text for at in chosen)


def translation(draw: Random, tongue: Tongue, base: Tongue) -> tuple[str, str]:
    """A sentence and the same in the base language."""
    world = World(draw)
    fact = world.fact(world.topic())
    return tongue.text(fact), base.text(fact)


def near_miss(original: Random, draw: Random, tongue: Tongue) -> str:
    """A sentence with one part other than in the one that `original` draws for `translation`."""
    world = World(original)
    return tongue.text(_changed(World(draw), world.fact(world.topic())))


def sentence(draw: Random, tongue: Tongue) -> str:
    world = World(draw)
    return tongue.text(world.fact(world.topic()))


def passage(draw: Random, tongue: Tongue) -> str:
    """Running text: a few facts of one topic, mostly about the same subject."""
    world = World(draw)
    topic = world.topic()
    subject = world.somebody(topic)
    facts = [world.fact(topic, subject if draw.random() < 0.6 else None) for _ in range(draw.choice((2, 3)))]
    return " ".join(tongue.text(fact, fronted=draw.random() < 0.2) for fact in facts)


ITEMS: Mapping[str, Item] = {
    "inference": inference,
    "paraphrase": paraphrase,
    "choice": choice,
    "parts_of_speech": parts_of_speech,
    "entities": entities,
    "supertags": supertags,
    "question": question,
}
