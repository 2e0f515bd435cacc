"""What a submission is, and what must hold of it, whoever sends it; the admin's form asks the same field by field."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from leaderboard.models import Stage, Study
from runner.errors import RecipeError
from runner.recipes import Evaluation, Method, PhaseSettings, obstacle_to
from runner.tasks import registry
from runner.tasks.kinds import Role, TaskSpec

MAX_SEEDS = 100
MAX_SEED = 2**32 - 1  # what numpy and torch both take
PRECISIONS = ("fp32", "bf16")
POOLINGS = ("mean", "cls")


@dataclass(frozen=True)
class Submission:
    """What a maintainer asks for: one encoder, some methods, and every target with every seed."""

    name: str
    encoder: str
    methods: tuple[Method, ...]
    intermediate_tasks: tuple[str, ...]
    evaluations: tuple[Evaluation, ...]
    seeds: tuple[int, ...]
    note: str = ""
    intermediate: PhaseSettings = PhaseSettings()
    target: PhaseSettings = PhaseSettings()
    mixture_cap: int | None = None
    priority: int = Stage.Priority.NORMAL
    lane: str = Stage.Lane.GPU


def check(submission: Submission) -> None:
    """RecipeError with the first problem, if there is one."""
    for problem in _problems(submission):
        raise RecipeError(problem)


def _problems(submission: Submission) -> Iterator[str]:
    """Problems as sentences, found one after the other; RecipeError of the registry for unknown names."""
    if not submission.name.strip():
        yield "A study needs a name."
    if Study.objects.filter(name=submission.name).exists():
        yield f"There is a study '{submission.name}' already: choose another name."
    yield from _method_problems(submission)
    yield from _seed_problems(submission.seeds)
    yield from _evaluation_problems(submission.evaluations)
    yield from _phase_problems("intermediate", submission.intermediate)
    yield from _phase_problems("target", submission.target)
    if submission.priority not in Stage.Priority.values:
        yield f"The priority is -1, 0 or 1, found {submission.priority}."
    if submission.lane not in Stage.Lane.values:
        yield f"The lane is one of {', '.join(Stage.Lane.values)}, found '{submission.lane}'."
    if submission.mixture_cap is not None and submission.mixture_cap < 1:
        yield f"The mixture cap is 1 or more, found {submission.mixture_cap}."


def _method_problems(submission: Submission) -> Iterator[str]:
    tasks = [registry.task(slug) for slug in submission.intermediate_tasks]
    if not submission.methods:
        yield "Choose at least one method."
    if len(set(submission.methods)) < len(submission.methods):
        yield "A method is named twice."
    if len(set(submission.intermediate_tasks)) < len(tasks):
        yield "An intermediate task is named twice."
    if tasks and set(submission.methods) == {Method.BASELINE}:
        yield "The baseline has no intermediate task: choose another method too, or no intermediate task."
    if not tasks and Method.INTERMEDIATE in submission.methods:
        yield "The method 'intermediate' needs at least one intermediate task."
    if len(tasks) < 2 and Method.MULTI_TASK in submission.methods:
        yield f"The method 'multi_task' takes two or more intermediate tasks, found {len(tasks)}."
    for task in tasks:
        if task.role is not Role.INTERMEDIATE:
            yield f"{task.title} is a {task.role} task, not an intermediate task."
        yield from not_runnable(task)


def _seed_problems(seeds: tuple[int, ...]) -> Iterator[str]:
    if not 1 <= len(seeds) <= MAX_SEEDS:
        yield f"A study has 1 to {MAX_SEEDS} seeds, found {len(seeds)}."
    if len(set(seeds)) < len(seeds):
        yield "A seed is named twice."
    if wrong := [seed for seed in seeds if not 0 <= seed <= MAX_SEED]:
        yield f"A seed is between 0 and {MAX_SEED}, found {wrong[0]}."


def _evaluation_problems(evaluations: tuple[Evaluation, ...]) -> Iterator[str]:
    if not evaluations:
        yield "Choose at least one target task."
    seen = set()
    for evaluation in evaluations:
        task = registry.task(evaluation.task)
        for language in evaluation.languages:
            registry.language(language)
        if task.role is Role.INTERMEDIATE:
            yield f"{task.title} is an intermediate task: nothing is evaluated on it."
        if (evaluation.task, evaluation.split) in seen:
            yield f"{task.title} is asked for twice on its {evaluation.split} split."
        seen.add((evaluation.task, evaluation.split))
        if evaluation.limit is not None and evaluation.limit < 1:
            yield f"The limit on evaluation items is 1 or more, found {evaluation.limit}."
        if evaluation.pooling not in POOLINGS:
            yield f"Pooling is {' or '.join(POOLINGS)}, found '{evaluation.pooling}'."
        if evaluation.precision not in PRECISIONS:
            yield f"Precision is {' or '.join(PRECISIONS)}, found '{evaluation.precision}'."
        yield from not_runnable(task)


def not_runnable(task: TaskSpec) -> Iterator[str]:
    """A sentence where the engine cannot train or evaluate the task yet."""
    if obstacle := obstacle_to(task):
        yield f"{task.title} cannot run yet: {obstacle}."


def _phase_problems(phase: str, settings: PhaseSettings) -> Iterator[str]:
    allowed = {
        "learning_rate": (lambda value: 0 < value <= 1, "above 0 and at most 1"),
        "epochs": (lambda value: value >= 1, "1 or more"),
        "batch_size": (lambda value: value >= 1, "1 or more"),
        "max_length": (lambda value: value >= 8, "8 or more"),
        "warmup": (lambda value: 0 <= value <= 1, "a share between 0 and 1"),
        "weight_decay": (lambda value: 0 <= value < math.inf, "0 or more"),
        "max_grad_norm": (lambda value: 0 < value < math.inf, "above 0"),
        "train_limit": (lambda value: value >= 1, "1 or more"),
        "precision": (lambda value: value in PRECISIONS, " or ".join(PRECISIONS)),
    }
    for name, (holds, right) in allowed.items():
        value = getattr(settings, name)
        if value is not None and not holds(value):
            yield f"The {phase} phase's {name.replace('_', ' ')} is {right}, found {value}."
