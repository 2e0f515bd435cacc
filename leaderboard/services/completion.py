"""What a study still lacks, taken up: runs that failed or were cancelled again, runs that are not there anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from leaderboard.models import Recipe, Run, Stage, Study
from leaderboard.services import progress, submissions
from leaderboard.services.shares import check_share
from runner import recipes
from runner.errors import RecipeError
from runner.recipes import Diagnosis, Evaluation, Method, PhaseSettings
from runner.spec import MaskedWords, Noise, Sampling

ENDED = (Stage.Status.FAILED, Stage.Status.CANCELLED)


@dataclass(frozen=True)
class Completed:
    """How many runs were taken up again, and how many were made."""

    retried: int
    made: int


@transaction.atomic
def complete(study: Study, user: Any = None) -> Completed:
    """Queue all that the study's grid lacks; what runs or waits already is left alone.

    RecipeError where `user` has too many runs, or where a recipe was made by a version that plans it otherwise.
    """
    runs = list(study.runs.filter(origin=Run.Origin.LOCAL).order_by("pk"))
    retried = 0
    for run in runs:
        if run.cancelled or run.stages.filter(status__in=ENDED).exists():
            progress.retry_run(run)
            retried += 1
    there = {(run.recipe_id, run.seed) for run in runs}
    rows = study.recipes.select_related("encoder").prefetch_related("intermediate_tasks")
    lacking = [(row, seed) for row in rows for seed in study.seeds if (row.pk, seed) not in there]
    if lacking:
        check_share(user, len(lacking))
    for row, seed in lacking:
        _make(study, row, seed, user)
    return Completed(retried, len(lacking))


def _make(study: Study, row: Recipe, seed: int, user: Any) -> None:
    recipe = recipe_of(row)
    evaluations, diagnoses = targets_of(study)
    planned = [(recipe, seed, recipes.plan(recipe, evaluations, seed, diagnoses))]
    submissions.join(study, planned, user)


def recipe_of(row: Recipe) -> recipes.Recipe:
    """The recipe that a row was made from; RecipeError where this version makes another of it."""
    masked = row.settings.get("masked")
    recipe = recipes.Recipe(
        encoder=submissions.reference(row.encoder),
        method=Method(row.method),
        intermediate_tasks=tuple(task.pk for task in row.intermediate_tasks.all()),
        intermediate=PhaseSettings(**(row.settings.get("intermediate") or {})),
        target=PhaseSettings(**(row.settings.get("target") or {})),
        sampling=Sampling(**(row.settings.get("sampling") or {})),
        masked=MaskedWords(**{**masked, "languages": tuple(masked["languages"])}) if masked else None,
        translation=tuple(row.translation.split("+")) if row.translation else (),
    )
    if recipe.fingerprint != row.fingerprint:
        raise RecipeError(f"'{row.title}' was planned by another version of this program: clone the study instead.")
    return recipe


def targets_of(study: Study) -> tuple[tuple[Evaluation, ...], tuple[Diagnosis, ...]]:
    """What a study evaluates and diagnoses."""
    return (
        tuple(Evaluation(**_values(target)) for target in study.targets),
        tuple(Diagnosis(**_values(diagnosis)) for diagnosis in study.diagnoses),
    )


def _values(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Lists come back from JSON where tuples were, and noises as what they are made of."""
    found = {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}
    if "noises" in found:
        found["noises"] = tuple(Noise(**noise) for noise in found["noises"])
    return found
