"""Per-item outcomes of an evaluation as arrays, for statistics: from items.parquet to a file that numpy reads alone.

    python -m runner.outcomes METRICS ITEMS.parquet TARGET.npz [METRICS ITEMS.parquet TARGET.npz ...]

METRICS are the headline metrics, joined by `+`. Every measure is a ratio of sums over items, in percent: of right
answers over questions, or, for F1, of twice the right entities (or pairs) over those in gold and those found. So an
item is two numbers, its share above and its share below, and the measure of any part of the test set follows from them.

The file has, for the language at place i of `languages`, the arrays `items_i` (the name of the item's source item, or
its place with the language where no other language shares it), `above_i` and `below_i` (float64). Where a prediction
means the same in every language, `labels` names what can be predicted and `predicted_i` (int16) has which of them was:
the labels of a task, or, for answers, which are in the language itself, whether they match exactly.

The web process has no reader of Parquet, hence this program; it needs neither torch nor Django.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from runner.errors import RecipeError

Columns = Mapping[str, np.ndarray]
Sums = tuple[np.ndarray, np.ndarray]


def _right(columns: Columns) -> Sums:
    right = columns["correct"].astype(np.float64)
    return right, np.ones_like(right)


def _words(columns: Columns) -> Sums:
    return columns["right_words"].astype(np.float64), columns["words"].astype(np.float64)


def _entities(columns: Columns) -> Sums:
    right = columns["right_entities"].astype(np.float64)
    return 2 * right, (columns["gold_entities"] + columns["found_entities"]).astype(np.float64)


def _pairs(columns: Columns) -> Sums:
    """Gold pairs are the items; extracted pairs that are not gold belong to none, so each bears its share of them."""
    right = columns["correct"].astype(np.float64)
    wrong = columns["extracted"][0] - right.sum()
    return 2 * right, 1 + right + wrong / len(right)


def _answers(*names: str) -> Callable[[Columns], Sums]:
    def sums(columns: Columns) -> Sums:
        worth = np.mean([columns[name].astype(np.float64) for name in names], axis=0) / 100
        return worth, np.ones_like(worth)

    return sums


# The language, the place among its items, and the name that parallel languages share.
NAMES = ("language", "item", "source_item")
# Headline metrics, the columns of their items, and what an item adds above and below.
MEASURES: tuple[tuple[str, tuple[str, ...], Callable[[Columns], Sums]], ...] = (
    ("accuracy", ("correct",), _right),
    ("accuracy", ("right_words", "words"), _words),
    ("f1", ("correct", "extracted"), _pairs),
    ("f1", ("right_entities", "gold_entities", "found_entities"), _entities),
    ("f1", ("f1",), _answers("f1")),
    ("exact_match", ("exact_match",), _answers("exact_match")),
    ("f1+exact_match", ("f1", "exact_match"), _answers("f1", "exact_match")),
)


def _labels(columns: Columns) -> tuple[np.ndarray, np.ndarray]:
    return np.unique(columns["predicted"].astype(str), return_inverse=True)


def _exact(columns: Columns) -> tuple[np.ndarray, np.ndarray]:
    return np.array(["wrong", "right"]), columns["exact_match"] == 100


# Columns that tell what was predicted, and the names and places of predictions that can be compared over languages.
COMPARABLE: tuple[tuple[tuple[str, ...], Callable[[Columns], tuple[np.ndarray, np.ndarray]]], ...] = (
    (("gold", "predicted", "correct"), _labels),
    (("exact_match",), _exact),
)


def convert(metrics: str, source: Path, target: Path) -> None:
    """Write `target` from `source`; it appears whole or not at all. RecipeError where no measure fits the columns."""
    there = set(pq.read_schema(source).names)
    found = [(names, sums) for metric, names, sums in MEASURES if metric == metrics and set(names) <= there]
    if not found:
        raise RecipeError(f"Items with the columns {', '.join(sorted(there))} do not tell {metrics}.")
    names, sums = found[0]
    said = next(((needed, read) for needed, read in COMPARABLE if set(needed) <= there), None)
    table = pq.read_table(source, columns=[*NAMES, *dict.fromkeys([*names, *(said[0] if said else ())])])
    columns = {name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names}
    spoken = np.array(table["language"].to_pylist())
    items = np.array(
        [
            f"{language}:{item}" if name is None else str(name)
            for language, item, name in zip(*(table[name].to_pylist() for name in NAMES), strict=True)
        ]
    )
    languages = list(dict.fromkeys(spoken.tolist()))
    arrays: dict[str, np.ndarray] = {"languages": np.array(languages)}
    if said:
        arrays["labels"], predicted = said[1](columns)
    for place, language in enumerate(languages):
        mine = spoken == language
        above, below = sums({name: columns[name][mine] for name in names})
        arrays[f"items_{place}"] = items[mine]
        arrays[f"above_{place}"], arrays[f"below_{place}"] = above, below
        if said:
            arrays[f"predicted_{place}"] = predicted[mine].astype(np.int16)
    _write(target, arrays)


def _write(target: Path, arrays: Mapping[str, np.ndarray]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".", suffix=".npz", delete=False) as file:
        np.savez_compressed(file, **arrays)
    # Readers may be other users: a temporary file is its owner's alone.
    written = Path(file.name)
    written.chmod(0o644)
    written.replace(target)


def main(arguments: list[str]) -> int:
    """Convert each triple; what cannot be read is said, and the others are done."""
    if not arguments or len(arguments) % 3:
        print(__doc__, file=sys.stderr)
        return 2
    failed = 0
    for metrics, source, target in zip(*[iter(arguments)] * 3, strict=True):
        try:
            convert(metrics, Path(source), Path(target))
        except (RecipeError, OSError, KeyError, ValueError) as error:
            print(f"{Path(source).name}: {error}", file=sys.stderr)
            failed = 1
    return failed


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
