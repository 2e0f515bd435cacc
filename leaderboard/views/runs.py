"""Runs and studies: what was asked for, how far it is, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from csp.decorators import csp_update
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from leaderboard.figures import curves, stage_graph
from leaderboard.models import Artifact, Recipe, Run, Stage, Study
from leaderboard.standings import asked
from leaderboard.standings.listing import of_run
from leaderboard.standings.sources import printed_by
from leaderboard.variants import Variant, ending
from leaderboard.views import files, live
from leaderboard.views.actions import DECIDE
from leaderboard.views.live import STATUS_TITLES
from leaderboard.views.sources import asks_for_unverified
from leaderboard.views.tables import filtered
from runner.tasks import registry

RUNS_A_PAGE = 100
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
@filtered
def runs(request: HttpRequest) -> HttpResponse:
    """What ran here or was uploaded; systems that others published only where they are asked for."""
    asked.only(request.GET, ("origin", "page"))
    origin = asked.one_of(request.GET, "origin", Run.Origin.values)
    found = Run.objects.with_progress().select_related("recipe__encoder", "source").prefetch_related("studies")
    found = found.filter(origin=origin) if origin else found.exclude(origin=Run.Origin.PUBLISHED)
    context = {
        "section": "runs",
        "page": Paginator(found, RUNS_A_PAGE).get_page(request.GET.get("page")),
        "origin": origin,
        "origins": Run.Origin.choices,
        "status_titles": STATUS_TITLES,
    }
    return render(request, "runs.html", context)


@require_safe
@csp_update({"style-src": ["'unsafe-inline'"]})
def run(request: HttpRequest, pk: int) -> HttpResponse:
    related = ("recipe__encoder", "source", "upload__corrects", "corrected_by")
    found = Run.objects.with_progress().select_related(*related).prefetch_related("studies")
    run = get_object_or_404(found, pk=pk)
    stages = list(run.stages.prefetch_related("artifacts"))
    trained = [(stage, files.curve(live.file_of(stage, "curve.jsonl"))) for stage in stages if stage.action == "train"]
    # A stage that is still to train has its place in the chart, which its points then fill.
    going_on = {stage.pk for stage, _ in trained if stage.status in live.UNFINISHED}
    losses = [(_line(stage, run), curve.losses) for stage, curve in trained if curve.losses or stage.pk in going_on]
    scores = [(_line(stage, run), curve.scores) for stage, curve in trained if curve.scores or stage.pk in going_on]
    finished = live.finished(stages)
    context = {
        "section": "runs",
        "run": run,
        "status_title": STATUS_TITLES[run.status],
        "stages": stages,
        "shown": [(stage, live.shown(stage, stages), _failure_log(stage)) for stage in stages],
        "graph": stage_graph.lay_out([(stage.pk, stage.parent_id, stage.title, stage.status) for stage in stages]),
        "finished": finished,
        "live_log": None if finished else _live_log(stages),
        "can_decide": run.origin == Run.Origin.LOCAL and request.user.has_perm(DECIDE),
        "can_clone": run.origin == Run.Origin.LOCAL and request.user.has_perm("leaderboard.add_study"),
        "can_retry": any(stage.status in (Stage.Status.FAILED, Stage.Status.CANCELLED) for stage in stages),
        "scores": of_run(run.pk),
        "has_files": run.origin == Run.Origin.UPLOADED
        or any(artifact.kind == "items" for stage in stages for artifact in stage.artifacts.all()),
        **_published(request, run),
        "loss_figure": curves.loss(losses) if losses else None,
        "development_figure": curves.development(scores) if scores else None,
        "environments": _environments(stages),
        "data": run.upload.data if hasattr(run, "upload") else _data(stages),
        "logs": _logs(stages, tracebacks=request.user.is_staff),
        "artifacts": _artifacts(run, stages),
        "settings": _settings(run),
    }
    return render(request, "run.html", context)


def _published(request: HttpRequest, run: Run) -> dict[str, Any]:
    """What a source prints of the system, in place of the tables of what was measured here."""
    if run.origin != Run.Origin.PUBLISHED:
        return {}
    unverified = asks_for_unverified(request)
    every = printed_by(run.pk, unverified=True)
    shown = every if unverified else printed_by(run.pk, unverified=False)
    return {"scores": (), "published": shown, "hidden": len(every) - len(shown), "finished": True}


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
        "completeness": _completeness(run for _, cells in grid for run in cells),
        "lacking": any(run is None or run.status in ("failed", "cancelled") for _, cells in grid for run in cells),
        "can_decide": request.user.has_perm(DECIDE),
        "run_count": len(study.seeds) * len(grid),
        "can_clone": request.user.has_perm("leaderboard.add_study"),
        "status_titles": STATUS_TITLES,
    }
    return render(request, "study.html", context)


def _completeness(runs: Iterable[Run | None]) -> list[tuple[str, str, int]]:
    """(status, its title, how many runs have it), of the statuses that there are, in the order of STATUS_TITLES."""
    counts = Counter(run.status if run else "missing" for run in runs)
    titles = {**STATUS_TITLES, "missing": "Missing"}
    return [(status, title, counts[status]) for status, title in titles.items() if counts[status]]


def _reading_order(recipe: Recipe) -> tuple[Any, ...]:
    """By encoder, method and tasks; of these, plain before MLM before translated, as in the tables."""
    multi_task = recipe.method == Recipe.Method.MULTI_TASK
    tasks = recipe.title.removesuffix(ending(mlm=recipe.mlm, translation=recipe.translation, multi_task=multi_task))
    method = Recipe.Method.values.index(recipe.method)
    variants = [list(Variant).index(variant) for variant in recipe.variants]
    return recipe.encoder.title, method, tasks, variants, recipe.translation, recipe.pk


def _line(stage: Stage, run: Run) -> tuple[int, str]:
    """A training stage's key and its title without what its run's page says anyway."""
    return stage.pk, stage.title.removeprefix("Train on ").replace(f", seed {run.seed}", "")


def _failure_log(stage: Stage) -> str:
    """The last lines of the log of a stage that failed by itself."""
    if stage.status != Stage.Status.FAILED or stage.failure == Stage.Failure.PARENT:
        return ""
    return live.log_of(stage, live.FAILURE_LINES)["text"]


def _live_log(stages: Sequence[Stage]) -> dict[str, Any]:
    running = [stage for stage in stages if stage.status == Stage.Status.RUNNING]
    return live.log_of(running[-1], live.LOG_LINES) if running else {"title": "", "text": ""}


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


def _artifacts(run: Run, stages: Sequence[Stage]) -> list[Artifact]:
    """The files of the run's stages; an upload has its own."""
    if run.origin == Run.Origin.UPLOADED:
        return list(run.artifacts.all())
    return [artifact for stage in stages for artifact in stage.artifacts.all()]


def _logs(stages: Sequence[Stage], *, tracebacks: bool) -> list[tuple[Stage, str]]:
    logs = [(stage, files.log_tail(live.file_of(stage, "stage.log"), tracebacks=tracebacks)) for stage in stages]
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
