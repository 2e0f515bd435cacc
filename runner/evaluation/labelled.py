"""Tasks with a head: from predictions to outcomes, on test data and on English development data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from transformers import PreTrainedTokenizerBase

from runner.data.examples import Example
from runner.data.features import FEATURES, Feature
from runner.data.readers import PIVOT, Dataset, load
from runner.errors import RecipeError
from runner.evaluation import classification, tagging
from runner.evaluation.outcomes import Outcome
from runner.evaluation.predict import choices
from runner.events import Emit
from runner.modeling.assembly import HeadFacts
from runner.modeling.heads import TaskModel
from runner.spec import Job
from runner.tasks.kinds import Kind

# As jiant: a subset of the English training task's own validation data.
DEVELOPMENT_ITEMS = 500

Measure = Callable[[TaskModel], Mapping[str, Any]]


def score(examples: Sequence[Example], features: Sequence[Feature], found: list[list[int]], head: HeadFacts) -> Outcome:
    """The outcome of one language from the predictions of `features`, which `examples` were made into."""
    predicted = join_windows(features, found, len(examples))
    if head.kind is Kind.SENTENCE_PAIR:
        return classification.score(examples, [labels[0] for labels in predicted], head.labels)
    return tagging.score(examples, predicted, head.labels)


def join_windows(features: Sequence[Feature], predicted: Sequence[list[int]], count: int) -> list[list[int]]:
    """Predictions per example from predictions per window; windows of an example follow one another."""
    joined: list[list[int]] = [[] for _ in range(count)]
    for feature, labels in zip(features, predicted, strict=True):
        joined[feature.example].extend(labels)
    return joined


def development(trained: Dataset, tokenizer: PreTrainedTokenizerBase, job: Job, emit: Emit) -> Measure | None:
    """A function that scores a model on English development data, or None where there is none."""
    task, training = trained.task, job.stage.plan.training
    if "validation" not in task.splits:
        return None
    try:
        dataset = load(task, "validation", PIVOT, job.data_dir, trained.labels)
    except RecipeError as error:
        # The curve is a convenience: training does not depend on it.
        emit("progress", done=0, total=0, unit="steps", note=f"no development curve: {error}"[:200])
        return None
    emit("data", **dataset.event())
    examples = dataset.examples[:DEVELOPMENT_ITEMS]
    features = FEATURES[task.kind](examples, tokenizer, training.max_length)
    head = HeadFacts(task.kind, trained.labels)

    def measure(model: TaskModel) -> dict[str, Any]:
        found = choices(model, task.slug, features, tokenizer.pad_token_id, training.precision)
        return {"metric": task.headline, "value": score(examples, features, found, head).scores[task.headline]}

    return measure
