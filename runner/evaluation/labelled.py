"""Tasks with a head: from predictions to outcomes, on test data and on English development data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerBase

from runner.data.feature_cache import features_of
from runner.data.feature_table import FeatureTable
from runner.data.material import development_data
from runner.data.readers import Dataset
from runner.errors import RecipeError
from runner.evaluation import classification, predict, questions, tagging
from runner.evaluation.outcomes import Outcome
from runner.evaluation.predict import Tick
from runner.events import Emit
from runner.modeling.heads import TaskModel
from runner.spec import Job
from runner.tasks.kinds import Kind
from runner.tasks.registry import task as find_task

# As jiant: a subset of the English training task's own validation data. A trial on few examples looks at fewer, lest it
# spend its time on them: a quarter of what it trains on, and at least a handful.
DEVELOPMENT_ITEMS = 500
FEWEST_DEVELOPMENT_ITEMS = 16


@dataclass(frozen=True)
class Measure:
    """How a kind of task is evaluated: what the model says of each feature, and what that is worth."""

    predict: Callable[..., list[Any]]
    score: Callable[[Dataset, FeatureTable, list[Any]], Outcome]


def _choices(dataset: Dataset, table: FeatureTable, found: list[list[int]]) -> Outcome:
    return classification.score(dataset.examples, [only[0] for only in found], dataset.labels)


def _tags(dataset: Dataset, table: FeatureTable, found: list[list[int]]) -> Outcome:
    """Windows of an example follow one another, and each word is in one of them."""
    joined: list[list[int]] = [[] for _ in dataset.examples]
    for index, tags in enumerate(found):
        joined[table[index].example].extend(tags)
    return tagging.score(dataset.examples, joined, dataset.labels)


def _answers(dataset: Dataset, table: FeatureTable, found: list[predict.Span]) -> Outcome:
    texts = questions.answers(dataset.examples, table, found)
    return questions.score(dataset.examples, texts, dataset.task.original, dataset.language)


MEASURES: Mapping[Kind, Measure] = {
    Kind.SENTENCE_PAIR: Measure(predict.labels, _choices),
    Kind.MULTIPLE_CHOICE: Measure(predict.labels, _choices),
    Kind.TAGGING: Measure(predict.labels, _tags),
    Kind.SPAN: Measure(predict.spans, _answers),
}


def outcome(
    model: TaskModel,
    head: str,
    dataset: Dataset,
    table: FeatureTable,
    pad: int,
    precision: str,
    tick: Tick = lambda done: None,
) -> Outcome:
    """What the head of the task `head` makes of `dataset`, whose features are `table`."""
    measure = MEASURES[dataset.task.kind]
    return measure.score(dataset, table, measure.predict(model, head, table, pad, precision, tick))


class DevelopmentScores:
    """The headline metric on English development data, averaged over the tasks that have such data."""

    def __init__(self, parts: Mapping[str, Sequence[tuple[Dataset, FeatureTable]]], pad: int, precision: str) -> None:
        self._parts, self._pad, self._precision = parts, pad, precision
        headlines = {find_task(slug).headline for slug in parts}
        self.metric = headlines.pop() if len(headlines) == 1 else "mean over tasks"

    def __call__(self, model: TaskModel) -> dict[str, Any]:
        """The fields `metric` and `value` of a curve event."""
        values = [self._value(model, slug) for slug in self._parts]
        return {"metric": self.metric, "value": sum(values) / len(values)}

    def token_ids(self) -> Iterable[np.ndarray]:
        return [table.ids for parts in self._parts.values() for _, table in parts]

    def _value(self, model: TaskModel, slug: str) -> float:
        """The mean over the task's headline metrics, and over the items of all its data sets."""
        metrics = find_task(slug).headline_metrics
        outcomes = [
            outcome(model, slug, dataset, table, self._pad, self._precision) for dataset, table in self._parts[slug]
        ]
        total = sum(found.n * sum(found.scores[metric] for metric in metrics) / len(metrics) for found in outcomes)
        return total / sum(found.n for found in outcomes)


def development(
    trained: Mapping[str, Sequence[Dataset]], tokenizer: PreTrainedTokenizerBase, job: Job, emit: Emit
) -> DevelopmentScores | None:
    """What scores a model on English development data of the tasks in `trained`; None where none has any."""
    training = job.stage.plan.training
    parts: dict[str, list[tuple[Dataset, FeatureTable]]] = {}
    for slug, training_sets in trained.items():
        try:
            datasets = development_data(find_task(slug), training_sets[0].labels, job.data_dir)
        except RecipeError as error:
            # The curve is a convenience: training does not depend on it, unless it asked for early stopping.
            emit("progress", done=0, total=0, unit="steps", note=f"no development curve: {error}"[:200])
            continue
        quarter = sum(len(dataset.examples) for dataset in training_sets) // 4
        items = min(DEVELOPMENT_ITEMS, max(FEWEST_DEVELOPMENT_ITEMS, quarter))
        for dataset in datasets:
            emit("data", **dataset.event())
            some = dataset.first(max(1, items // len(datasets)))
            table = features_of([some], tokenizer, job.stage.encoder, training.max_length)
            parts.setdefault(slug, []).append((some, table))
    return DevelopmentScores(parts, tokenizer.pad_token_id, training.precision) if parts else None
