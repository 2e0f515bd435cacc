"""Submission: a study becomes recipes, runs and stages in one transaction, and what is ready is queued on commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any

from django.db import transaction

from leaderboard import models
from leaderboard.services import progress, results
from leaderboard.services.forecast import Forecast, forecast
from leaderboard.services.shares import check_share
from leaderboard.services.submission_checks import check
from leaderboard.services.submission_recipes import Submission, recipes_of
from leaderboard.services.titles import recipe_title, stage_title
from leaderboard.services.work import lane_of
from leaderboard.variants import joined
from runner import recipes, spec
from runner.errors import RecipeError

# The runs of a study: recipe, seed, stages.
Planned = list[tuple[recipes.Recipe, int, list[spec.Stage]]]


@dataclass(frozen=True)
class Receipt:
    """How much of a study was new; what was there already is shared, not done again."""

    runs: int
    shared_runs: int
    stages: int
    shared_stages: int


def submit(submission: Submission, user: Any = None, also: Sequence[Submission] = ()) -> models.Study:
    """Create the study with all that it needs, or nothing; what is ready is queued on commit.

    `also` has further recipes of the same study: they differ from the first in methods and variants alone.
    RecipeError says what the submitter can mend.
    """
    planned = [run for part in (submission, *also) for run in _planned(part)]
    with transaction.atomic():
        check_share(user, _new_runs(planned))
        return join(_study(submission, user), planned, user, lane=submission.lane, priority=submission.priority)


def submit_runs(
    name: str,
    planned: Planned,
    evaluations: Sequence[recipes.Evaluation],
    seeds: Sequence[int],
    note: str = "",
    user: Any = None,
) -> models.Study:
    """Create a study of these very runs, which need not be a grid: seeds and cells that others lack.

    RecipeError where the submitter has used up their share.
    """
    with transaction.atomic():
        check_share(user, _new_runs(planned))
        targets = [asdict(evaluation) for evaluation in evaluations]
        study = models.Study.objects.create(name=name, note=note, targets=targets, seeds=list(seeds), submitted_by=user)
        return join(study, planned, user)


def join(
    study: models.Study,
    planned: Planned,
    user: Any,
    *,
    lane: str = models.Stage.Lane.GPU,
    priority: int = models.Stage.Priority.NORMAL,
) -> models.Study:
    """Give the study the planned runs, old or new, with all their stages."""
    rows = _stage_rows(planned, lane, priority, user)
    encoders = {slug: find_encoder(slug) for slug in {recipe.encoder.slug for recipe, _, _ in planned}}
    for recipe, seed, stages in planned:
        recipe_row = _recipe_row(recipe, encoders[recipe.encoder.slug])
        study.recipes.add(recipe_row)
        _join(_run_row(recipe_row, seed, user), study, [rows[stage.fingerprint] for stage in stages])
    return study


def preview(submission: Submission) -> Forecast:
    """What the study would take; nothing is written. RecipeError as in `submit`."""
    return forecast(stages for _, _, stages in _planned(submission))


def _planned(submission: Submission) -> Planned:
    """Every run of the study with its stages; RecipeError says what the submitter can mend."""
    check(submission)
    encoder = reference(find_encoder(submission.encoder))
    return [
        (recipe, seed, recipes.plan(recipe, submission.evaluations, seed, submission.diagnoses))
        for recipe in recipes_of(submission, encoder)
        for seed in submission.seeds
    ]


def _new_runs(planned: Planned) -> int:
    """How many of the runs are not there yet."""
    wanted = {(recipe.fingerprint, seed) for recipe, seed, _ in planned}
    there = models.Run.objects.filter(recipe__fingerprint__in={fingerprint for fingerprint, _ in wanted})
    return len(wanted - set(there.values_list("recipe__fingerprint", "seed")))


def receipt(study: models.Study) -> Receipt:
    """What `study` brought: rows older than the study were there before it."""
    runs = study.runs.all()
    stages = models.Stage.objects.filter(runs__studies=study).distinct()
    return Receipt(
        runs=runs.count(),
        shared_runs=runs.filter(created__lt=study.created).count(),
        stages=stages.count(),
        shared_stages=stages.filter(created__lt=study.created).count(),
    )


def find_encoder(slug: str) -> models.Encoder:
    """The encoder of this slug; RecipeError with suggestions where there is none."""
    slugs = list(models.Encoder.objects.values_list("slug", flat=True))
    if slug not in slugs:
        close = get_close_matches(slug, slugs, n=3) or sorted(slugs)
        raise RecipeError(f"There is no encoder '{slug}'. Did you mean {' or '.join(close)}?")
    return models.Encoder.objects.get(pk=slug)


def reference(encoder: models.Encoder) -> spec.EncoderRef:
    """What recipes and stages name; an encoder without a revision could change under its results."""
    if not encoder.revision:
        raise RecipeError(f"The encoder '{encoder.slug}' has no revision: give it the hub's commit in the admin first.")
    return spec.EncoderRef(encoder.slug, encoder.location, encoder.revision, encoder.layers)


def _study(submission: Submission, user: Any) -> models.Study:
    return models.Study.objects.create(
        name=submission.name,
        note=submission.note,
        targets=[asdict(evaluation) for evaluation in submission.evaluations],
        diagnoses=[asdict(diagnosis) for diagnosis in submission.diagnoses],
        seeds=list(submission.seeds),
        submitted_by=user,
    )


def _recipe_row(recipe: recipes.Recipe, encoder: models.Encoder) -> models.Recipe:
    identity = recipe.identity()
    row, created = models.Recipe.objects.get_or_create(
        fingerprint=recipe.fingerprint,
        defaults={
            "title": recipe_title(recipe),
            "encoder": encoder,
            "method": recipe.method.value,
            "mlm": recipe.masked is not None,
            "translation": joined(recipe.translation),
            "settings": {key: identity[key] for key in ("intermediate", "target", "sampling", "masked")},
        },
    )
    if created:
        row.intermediate_tasks.set(recipe.intermediate_tasks)
    return row


def _run_row(recipe: models.Recipe, seed: int, user: Any) -> models.Run:
    run, _ = models.Run.objects.get_or_create(
        recipe=recipe, seed=seed, origin=models.Run.Origin.LOCAL, defaults={"submitted_by": user}
    )
    return run


def _stage_rows(planned: Planned, lane: str, priority: int, user: Any) -> dict[str, models.Stage]:
    """The row of every planned stage by fingerprint, old or new, a few statements for each level of parents."""
    pending = {stage.fingerprint: stage for _, _, stages in planned for stage in stages}
    rows: dict[str, models.Stage] = {}
    specs = dict(pending)
    while pending:
        level = {key: stage for key, stage in pending.items() if stage.parent is None or stage.parent in rows}
        known = set(models.Stage.objects.in_bulk(level, field_name="fingerprint"))
        # Another submission may insert the same stage at the same time: then its row is the one.
        models.Stage.objects.bulk_create(
            [
                models.Stage(
                    fingerprint=key,
                    action=stage.plan.action,
                    title=stage_title(stage, specs),
                    spec=stage.to_dict(),
                    parent=rows.get(stage.parent),
                    lane=lane_of(stage, lane),
                    priority=priority,
                    submitted_by=user,
                )
                for key, stage in level.items()
                if key not in known
            ],
            ignore_conflicts=True,
        )
        rows |= models.Stage.objects.in_bulk(level, field_name="fingerprint")
        pending = {key: stage for key, stage in pending.items() if key not in level}
    # Who asks for a stage with a higher priority gets it, whoever asked first.
    urgent = models.Stage.objects.filter(pk__in=[row.pk for row in rows.values()], priority__lt=priority)
    urgent.filter(status__in=progress.NOT_STARTED).update(priority=priority)
    return rows


def _join(run: models.Run, study: models.Study, stages: list[models.Stage]) -> None:
    """Link the run to the study and to the stages it lacks; stages that are done give it their scores."""
    run.studies.add(study)
    there = set(run.stages.values_list("pk", flat=True))
    new = [stage for stage in stages if stage.pk not in there]
    run.stages.add(*new)
    results.attach_done_stages(run, new)
    # Asking again is asking to try again: what failed or was cancelled for others must not end this run. What had
    # too little memory is left to who knows better. On commit it also queues what is ready.
    progress.retry_run(run, out_of_memory=False)
