"""What a training phase learns from: the data of its tasks, of its text for MLM, and of its development scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from runner.data.readers import Dataset, load
from runner.errors import RecipeError
from runner.spec import MaskedWords, TrainPlan
from runner.tasks.kinds import TaskSpec
from runner.tasks.registry import task as find_task


def training_data(plan: TrainPlan, seed: int, data_dir: str) -> dict[str, list[Dataset]]:
    """The data sets of each task: one for each language, and for each member of a task that is a mixture.

    All of a task's data sets have the same labels. What is missing is named at once: RecipeError.
    """
    missing: list[str] = []
    found: dict[str, list[Dataset]] = {}
    for slug in plan.tasks:
        try:
            found[slug] = _same_labels(list(_read(find_task(slug), plan.languages, data_dir)), data_dir)
        except RecipeError as error:
            missing.append(str(error))
    if missing:
        raise RecipeError(" ".join(missing))
    limit = plan.training.train_limit
    return {slug: _some(datasets, limit, seed) for slug, datasets in found.items()}


def members(task: TaskSpec) -> list[TaskSpec]:
    """The tasks whose data make up `task`: itself, unless it is a mixture."""
    return [find_task(slug) for slug in task.mixture] or [task]


def text(masked: MaskedWords, data_dir: str) -> list[Dataset]:
    """The text for MLM, a data set for each language."""
    task = find_task(masked.text)
    unknown = [language for language in masked.languages if language not in task.languages]
    if unknown:
        raise RecipeError(f"{task.title} has no text in {', '.join(unknown)}; it has {', '.join(task.languages)}.")
    return [load(task, "train", language, data_dir, limit=masked.texts) for language in masked.languages]


def development_data(task: TaskSpec, labels: Sequence[str], data_dir: str) -> list[Dataset]:
    """English development data of `task` (of its members), empty where it has none. RecipeError: it cannot be read."""
    having = [member for member in members(task) if "validation" in member.splits]
    return [load(member, "validation", member.pivot, data_dir, labels) for member in having]


def _read(task: TaskSpec, languages: Sequence[str], data_dir: str) -> Iterator[Dataset]:
    for member in members(task):
        for language in languages:
            yield load(member, "train", language, data_dir)


def _same_labels(datasets: list[Dataset], data_dir: str) -> list[Dataset]:
    """Read again what has other labels than the rest: an open tag set is the union over all languages."""
    labels = tuple(sorted({label for dataset in datasets for label in dataset.labels}))
    if all(set(dataset.labels) == set(labels) for dataset in datasets):
        return datasets
    return [load(dataset.task, "train", dataset.language, data_dir, labels) for dataset in datasets]


def _some(datasets: list[Dataset], limit: int | None, seed: int) -> list[Dataset]:
    """At most `limit` examples of all data sets together, drawn at random, in the order of the rows.

    The subset depends on the seed, as a restart of a small study should.
    """
    sizes = [len(dataset.examples) for dataset in datasets]
    if limit is None or limit >= sum(sizes):
        return datasets
    chosen = np.sort(np.random.default_rng([seed, 3]).choice(sum(sizes), size=limit, replace=False))
    ends = np.cumsum([0, *sizes])
    parts = [
        dataset.take((chosen[(chosen >= start) & (chosen < end)] - start).tolist())
        for dataset, start, end in zip(datasets, ends[:-1], ends[1:], strict=True)
    ]
    return [part for part in parts if part.examples]
