"""What must hold of a submission, whoever sends it; the admin's form says the same field by field."""

from __future__ import annotations

import math
from collections.abc import Iterator

from leaderboard.models import Stage, Study
from leaderboard.services.submission_recipes import Submission, recipe_problems
from runner.errors import RecipeError
from runner.recipes import Evaluation, PhaseSettings
from runner.tasks import registry
from runner.tasks.encoders import ENCODERS
from runner.tasks.kinds import Role

MAX_SEEDS = 100
MAX_SEED = 2**32 - 1  # what numpy and torch both take
PRECISIONS = ("fp32", "bf16")
POOLINGS = ("mean", "cls")
NOT_EVALUATED = {Role.INTERMEDIATE: "an intermediate task", Role.AUXILIARY: "text for MLM"}
NOTHING_TO_DO = "Choose at least one target task, or a text to measure alignment on."
WITHOUT_PATIENCE = "only early stopping evaluates every so many steps: set the patience too"


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
    yield from (problem.sentence for problem in recipe_problems(submission))
    yield from _seed_problems(submission.seeds)
    if not submission.evaluations and not submission.diagnoses:
        yield NOTHING_TO_DO
    yield from _evaluation_problems(submission.evaluations)
    yield from _suite_problems(submission)
    yield from _phase_problems("intermediate", submission.intermediate)
    yield from _phase_problems("target", submission.target)
    if submission.priority not in Stage.Priority.values:
        yield f"The priority is -1, 0 or 1, found {submission.priority}."
    if submission.lane not in Stage.Lane.values:
        yield f"The lane is one of {', '.join(Stage.Lane.values)}, found '{submission.lane}'."


def _seed_problems(seeds: tuple[int, ...]) -> Iterator[str]:
    if not 1 <= len(seeds) <= MAX_SEEDS:
        yield f"A study has 1 to {MAX_SEEDS} seeds, found {len(seeds)}."
    if len(set(seeds)) < len(seeds):
        yield "A seed is named twice."
    if wrong := [seed for seed in seeds if not 0 <= seed <= MAX_SEED]:
        yield f"A seed is between 0 and {MAX_SEED}, found {wrong[0]}."


def _evaluation_problems(evaluations: tuple[Evaluation, ...]) -> Iterator[str]:
    seen = set()
    for evaluation in evaluations:
        task = registry.task(evaluation.task)
        for language in evaluation.languages:
            registry.language(language)
        if task.role in NOT_EVALUATED:
            yield f"{task.title} is {NOT_EVALUATED[task.role]}: nothing is evaluated on it."
        if (evaluation.task, evaluation.split) in seen:
            yield f"{task.title} is asked for twice on its {evaluation.split} split."
        seen.add((evaluation.task, evaluation.split))
        if len(set(evaluation.noises)) < len(evaluation.noises):
            yield f"A noise of {task.title} is named twice."
        if evaluation.limit is not None and evaluation.limit < 1:
            yield f"The limit on evaluation items is 1 or more, found {evaluation.limit}."
        if evaluation.pooling not in POOLINGS:
            yield f"Pooling is {' or '.join(POOLINGS)}, found '{evaluation.pooling}'."
        if evaluation.precision not in PRECISIONS:
            yield f"Precision is {' or '.join(PRECISIONS)}, found '{evaluation.precision}'."


def _suite_problems(submission: Submission) -> Iterator[str]:
    """Tasks with another base language have nothing to learn from each other; some encoders know few languages."""
    tasks = [registry.task(slug) for slug in submission.intermediate_tasks]
    tasks += [registry.task(evaluation.task) for evaluation in submission.evaluations]
    tasks += [registry.task(submission.masked.text)] if submission.masked else []
    by_pivot = {task.pivot: task.title for task in tasks}
    if len(by_pivot) > 1:
        yield f"The tasks of a study have one base language; found {' and '.join(sorted(by_pivot.values()))}."
    known = ENCODERS.get(submission.encoder)
    if known and known.pretraining:
        learnt = set(registry.task(known.pretraining.text).languages)
        for task in tasks:
            if unknown := [code for code in task.languages if code not in learnt]:
                yield (
                    f"The encoder {known.title} has learnt {', '.join(sorted(learnt))}; {task.title} has other "
                    f"languages, such as {unknown[0]}."
                )


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
        "patience": (lambda value: value >= 1, "1 or more"),
        "evaluate_every": (lambda value: value >= 1, "1 or more"),
    }
    for name, (holds, right) in allowed.items():
        value = getattr(settings, name)
        if value is not None and not holds(value):
            yield f"The {phase} phase's {name.replace('_', ' ')} is {right}, found {value}."
    if settings.evaluate_every and settings.patience is None:
        yield f"In the {phase} phase, {WITHOUT_PATIENCE}."
