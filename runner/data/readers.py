"""Readers: from a task's rows to examples, one reader per kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runner.data.examples import Example, MultipleChoice, Question, SentencePair, TaggedSentence, Text, Translation
from runner.data.sources import Rows, read
from runner.errors import RecipeError
from runner.tasks.kinds import DataSplit, Kind, TaskSpec


@dataclass(frozen=True)
class Dataset:
    """The examples of one split in one language, with the rows' content hash and origin.

    `source_items` has the name of each example's source item where parallel languages share it: the example's own
    id, or its row and the number of rows, since only languages with equally many rows line up. Empty elsewhere.
    `rows` were read, `kept` of them became examples at first.
    """

    task: TaskSpec
    language: str
    split: str
    labels: tuple[str, ...]
    examples: list[Example]
    source_items: list[str]
    kept: int
    rows: int
    sha256: str
    origin: str
    revision: str | None

    def take(self, positions: Sequence[int]) -> Dataset:
        """The same data set with the examples at `positions` alone."""
        return replace(
            self,
            examples=[self.examples[position] for position in positions],
            source_items=[self.source_items[position] for position in positions] if self.source_items else [],
        )

    def first(self, limit: int | None) -> Dataset:
        """The same data set with its first `limit` examples (None: all)."""
        return self if limit is None else self.take(range(min(limit, len(self.examples))))

    def event(self) -> dict[str, Any]:
        """The fields of a `data` event (runner.events)."""
        location = place(self.task, self.split, self.language)
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


@dataclass(frozen=True)
class Reader:
    """The parts of `TaskSpec.columns` that a kind reads, how it makes examples, how it collects labels.

    `examples` gives one example a row, None for a row that has no gold label and is left out.
    """

    parts: tuple[str, ...]
    examples: Callable[[Mapping[str, list], tuple[str, ...], str], list[Example | None]]
    collect: Callable[[Mapping[str, list]], tuple[str, ...]] = lambda columns: ()


def place(task: TaskSpec, split: str, language: str) -> DataSplit:
    """Where the split lies; training data in another language than its pivot is its machine translation."""
    if split == "train" and language != task.pivot and task.kind is not Kind.MASKED_WORDS:
        return task.translations
    if split not in task.splits:
        raise RecipeError(f"{task.title} has the splits {', '.join(task.splits)}, not '{split}'.")
    return task.splits[split]


def load(
    task: TaskSpec, split: str, language: str, data_dir: str, labels: Sequence[str] = (), limit: int | None = None
) -> Dataset:
    """The examples of `task` in `language`, those of the first `limit` rows (None: all).

    `labels` are the model's, for tasks whose label set is collected from the training data; without them
    such a task's labels are those of the rows that are read, sorted.
    """
    reader = READERS[task.kind]
    location = place(task, split, language)
    parts = [part for part in reader.parts if part in task.columns]
    asked = {part: _names(task.columns[part], location.code(language)) for part in parts}
    physical = list(dict.fromkeys(name.partition(".")[0] for names in asked.values() for name in names))
    rows = read(location, physical, language, data_dir, limit)
    columns = {part: _column(rows, names) for part, names in asked.items()}
    names = tuple(labels) or task.labels or reader.collect(columns)
    where = f"{task.title}, {split}, {language}"
    found = reader.examples(columns, names, where)
    kept = [position for position, example in enumerate(found) if example is not None]
    if not kept:
        raise RecipeError(f"{where}: none of its {len(rows)} rows can be used, all are blank or have no gold label.")
    return Dataset(
        task=task,
        language=language,
        split=split,
        labels=names,
        examples=[found[position] for position in kept],
        source_items=_source_items(task, columns, kept, len(rows)),
        kept=len(kept),
        rows=len(rows),
        sha256=rows.sha256,
        origin=rows.origin,
        revision=rows.revision,
    )


def _names(expression: str, code: str) -> list[str]:
    """The column names of an entry of `TaskSpec.columns`."""
    return expression.replace("{code}", code).split(",")


def _column(rows: Rows, names: Sequence[str]) -> list[Any]:
    """A column, a field of a struct column (`column.field`), or a list of several columns' values."""
    columns = []
    for name in names:
        column, _, field = name.partition(".")
        values = rows.columns[column]
        columns.append([value[field] for value in values] if field else values)
    return columns[0] if len(columns) == 1 else [list(values) for values in zip(*columns, strict=True)]


def _source_items(task: TaskSpec, columns: Mapping[str, list], kept: Sequence[int], rows: int) -> list[str]:
    if task.kind is Kind.SPAN:
        return [str(columns["id"][position]) for position in kept]
    return [f"{position}/{rows}" for position in kept] if task.parallel else []


def _labels_of(columns: Mapping[str, list]) -> tuple[str, ...]:
    return tuple(sorted({str(label) for label in columns["label"]}))


def _tags_of(columns: Mapping[str, list]) -> tuple[str, ...]:
    return tuple(sorted({str(tag) for tags in columns["tags"] for tag in tags}))


def _label_index(value: Any, index: Mapping[str, int], where: str) -> int:
    """Labels come as integers, as integers in strings (PAWS-X) or as words (XNLI)."""
    if isinstance(value, str):
        if value in index:
            return index[value]
    elif isinstance(value, int) and 0 <= value < len(index):
        return value
    raise RecipeError(f"{where}: the label {value!r} is not one of {', '.join(index)}.")


def _sentence_pairs(columns: Mapping[str, list], labels: tuple[str, ...], where: str) -> list[Example | None]:
    index = {label: position for position, label in enumerate(labels)}
    # SNLI marks pairs on which its annotators did not agree with -1: they have no gold label.
    return [
        None if label == -1 else SentencePair(first, second, _label_index(label, index, where))
        for first, second, label in zip(columns["first"], columns["second"], columns["label"], strict=True)
    ]


def _multiple_choices(columns: Mapping[str, list], labels: tuple[str, ...], where: str) -> list[Example | None]:
    index = {label: position for position, label in enumerate(labels)}
    count = len(columns["label"])
    contexts, questions = (columns.get(part, [""] * count) for part in ("context", "question"))
    examples: list[Example | None] = []
    for row, (context, question, choices, label) in enumerate(
        zip(contexts, questions, columns["choices"], columns["label"], strict=True)
    ):
        if len(choices) != len(labels):
            raise RecipeError(f"{where}, row {row}: {len(choices)} choices, the task has {len(labels)}.")
        examples.append(MultipleChoice(context, question, tuple(choices), _label_index(label, index, where)))
    return examples


def _tagged_sentences(columns: Mapping[str, list], labels: tuple[str, ...], where: str) -> list[Example | None]:
    index = {label: position for position, label in enumerate(labels)}
    examples: list[Example | None] = []
    for row, (tokens, tags) in enumerate(zip(columns["tokens"], columns["tags"], strict=True)):
        if len(tokens) != len(tags):
            raise RecipeError(f"{where}, row {row}: {len(tokens)} tokens but {len(tags)} tags.")
        if not tokens:
            examples.append(None)
            continue
        # An open tag set (CCG) may have tags in the evaluation data that training never saw.
        numbers = [tag if isinstance(tag, int) else index.get(tag, -1) for tag in tags]
        if max(numbers) >= len(labels):
            raise RecipeError(f"{where}, row {row}: tag {max(numbers)} is outside the {len(labels)} tags of the task.")
        examples.append(TaggedSentence(tuple(tokens), tuple(numbers)))
    return examples


def _questions(columns: Mapping[str, list], labels: tuple[str, ...], where: str) -> list[Example | None]:
    examples: list[Example | None] = []
    for row, (name, context, question, answers) in enumerate(
        zip(columns["id"], columns["context"], columns["question"], columns["answers"], strict=True)
    ):
        texts, starts = answers["text"], answers["answer_start"]
        if not all(texts):
            raise RecipeError(f"{where}, row {row}: the answer is empty, as in a test set that hides its answers.")
        start = _nearest(context, texts[0], starts[0]) if texts else -1
        examples.append(Question(str(name), context, question, tuple(texts), start))
    return examples


def _nearest(context: str, text: str, start: int) -> int:
    """Where `text` stands in `context`, nearest to `start`; -1 where it does not."""
    if context.startswith(text, start):
        return start
    # Some copies count in bytes, or before the passage was cleaned.
    before, after = context.rfind(text, 0, start + len(text)), context.find(text, start)
    return min((place for place in (before, after) if place >= 0), key=lambda place: abs(place - start), default=-1)


def _translations(columns: Mapping[str, list], labels: tuple[str, ...], where: str) -> list[Example | None]:
    return [Translation(*pair) for pair in zip(columns["source"], columns["target"], strict=True)]


def _texts(columns: Mapping[str, list], labels: tuple[str, ...], where: str) -> list[Example | None]:
    others = columns.get("translation", [""] * len(columns["text"]))
    return [
        Text(text, other or "") if text and text.strip() else None
        for text, other in zip(columns["text"], others, strict=True)
    ]


READERS: Mapping[Kind, Reader] = {
    Kind.SENTENCE_PAIR: Reader(("first", "second", "label"), _sentence_pairs, _labels_of),
    Kind.MULTIPLE_CHOICE: Reader(("context", "question", "choices", "label"), _multiple_choices, _labels_of),
    Kind.TAGGING: Reader(("tokens", "tags"), _tagged_sentences, _tags_of),
    Kind.SPAN: Reader(("id", "context", "question", "answers"), _questions),
    Kind.RETRIEVAL: Reader(("source", "target"), _translations),
    Kind.MASKED_WORDS: Reader(("text", "translation"), _texts),
}
