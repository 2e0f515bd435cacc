"""Runs and studies: what was asked for, how far it is, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from csp.decorators import csp_update
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from leaderboard.figures import curves
from leaderboard.models import Recipe, Run, Stage, Study
from leaderboard.standings.listing import of_run
from leaderboard.variants import Variant, ending
from leaderboard.views import files
from runner.tasks import registry

RUNS_A_PAGE = 100
UNFINISHED = (Stage.Status.WAITING, Stage.Status.QUEUED, Stage.Status.RUNNING)
STATUS_TITLES = {
    "queued": "Queued",
    "running": "Running",
    "done": "Done",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
SETTINGS = (
    ("Intermediate phase", "intermediate"),
    ("Target phase", "target"),
    ("Sampling", "sampling"),
    ("MLM", "masked"),
)
# What a setting that is empty means, where that is not the task's default.
UNSET = {
    "train_limit": "none",
    "patience": "none: no early stopping",
    "evaluate_every": "four times a phase",
    "cap": "none",
    "temperature": "none",
    "texts": "all",
}


@require_safe
def runs(request: HttpRequest) -> HttpResponse:
    found = Run.objects.with_progress().select_related("recipe__encoder", "source").prefetch_related("studies")
    page = Paginator(found, RUNS_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "runs.html", {"section": "runs", "page": page, "status_titles": STATUS_TITLES})


@require_safe
@csp_update({"style-src": ["'unsafe-inline'"]})
def run(request: HttpRequest, pk: int) -> HttpResponse:
    found = Run.objects.with_progress().select_related("recipe__encoder", "source").prefetch_related("studies")
    run = get_object_or_404(found, pk=pk)
    stages = list(run.stages.prefetch_related("artifacts"))
    trained = [
        (_line_name(stage, run), files.curve(_file(stage, "curve.jsonl")))
        for stage in stages
        if stage.action == "train"
    ]
    losses = [(name, curve.losses) for name, curve in trained if curve.losses]
    scores = [(name, curve.scores) for name, curve in trained if curve.scores]
    context = {
        "section": "runs",
        "run": run,
        "status_title": STATUS_TITLES[run.status],
        "stages": stages,
        "finished": _finished(stages),
        "scores": of_run(run.pk),
        "loss_figure": curves.loss(losses) if losses else None,
        "development_figure": curves.development(scores) if scores else None,
        "environments": _environments(stages),
        "data": _data(stages),
        "logs": _logs(stages, tracebacks=request.user.is_staff),
        "artifacts": [artifact for stage in stages for artifact in stage.artifacts.all()],
        "settings": _settings(run),
    }
    return render(request, "run.html", context)


@require_safe
@never_cache
def state(request: HttpRequest, pk: int) -> JsonResponse:
    """What changes on a run's page while it is being worked on. Two queries."""
    run = get_object_or_404(Run.objects.with_progress(), pk=pk)
    stages = list(run.stages.all())
    return JsonResponse(
        {
            "status": run.status,
            "status_title": STATUS_TITLES[run.status],
            "stages_done": run.stages_done,
            "stage_count": run.stage_count,
            "finished": _finished(stages),
            "stages": [
                {
                    "id": stage.pk,
                    "status": stage.status,
                    "status_title": stage.get_status_display(),
                    "done": stage.done,
                    "total": stage.total,
                    "unit": stage.unit,
                    "activity": stage.activity,
                    "message": stage.message,
                }
                for stage in stages
            ],
        }
    )


@require_safe
def study(request: HttpRequest, pk: int) -> HttpResponse:
    study = get_object_or_404(Study, pk=pk)
    runs = {
        (run.recipe_id, run.seed): run
        for run in study.runs.with_progress().filter(origin=Run.Origin.LOCAL).select_related(None)
    }
    recipes = sorted(study.recipes.select_related("encoder"), key=_reading_order)
    grid = [(recipe, [runs.get((recipe.pk, seed)) for seed in study.seeds]) for recipe in recipes]
    context = {
        "section": "runs",
        "study": study,
        "grid": grid,
        "targets": [_target(target) for target in study.targets],
        "runs_done": sum(run.status == "done" for run in runs.values()),
        "run_count": len(study.seeds) * len(grid),
        "status_titles": STATUS_TITLES,
    }
    return render(request, "study.html", context)


def _reading_order(recipe: Recipe) -> tuple[Any, ...]:
    """By encoder, method and tasks; of these, plain before MLM before translated, as in the tables."""
    multi_task = recipe.method == Recipe.Method.MULTI_TASK
    tasks = recipe.title.removesuffix(ending(mlm=recipe.mlm, translation=recipe.translation, multi_task=multi_task))
    method = Recipe.Method.values.index(recipe.method)
    variants = [list(Variant).index(variant) for variant in recipe.variants]
    return recipe.encoder.title, method, tasks, variants, recipe.translation, recipe.pk


def _finished(stages: Sequence[Stage]) -> bool:
    return not any(stage.status in UNFINISHED for stage in stages)


def _file(stage: Stage, name: str) -> PurePosixPath:
    """Where a stage writes `name` while it runs, before there is an artifact row for it."""
    return PurePosixPath(stage.fingerprint[:2], stage.fingerprint, name)


def _line_name(stage: Stage, run: Run) -> str:
    """A training stage's title without what its run's page says anyway."""
    return stage.title.removeprefix("Train on ").replace(f", seed {run.seed}", "")


def _environments(stages: Sequence[Stage]) -> list[tuple[dict[str, Any], list[str]]]:
    """The environments that the stages ran in, each with the titles of its stages; mostly there is one."""
    found: list[tuple[dict[str, Any], list[str]]] = []
    for stage in stages:
        if not stage.environment:
            continue
        for environment, titles in found:
            if environment == stage.environment:
                titles.append(stage.title)
                break
        else:
            found.append((stage.environment, [stage.title]))
    return found


def _data(stages: Sequence[Stage]) -> list[dict[str, Any]]:
    """Every piece of data that the stages read, once."""
    rows = {
        tuple(sorted((key, str(value)) for key, value in row.items())): row for stage in stages for row in stage.data
    }
    return list(rows.values())


def _logs(stages: Sequence[Stage], *, tracebacks: bool) -> list[tuple[Stage, str]]:
    logs = [(stage, files.log_tail(_file(stage, "stage.log"), tracebacks=tracebacks)) for stage in stages]
    return [(stage, "\n".join(lines)) for stage, lines in logs if lines]


def _settings(run: Run) -> list[tuple[str, list[tuple[str, Any]]]]:
    """The recipe's settings of phases, sampling and MLM, for reading."""
    if run.recipe is None:
        return []
    return [
        (
            title,
            [
                (name.replace("_", " "), _setting(name, value))
                for name, value in phase.items()
                if name != "evaluate_every" or phase.get("patience")
            ],
        )
        for title, key in SETTINGS
        if (phase := run.recipe.settings.get(key))
    ]


def _setting(name: str, value: Any) -> Any:
    if value is None:
        return UNSET.get(name, "task's default")
    if isinstance(value, list):
        return ", ".join(value)
    return f"{value:g}" if isinstance(value, float) else value


def _target(target: dict[str, Any]) -> dict[str, Any]:
    """One evaluation of a study, with the title of its task."""
    task = registry.TASKS.get(target.get("task", ""))
    return {**target, "title": task.title if task else target.get("task"), "known": task is not None}
