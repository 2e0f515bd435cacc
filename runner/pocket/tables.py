"""The suite's data as tables, under the names that the catalogue gives them: made anew wherever they are read.

A row depends on the seed, its table, its split and its number alone. What a language calls it is all that differs
from language to language, so row i is the same item in each; running text alone is about other things in each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from random import Random
from typing import Any

from runner.errors import RecipeError
from runner.pocket.grammar import Tongue
from runner.pocket.items import ITEMS, near_miss, passage, sentence, translation
from runner.pocket.lexicon import SEED
from runner.tasks.languages import POCKET_BASE, POCKET_LANGUAGES
from runner.tasks.pocket import DATASET, GOLD_PAIRS, POOL, SIZES, TRANSLATED

Row = dict[str, Any]
# Of the sentences of a pool that belong to no pair, how many are a little other than one that does.
NEAR_MISSES = 0.5


def is_pocket(dataset: str) -> bool:
    return dataset.partition("/")[0] == DATASET


def table(dataset: str, config: str, split: str, limit: int | None = None) -> dict[str, list[Any]]:
    """The columns of a table, its first `limit` rows; RecipeError for one that the suite does not have."""
    name = dataset.partition("/")[2]
    code, _, variant = config.partition(".")
    if code not in POCKET_LANGUAGES or name not in MAKERS:
        raise RecipeError(f"The pocket suite has no {dataset}, configuration {config}: see runner/tasks/pocket.py.")
    rows = list(islice(MAKERS[name](name, code, variant, split), limit))
    if not rows:
        raise RecipeError(f"The pocket suite has no split {split} of {dataset}, configuration {config}.")
    return {column: [row[column] for row in rows] for column in rows[0]}


def _draw(*names: object) -> Random:
    return Random(":".join(map(str, (SEED, *names))))


def _items(name: str, code: str, variant: str, split: str) -> Iterator[Row]:
    """Rows of a labelled task; a translation has the items of the original, said with mistakes."""
    for number in range(SIZES[name].get(split, 0)):
        mistakes = _draw("mistakes", name, code, number) if variant == TRANSLATED else None
        row = ITEMS[name](_draw(name, split, number), Tongue(code, mistakes))
        yield {"id": f"{split}-{number}", **row} if name == "question" else row


def _search(name: str, code: str, variant: str, split: str) -> Iterator[Row]:
    tongue, base = Tongue(code), Tongue(POCKET_BASE)
    for number in range(SIZES[name].get(split, 0)):
        source, target = translation(_draw(name, split, number), tongue, base)
        yield {"source_sentence": source, "target_sentence": target}


def _mining(name: str, code: str, variant: str, split: str) -> Iterator[Row]:
    """Gold pairs of a split; or, in the variant `pool-<split>`, the pool of one side."""
    tongue, base = Tongue(code), Tongue(POCKET_BASE)
    if not variant:
        for number in range(GOLD_PAIRS.get(split, 0)):
            source, target = translation(_draw(name, split, number), tongue, base)
            names = {"source_id": _name(code, number), "target_id": _name(POCKET_BASE, number)}
            yield {"source_sentence": source, "target_sentence": target, **names}
        return
    of = variant.removeprefix("pool-")
    speaker = base if split == "target" else tongue
    for number in range(GOLD_PAIRS.get(of, 0)):
        sides = translation(_draw(name, of, number), tongue, base)
        yield {"id": _name(speaker.language.code, number), "sentence": sides[split == "target"]}
    for number in range(GOLD_PAIRS.get(of, 0), POOL * GOLD_PAIRS.get(of, 0)):
        draw = _draw(name, of, split, number)
        if draw.random() < NEAR_MISSES:
            text = near_miss(_draw(name, of, draw.randrange(GOLD_PAIRS[of])), draw, speaker)
        else:
            text = sentence(draw, speaker)
        yield {"id": _name(speaker.language.code, number), "sentence": text}


def _name(code: str, number: int) -> str:
    return f"{code}-{number:09d}"


def _text(name: str, code: str, variant: str, split: str) -> Iterator[Row]:
    """Passages and sentences with their translation, mixed as evenly as their numbers allow."""
    language, tongue, base = POCKET_LANGUAGES[code], Tongue(code), Tongue(POCKET_BASE)
    total = language.texts + language.pairs if split == "train" else 0
    for number in range(total):
        draw = _draw(name, code, number)
        if (number + 1) * language.pairs // total > number * language.pairs // total:
            text, other = translation(draw, tongue, base)
            yield {"text": text, "translation": other}
        else:
            yield {"text": passage(draw, tongue), "translation": ""}


MAKERS: Mapping[str, Callable[[str, str, str, str], Iterator[Row]]] = {
    **dict.fromkeys(ITEMS, _items),
    "search": _search,
    "mining": _mining,
    "text": _text,
}
