"""Readers: from a task's rows to examples, one reader per kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runner.data.examples import Example, SentencePair, TaggedSentence, Translation
from runner.data.sources import read
from runner.errors import RecipeError
from runner.tasks.kinds import Kind, TaskSpec

# The language of all training and development data.
PIVOT = "en"


@dataclass(frozen=True)
class Dataset:
    """The examples of one split in one language, with the rows' content hash and origin."""

    task: TaskSpec
    language: str
    split: str
    labels: tuple[str, ...]
    examples: list[Example]
    rows: int
    sha256: str
    origin: str
    revision: str | None

    def with_examples(self, examples: list[Example]) -> Dataset:
        """The same data set with some of its examples."""
        return replace(self, examples=examples)

    def event(self) -> dict[str, Any]:
        """The fields of a `data` event (runner.events)."""
        location = self.task.splits[self.split]
        return {
            "task": self.task.slug,
            "dataset": location.dataset,
            "config": location.config_for(self.language),
            "split": location.split,
            "language": self.language,
            "rows": self.rows,
            "sha256": self.sha256,
            "origin": self.origin,
            "revision": self.revision,
        }


def load(task: TaskSpec, split: str, language: str, data_dir: str, labels: Sequence[str] = ()) -> Dataset:
    """The examples of `task` in `language`.

    `labels` are the model's, for tasks whose label set is collected from the training data; without them
    such a task's labels are those of the rows that are read, sorted.
    """
    if split not in task.splits:
        raise RecipeError(f"{task.title} has the splits {', '.join(task.splits)}, not '{split}'.")
    if task.kind not in READERS:
        raise RecipeError(f"Tasks of the kind '{task.kind}' ({task.title}) cannot be read yet.")
    reader = READERS[task.kind]
    rows = read(task.splits[split], [task.columns[part] for part in reader.parts], language, data_dir)
    columns = {part: rows.columns[task.columns[part]] for part in reader.parts}
    names = tuple(labels) or task.labels or reader.collect(columns)
    examples = reader.examples(columns, names, f"{task.title}, {split}, {language}")
    return Dataset(task, language, split, names, examples, len(rows), rows.sha256, rows.origin, rows.revision)


@dataclass(frozen=True)
class Reader:
    """The parts of `TaskSpec.columns` that a kind reads, how it makes examples, how it collects labels."""

    parts: tuple[str, ...]
    examples: Callable[[Mapping[str, list], tuple[str, ...], str], list[Example]]
    collect: Callable[[Mapping[str, list]], tuple[str, ...]]


def _no_labels(columns: Mapping[str, list]) -> tuple[str, ...]:
    return ()


def _labels_of(columns: Mapping[str, list]) -> tuple[str, ...]:
    return tuple(sorted({str(label) for label in columns["label"]}))


def _tags_of(columns: Mapping[str, list]) -> tuple[str, ...]:
    return tuple(sorted({str(tag) for tags in columns["tags"] for tag in tags}))


def _label_index(value: Any, index: Mapping[str, int], count: int, where: str) -> int:
    """Labels come as integers, as integers in strings (PAWS-X) or as words (XNLI)."""
    if isinstance(value, str):
        if value in index:
            return index[value]
    elif isinstance(value, int) and 0 <= value < count:
        return value
    raise RecipeError(f"{where}: the label {value!r} is not one of {', '.join(index)}.")


def _sentence_pairs(columns: Mapping[str, list], labels: tuple[str, ...], where: str) -> list[Example]:
    index = {label: position for position, label in enumerate(labels)}
    examples: list[Example] = []
    for first, second, label in zip(columns["first"], columns["second"], columns["label"], strict=True):
        # SNLI marks pairs on which its annotators did not agree with -1: they have no gold label.
        if label == -1:
            continue
        examples.append(SentencePair(first, second, _label_index(label, index, len(labels), where)))
    return examples


def _tagged_sentences(columns: Mapping[str, list], labels: tuple[str, ...], where: str) -> list[Example]:
    index = {label: position for position, label in enumerate(labels)}
    examples: list[Example] = []
    for row, (tokens, tags) in enumerate(zip(columns["tokens"], columns["tags"], strict=True)):
        if len(tokens) != len(tags):
            raise RecipeError(f"{where}, row {row}: {len(tokens)} tokens but {len(tags)} tags.")
        if not tokens:
            continue
        # An open tag set (CCG) may have tags in the evaluation data that training never saw.
        numbers = [tag if isinstance(tag, int) else index.get(tag, -1) for tag in tags]
        if max(numbers) >= len(labels):
            raise RecipeError(f"{where}, row {row}: tag {max(numbers)} is outside the {len(labels)} tags of the task.")
        examples.append(TaggedSentence(tuple(tokens), tuple(numbers)))
    return examples


def _translations(columns: Mapping[str, list], labels: tuple[str, ...], where: str) -> list[Example]:
    return [Translation(*pair) for pair in zip(columns["source"], columns["target"], strict=True)]


# The other kinds (multiple choice, span, masked words) take their place here.
READERS: Mapping[Kind, Reader] = {
    Kind.SENTENCE_PAIR: Reader(("first", "second", "label"), _sentence_pairs, _labels_of),
    Kind.TAGGING: Reader(("tokens", "tags"), _tagged_sentences, _tags_of),
    Kind.RETRIEVAL: Reader(("source", "target"), _translations, _no_labels),
}
