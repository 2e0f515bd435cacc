"""Pools: all sentences of both sides, out of which a mining task finds the pairs that are translations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runner.data.sources import Rows, read
from runner.errors import RecipeError
from runner.tasks.kinds import DataSplit, TaskSpec

Pair = tuple[str, str]
# Of the tables that hold pools: their layout is this project's own, as no hub has them.
COLUMNS = ("id", "sentence")


@dataclass(frozen=True)
class Pool:
    """The distinct sentences of one side in their order, and their ids.

    A sentence that several lines have is a neighbour as others are, but has no id (None): which of the lines a pair
    means cannot be told, so XTREME leaves such pairs out (`read_sent2id`).
    """

    sentences: list[str]
    ids: list[str | None]


@dataclass(frozen=True)
class Pools:
    """Both pools of one language, the gold pairs between them by id, and a `data` event for each table read."""

    source: Pool
    target: Pool
    gold: list[Pair]
    events: list[dict[str, Any]]


def load_pools(task: TaskSpec, split: str, language: str, data_dir: str, limit: int | None = None) -> Pools:
    """The pools of `language`; RecipeError where they are absent or are not those of the gold pairs.

    With a `limit` the first `limit` gold pairs are kept and the pools are cut in proportion: the sentences of the
    other gold pairs go, and of all others the same share stays, the first ones. What stays is as rare as before.
    """
    events: list[dict[str, Any]] = []
    pools: list[dict[str, str]] = []

    def table(location: DataSplit, wanted: Sequence[str]) -> list[list[str]]:
        rows = read(location, wanted, language, data_dir)
        events.append(_event(task, location, language, rows))
        return [rows.columns[name] for name in wanted]

    # The pools first: no hub has them, so it is known at once where they are absent.
    for part in task.pools[split].parts:
        ids, texts = table(replace(task.pools[split], split=part), COLUMNS)
        pools.append(dict(zip(ids, texts, strict=True)))
    gold_columns = [task.columns[key] for key in ("source_id", "target_id", "source", "target")]
    source_ids, target_ids, *sentences = table(task.splits[split], gold_columns)
    for side, lines, ids, texts in zip(("source", "target"), pools, (source_ids, target_ids), sentences, strict=True):
        _check(lines, ids, texts, f"{task.title}, {split}, {language}, {side} pool")
    pairs = list(dict.fromkeys(zip(source_ids, target_ids, strict=True)))
    kept = pairs[:limit]
    source, target = (
        _pool(_cut(lines, {pair[side] for pair in pairs}, {pair[side] for pair in kept}, len(kept) / len(pairs)))
        for side, lines in enumerate(pools)
    )
    return Pools(source, target, kept, events)


def load_gold(task: TaskSpec, split: str, language: str, data_dir: str) -> tuple[list[Pair], dict[str, Any]]:
    """The distinct gold pairs of `language` by id, and a `data` event; RecipeError where they are absent."""
    columns = [task.columns[key] for key in ("source_id", "target_id")]
    rows = read(task.splits[split], columns, language, data_dir)
    pairs = list(dict.fromkeys(zip(*(rows.columns[name] for name in columns), strict=True)))
    return pairs, _event(task, task.splits[split], language, rows)


def _event(task: TaskSpec, location: DataSplit, language: str, rows: Rows) -> dict[str, Any]:
    return {
        "task": task.slug,
        "dataset": location.dataset,
        "config": location.config_for(language),
        "split": location.split,
        "language": language,
        "rows": len(rows),
        "sha256": rows.sha256,
        "origin": rows.origin,
        "revision": rows.revision,
    }


def _check(lines: dict[str, str], ids: Sequence[str], sentences: Sequence[str], where: str) -> None:
    """Every gold sentence lies in the pool under its id. Pools of all splits use the same ids for other sentences."""
    for name, sentence in zip(ids, sentences, strict=True):
        if name not in lines:
            raise RecipeError(f"{where}: the gold pairs name {name}, which is not in the pool. Is the pool complete?")
        if lines[name].split() != sentence.split():
            raise RecipeError(
                f"{where}: {name} is {lines[name][:60]!r} in the pool, but {sentence[:60]!r} in the gold pairs. "
                "Is it the pool of another split?"
            )


def _cut(lines: dict[str, str], gold: Collection[str], kept: Collection[str], share: float) -> dict[str, str]:
    room = round(share * sum(name not in gold for name in lines))
    others = [name for name in lines if name not in gold][:room]
    stay = {*others, *kept}
    return {name: sentence for name, sentence in lines.items() if name in stay}


def _pool(lines: dict[str, str]) -> Pool:
    counts = Counter(sentence.strip() for sentence in lines.values())
    first: dict[str, str] = {}
    for name, sentence in lines.items():
        first.setdefault(sentence.strip(), name)
    return Pool(list(first), [name if counts[sentence] == 1 else None for sentence, name in first.items()])
