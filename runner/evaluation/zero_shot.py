"""Zero-shot evaluation: one task in every language that was asked for, from one checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from runner.data.feature_cache import NOT_KEPT, FeatureCache, features_of
from runner.data.features import sentences
from runner.data.readers import Dataset, load
from runner.errors import RecipeError
from runner.evaluation import labelled, pools, retrieval
from runner.evaluation.noise import disturb
from runner.evaluation.outcomes import Outcome
from runner.evaluation.predict import vectors
from runner.evaluation.progress import Progress
from runner.evaluation.xtreme_format import announce, item_rows, write_items, write_predictions
from runner.events import Emit
from runner.modeling.assembly import starting_encoder, trained_model
from runner.modeling.encoder import keep_layers, load_tokenizer, on_device
from runner.spec import EvaluatePlan, Job
from runner.tasks.kinds import Kind, TaskSpec
from runner.tasks.registry import task as find_task

# What each kind of evaluation yields: a language, its outcome, and the names of its items' source items.
Outcomes = Iterator[tuple[str, Outcome, Sequence[str]]]


def evaluate(job: Job, emit: Emit, should_stop: Callable[[], bool]) -> None:
    """Run an EvaluatePlan: score events, predictions and per-item outcomes in the job's folder."""
    plan, folder = job.stage.plan, Path(job.output)
    assert isinstance(plan, EvaluatePlan)
    task = find_task(plan.task)
    emit("progress", done=0, total=0, unit="items", note="reading data")
    scorer = pools.outcomes if task.pools else _retrieval if task.kind is Kind.RETRIEVAL else _labelled
    rows: list[dict[str, Any]] = []
    for language, outcome, source_items in scorer(task, plan, job, emit, should_stop):
        for metric in task.metrics:
            emit("score", task=task.slug, language=language, metric=metric, value=outcome.scores[metric], n=outcome.n)
        path = write_predictions(folder, task.original, language, outcome.predictions)
        announce("predictions", path, folder, emit)
        rows.extend(item_rows(language, outcome, source_items))
    announce("items", write_items(folder / "items.parquet", rows), folder, emit)


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
        some = dataset.first(plan.limit)
        found.append(disturb(some, plan.noise) if plan.noise else some)
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
    on_device(model)
    datasets = _datasets(task, plan, job, head.labels, emit)
    progress = Progress(sum(len(dataset.examples) for dataset in datasets), emit, should_stop)
    for dataset in datasets:
        # The cache names features by the rows that were read, which noise does not change.
        cache = NOT_KEPT if plan.noise else FeatureCache(job.cache_dir, job.cache_limit)
        table = features_of([dataset], tokenizer, job.stage.encoder, plan.max_length, cache)
        progress.open_part(len(dataset.examples), len(table))
        found = labelled.outcome(
            model, trained_on.slug, dataset, table, tokenizer.pad_token_id, plan.precision, progress
        )
        yield dataset.language, found, dataset.source_items


def _retrieval(task: TaskSpec, plan: EvaluatePlan, job: Job, emit: Emit, should_stop: Callable[[], bool]) -> Outcomes:
    datasets = _datasets(task, plan, job, (), emit)
    tokenizer = load_tokenizer(job.stage.encoder)
    encoder = keep_layers(starting_encoder(job), plan.layer)
    on_device(encoder.eval())
    # The pivot's sentences recur from language to language: each distinct sentence is encoded once.
    texts = {text: None for dataset in datasets for pair in dataset.examples for text in (pair.source, pair.target)}
    position = {text: index for index, text in enumerate(texts)}
    progress = Progress(len(position), emit, should_stop)
    progress.open_part(len(position))
    features = sentences(list(position), tokenizer, plan.max_length)
    table = vectors(encoder, features, tokenizer.pad_token_id, plan.pooling, plan.precision, progress)
    for dataset in datasets:
        source = table[[position[pair.source] for pair in dataset.examples]]
        target = table[[position[pair.target] for pair in dataset.examples]]
        yield dataset.language, retrieval.score(source, target), ()
