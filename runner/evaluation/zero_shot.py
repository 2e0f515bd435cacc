"""Zero-shot evaluation: one task in every language that was asked for, from one checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from runner.data.features import FEATURES, sentences
from runner.data.readers import Dataset, load
from runner.errors import RecipeError, Stopped
from runner.evaluation import labelled, pools, retrieval
from runner.evaluation.outcomes import Outcome
from runner.evaluation.predict import choices, vectors
from runner.evaluation.xtreme_format import write_items, write_predictions
from runner.events import Emit
from runner.modeling.assembly import starting_encoder, trained_model
from runner.modeling.checkpoint import sha256_of
from runner.modeling.encoder import keep_layers, load_tokenizer
from runner.spec import EvaluatePlan, Job
from runner.tasks.kinds import Kind, TaskSpec
from runner.tasks.registry import task as find_task

# What each kind of evaluation yields, language by language.
Outcomes = Iterator[tuple[str, Outcome]]


class _Progress:
    """Counts items over all languages and stops between batches when asked to."""

    def __init__(self, total: int, emit: Emit, should_stop: Callable[[], bool]) -> None:
        self.total, self.emit, self.should_stop = total, emit, should_stop
        self.before = self.shown = 0

    def __call__(self, done: int) -> None:
        if self.should_stop():
            raise Stopped(f"Stopped after {self.before + done} of {self.total} items.")
        at = min(self.before + done, self.total)
        if at - self.shown >= max(1, self.total // 200) or at == self.total:
            self.shown = at
            self.emit("progress", done=at, total=self.total, unit="items", note="evaluating")

    def close_part(self, items: int) -> None:
        self.before += items


def evaluate(job: Job, emit: Emit, should_stop: Callable[[], bool]) -> None:
    """Run an EvaluatePlan: score events, predictions and per-item outcomes in the job's folder."""
    plan, folder = job.stage.plan, Path(job.output)
    assert isinstance(plan, EvaluatePlan)
    task = find_task(plan.task)
    emit("progress", done=0, total=0, unit="items", note="reading data")
    scorer = _mining if task.pools else _retrieval if task.kind is Kind.RETRIEVAL else _labelled
    rows: list[dict[str, Any]] = []
    for language, outcome in scorer(task, plan, job, emit, should_stop):
        for metric in task.metrics:
            emit("score", task=task.slug, language=language, metric=metric, value=outcome.scores[metric], n=outcome.n)
        path = write_predictions(folder, task.slug, language, outcome.lines)
        _announce("predictions", path, folder, emit)
        rows.extend(
            {"language": language, "item": position, "source_item": position if task.parallel else None, **item}
            for position, item in enumerate(outcome.items)
        )
    _announce("items", write_items(folder / "items.parquet", rows), folder, emit)


def _datasets(task: TaskSpec, plan: EvaluatePlan, job: Job, labels: Sequence[str], emit: Emit) -> list[Dataset]:
    """The data of all languages; all that is missing is named at once, before any computing."""
    found: list[Dataset] = []
    missing: list[str] = []
    for language in plan.languages:
        try:
            dataset = load(task, plan.split, language, job.data_dir, labels)
        except RecipeError as error:
            missing.append(f"{language} ({error})")
            continue
        emit("data", **dataset.event())
        found.append(dataset.with_examples(dataset.examples[: plan.limit]))
    if missing:
        raise RecipeError(
            f"{task.title} cannot be evaluated on '{plan.split}' in {len(missing)} of {len(plan.languages)} languages; "
            f"submit it without them, or provide the data: {'; '.join(missing)}"
        )
    return found


def _labelled(task: TaskSpec, plan: EvaluatePlan, job: Job, emit: Emit, should_stop: Callable[[], bool]) -> Outcomes:
    trained_on = find_task(task.trained_on or task.slug)
    tokenizer = load_tokenizer(job.stage.encoder)
    model, head = trained_model(job, trained_on.slug)
    datasets = _datasets(task, plan, job, head.labels, emit)
    progress = _Progress(sum(len(dataset.examples) for dataset in datasets), emit, should_stop)
    for dataset in datasets:
        features = FEATURES[task.kind](dataset.examples, tokenizer, plan.max_length)
        found = choices(model, trained_on.slug, features, tokenizer.pad_token_id, plan.precision, progress)
        progress.close_part(len(dataset.examples))
        yield dataset.language, labelled.score(dataset.examples, features, found, head)


def _retrieval(task: TaskSpec, plan: EvaluatePlan, job: Job, emit: Emit, should_stop: Callable[[], bool]) -> Outcomes:
    datasets = _datasets(task, plan, job, (), emit)
    tokenizer = load_tokenizer(job.stage.encoder)
    encoder = starting_encoder(job).eval()
    keep_layers(encoder, plan.layer)
    # The pivot's sentences recur from language to language: each distinct sentence is encoded once.
    texts = {text: None for dataset in datasets for pair in dataset.examples for text in (pair.source, pair.target)}
    position = {text: index for index, text in enumerate(texts)}
    progress = _Progress(len(position), emit, should_stop)
    features = sentences(list(position), tokenizer, plan.max_length)
    table = vectors(encoder, features, tokenizer.pad_token_id, plan.pooling, plan.precision, progress)
    for dataset in datasets:
        source = table[[position[pair.source] for pair in dataset.examples]]
        target = table[[position[pair.target] for pair in dataset.examples]]
        yield dataset.language, retrieval.score(source, target)


def _mining(task: TaskSpec, plan: EvaluatePlan, job: Job, emit: Emit, should_stop: Callable[[], bool]) -> Outcomes:
    return pools.outcomes(task, plan, job, emit, lambda total: _Progress(total, emit, should_stop))


def _announce(kind: str, path: Path, root: Path, emit: Emit) -> None:
    emit("artifact", kind=kind, path=str(path.relative_to(root)), sha256=sha256_of(path), size=path.stat().st_size)
