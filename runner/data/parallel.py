"""Parallel sentences: a language beside its pivot, out of whatever kind of task has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runner.data.readers import Dataset, load
from runner.errors import RecipeError
from runner.tasks.kinds import Kind, TaskSpec

Pairs = Iterator[tuple[str, str]]


@dataclass(frozen=True)
class ParallelText:
    """Sentences of `language` and their translations in the pivot, distinct pairs in the order of the data.

    `events` are the fields of a `data` event for each table that was read.
    """

    language: str
    source: list[str]
    target: list[str]
    events: list[dict[str, Any]]


def load_parallel(task: TaskSpec, split: str, language: str, data_dir: str, limit: int | None = None) -> ParallelText:
    """The first `limit` pairs of `language` (None: all); RecipeError where its rows do not line up with the pivot's."""
    dataset = load(task, split, language, data_dir)
    datasets = [dataset]
    if task.kind is not Kind.RETRIEVAL:
        datasets.append(load(task, split, task.pivot, data_dir))
        _check(*datasets)
    pairs = list(dict.fromkeys(_SIDES[task.kind](*datasets)))[:limit]
    if len(pairs) < 2:
        raise RecipeError(f"{task.title}, {split}, {language}: {len(pairs)} pairs of sentences, alignment needs 2.")
    return ParallelText(
        language,
        [source for source, _ in pairs],
        [target for _, target in pairs],
        [found.event() for found in datasets],
    )


def _check(dataset: Dataset, pivot: Dataset) -> None:
    """Row i is the same item only where no row is missing, on neither side."""
    counts = {dataset.rows, dataset.kept, pivot.rows, pivot.kept}
    if len(counts) > 1:
        raise RecipeError(
            f"{dataset.task.title}, {dataset.split}: {dataset.kept} of {dataset.rows} rows of {dataset.language} can "
            f"be used and {pivot.kept} of {pivot.rows} of {pivot.language}, so they do not line up."
        )


def _translations(dataset: Dataset) -> Pairs:
    for example in dataset.examples:
        yield example.source, example.target


def _sentences(dataset: Dataset, pivot: Dataset) -> Pairs:
    """Both sides of each sentence pair: XNLI's premises recur with each of their hypotheses."""
    for one, other in zip(dataset.examples, pivot.examples, strict=True):
        yield one.first, other.first
        yield one.second, other.second


def _texts(dataset: Dataset, pivot: Dataset) -> Pairs:
    for one, other in zip(dataset.examples, pivot.examples, strict=True):
        yield one.text, other.text


_SIDES: Mapping[Kind, Callable[..., Pairs]] = {
    Kind.RETRIEVAL: _translations,
    Kind.SENTENCE_PAIR: _sentences,
    Kind.MASKED_WORDS: _texts,
}
