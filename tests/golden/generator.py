"""Made-up predictions and labels for all nine tasks in all their languages, the same for a seed on every Python.

    python -m tests.golden.generator FOLDER [ITEMS]

writes FOLDER/predictions and FOLDER/labels in XTREME's layout. What is drawn comes from `Random.random` alone, whose
sequence Python guarantees. Among ordinary items are the cases that evaluators disagree on: see each function.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from runner.scoring.layout import file_of
from runner.scoring.xtreme import SCORERS
from runner.tasks.registry import task as find_task

Value = TypeVar("Value")
SEED = "xtreme-1"

# Common words, with what normalisation has an opinion on: articles, hyphens, capitals, marks, digits.
WORDS = {
    "ar": "الكتاب كتاب المدينة مدينة في من القاهرة بيت كبير ال عام 1969 السلام المال خالد",
    "bn": "নদী শহর বাংলা দেশ ঢাকা মানুষ বছর 1971 বড় ছোট",
    "de": "der die das ein eine einer des Haus Straße Köln Übergang alte Stadt 1969 Rhein-Main Den dem",
    "el": "το σπίτι πόλη Αθήνα μεγάλος χρόνος ΣΟΦΟΣ και 1821",
    "en": "the a an The house River-side old city John's 1969 U.S. council and theatre another",
    "es": "el la los las un una unos unas casa ciudad río año El niño 1969 San-Juan",
    "fi": "talo kaupunki joki vuosi 1917 Helsinki suuri vanha ja meri",
    "hi": "नदी शहर भारत दिल्ली लोग साल 1947 बड़ा छोटा के",
    "id": "rumah kota sungai tahun 1945 Jakarta besar tua dan orang-orang",
    "ko": "집 도시 강 서울 1945년 사람 크다 오래된 그리고 바다",
    "ru": "дом город река Москва год 1961 большой старый и Санкт-Петербург",
    "sw": "nyumba mji mto mwaka 1961 Dodoma kubwa mzee na watu",
    "te": "నది నగరం ఊరు సంవత్సరం 1956 పెద్ద చిన్న మరియు",
    "th": "บ้าน เมือง แม่น้ำ กรุงเทพ ปี 2475 ใหญ่ เก่า และ คน",
    "tr": "ev şehir nehir İstanbul yıl 1923 büyük eski ve ISPARTA",
    "vi": "của là cái chiếc những nhà thành phố sông Hà Nội năm 1945 lớn Cái",
    "zh": "电池 太阳能 emf 北京 1969年 电动势 the DNA分子 城市 河流 龥 㐀",
}
MARKS = (
    ".",
    ",",
    "!",
    "?",
    "'",
    '"',
    "-",
    "…",
    "«",
    "»",
    "“",
    "”",
    "。",
    "、",
    "（",
    "）",
    "؟",
    "।",
    "·",
    "$",
    "%",
    "+",
    "–",
)
BLANKS = (" ", " ", " ", "  ", "\u00a0", "\u3000", "\t", " - ")
UPOS = find_task("udpos").labels
ENTITY_TAGS = find_task("panx").labels
ODD_TAGS = ("B", "I", "E", "S", "E-PER", "S-LOC", ".", ".-PER", "-", "B-", "I-B-PER", "b-PER", "O-PER", "é", "X", "_")


class Draws:
    """A stream of choices of its own for each name."""

    def __init__(self, *name: object) -> None:
        self.random = random.Random("/".join(str(part) for part in (SEED, *name))).random

    def below(self, limit: int) -> int:
        return int(self.random() * limit)

    def chance(self, share: float) -> bool:
        return self.random() < share

    def one(self, values: Sequence[Value]) -> Value:
        return values[self.below(len(values))]

    def some(self, values: Sequence[Value], count: int) -> list[Value]:
        return [self.one(values) for _ in range(count)]


# What a maker returns: the text of the predictions' file and of the labels' file.
Files = tuple[str, str]


def _sentence_pairs(slug: str, language: str, items: int, draw: Draws) -> Files:
    """A share of wrong and of empty labels; blanks around them; French with the line ends of Windows."""
    labels = find_task(slug).labels
    gold = draw.some(labels, items)
    found = [label if draw.chance(0.7) else draw.one(("", *labels)) for label in gold]
    end = "\r\n" if language == "fr" else "\n"
    return "".join(f"{label}{draw.one(('', ' ', chr(9)))}{end}" for label in found), _lines(gold)


def _tatoeba(slug: str, language: str, items: int, draw: Draws) -> Files:
    """Indices; one language has nothing right, one has no line end at its end of file."""
    gold = draw.some(range(1000), items)
    found = [-1 if language == "jv" else index if draw.chance(0.6) else draw.below(1000) for index in gold]
    text = _lines(found)
    return (text.rstrip("\n") if language == "hu" else text), _lines(gold)


def _bucc(slug: str, language: str, items: int, draw: Draws) -> Files:
    """Pairs that are listed twice and blank lines on both sides; ru has nothing right, zh predicts nothing."""
    gold = [(f"{language}-{number:09d}", f"en-{draw.below(10**6):09d}") for number in range(items)]
    found = [pair if draw.chance(0.6) else (draw.one(gold)[0], draw.one(gold)[1]) for pair in gold]
    found += draw.some(found, items // 3)
    gold += draw.some(gold, items // 4)
    lines, labels = (["\t".join(pair) for pair in pairs] for pairs in (found, gold))
    if language == "de":
        lines, labels = [*lines, ""], ["", *labels]
    if language == "ru":
        lines = [line.replace("en-", "en-9") for line in lines]
    return ("" if language == "zh" else _lines(lines)), _lines(labels)


def _tagging(slug: str, language: str, items: int, draw: Draws) -> Files:
    """Sentences of 0 to 30 tags, a share of them wrong. Some languages have odd tags in both files, one has O alone."""
    vocabulary: Sequence[str] = UPOS if slug == "udpos" else ENTITY_TAGS
    if language in ("fi", "tr"):
        vocabulary = (*vocabulary, *ODD_TAGS)
    if language == "ja" and slug == "panx":
        vocabulary = ("O",)
    gold = [[draw.one(vocabulary) for _ in range(draw.below(30))] for _ in range(items)]
    # Every tag is in the labels, so that each may be predicted; and the first sentence has words.
    gold[0] = [*vocabulary, "X", "X"] if "X" in vocabulary else list(vocabulary)
    if slug == "panx" and language != "ja":
        gold = [_spread(tags, draw) for tags in gold]
    found = [[tag if draw.chance(0.85) else draw.one(vocabulary) for tag in tags] for tags in gold]
    predictions, labels = (_lines(line for tags in side for line in (*tags, "")) for side in (found, gold))
    # The last sentence need not be closed.
    return (predictions.removesuffix("\n\n") if found[-1] else predictions), labels


def _spread(tags: list[str], draw: Draws) -> list[str]:
    """Some tags continue the entity before them, so that there are long ones."""
    for place in range(1, len(tags)):
        before = tags[place - 1]
        if before[0] in "BI" and draw.chance(0.5):
            tags[place] = f"I{before[1:]}"
    return tags


def _answers(slug: str, language: str, items: int, draw: Draws) -> Files:
    """Answers that differ from gold by what normalisation removes, or by more; empty ones, and none at all.

    One language's predictions lie in a field `data`, one language's labels do without it.
    """
    gold = [[_text(language, draw) for _ in range(1 + draw.below(3))] for _ in range(items)]
    names = [f"{language}-{slug}-{number}" for number in range(items)]
    found: dict[str, str] = {"no-such-question": _text(language, draw)}
    for name, answers in zip(names, gold, strict=True):
        if not draw.chance(0.1):
            found[name] = _prediction(draw.one(answers), language, draw)
    asked = [
        {
            "id": name,
            "question": _text(language, draw),
            "answers": [{"text": text, "answer_start": 0} for text in answers],
        }
        for name, answers in zip(names, gold, strict=True)
    ]
    paragraphs = [
        {"context": " ".join(draw.some(WORDS[language].split(), 100)), "qas": asked[start : start + 5]}
        for start in range(0, items, 5)
    ]
    half = (len(paragraphs) + 1) // 2
    articles = [{"title": "one", "paragraphs": paragraphs[:half]}, {"title": "two", "paragraphs": paragraphs[half:]}]
    labels: Any = articles if language == "ru" else {"version": "1.1", "data": articles}
    predictions: Any = {"data": found} if language == "ar" else found
    return json.dumps(predictions, ensure_ascii=language == "de"), json.dumps(labels, ensure_ascii=False)


def _text(language: str, draw: Draws) -> str:
    """Up to six words with marks and blanks of many kinds, now and then of nothing but an article or a mark."""
    words = WORDS[language].split()
    if draw.chance(0.05):
        return draw.one((words[0], draw.one(MARKS), " "))
    parts: list[str] = []
    for word in draw.some(words, 1 + draw.below(6)):
        if draw.chance(0.1):
            word += draw.one(MARKS)
        parts += [word, "" if language in ("zh", "th") and draw.chance(0.5) else draw.one(BLANKS)]
    return "".join(parts)


def _prediction(gold: str, language: str, draw: Draws) -> str:
    """The gold answer, or what a model makes of it."""
    changes: tuple[Callable[[], str], ...] = (
        lambda: gold,
        lambda: gold,
        lambda: gold.upper(),
        lambda: f"{draw.one(MARKS)}{gold}{draw.one(MARKS)}",
        lambda: f"{draw.one(WORDS[language].split())} {gold}",
        lambda: gold[: len(gold) // 2],
        lambda: f"{gold} {gold}",
        lambda: _text(language, draw),
        lambda: "",
    )
    return draw.one(changes)()


def _lines(values: Any) -> str:
    return "".join(f"{value}\n" for value in values)


MAKERS: dict[str, Callable[[str, str, int, Draws], Files]] = {
    "paws_x": _sentence_pairs,
    "xnli": _sentence_pairs,
    "panx": _tagging,
    "udpos": _tagging,
    "bucc2018": _bucc,
    "tatoeba": _tatoeba,
    "xquad": _answers,
    "mlqa": _answers,
    "tydiqa": _answers,
}


def write(root: Path, items: int) -> tuple[Path, Path]:
    """The folders of predictions and of labels under `root`, with `items` items in each language of each task."""
    sides = root / "predictions", root / "labels"
    for slug in SCORERS:
        for language in find_task(slug).languages:
            texts = MAKERS[slug](slug, language, items, Draws(slug, language, items))
            for side, text in zip(sides, texts, strict=True):
                path = side / file_of(slug, language)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8", newline="")
    return sides


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 12)
