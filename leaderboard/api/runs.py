"""Runs: what they are, how far they are, what they made; cancelling, retrying and withdrawing."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.db.models import Q, QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase
from ninja import Query, Router, Schema

from leaderboard.api.errors import READING, WRITING
from leaderboard.api.fields import LARGEST, After, Limit, Number, Text, next_page
from leaderboard.api.finding import found
from leaderboard.api.security import WRITE, Bearer, permitted
from leaderboard.models import Artifact, Run, Stage
from leaderboard.services import progress, withdrawals
from leaderboard.standings.artifacts import FileGone, stored
from runner.errors import RecipeError

router = Router(tags=["Runs"])

# What anybody may have. Checkpoints are too large for a web process, logs may name paths of a machine.
DOWNLOADS = ("predictions", "items", "curve", "upload")
BINARY = "application/octet-stream"


class RunOut(Schema):
    """One run; `status` is what its stages add up to, `done` for one from outside."""

    id: int
    url: str
    title: str
    origin: str
    status: str
    recipe: str
    encoder: str
    method: str
    intermediate_tasks: list[str]
    seed: int | None
    source: str
    studies: list[int]
    submitted: datetime
    withdrawn: datetime | None
    withdrawal: str
    stages_done: int
    stage_count: int


class StageOut(Schema):
    """One stage of a run: `done` of `total` units, and a sentence where it has failed."""

    id: int
    title: str
    action: str
    status: str
    done: int
    total: int
    unit: str
    activity: str
    failure: str
    message: str
    seconds: float
    fingerprint: str


class ArtifactOut(Schema):
    """One file; `download` is where it can be had, null where it stays on the machines."""

    id: int
    kind: str
    name: str
    sha256: str
    size: int
    stage: int | None
    download: str | None


class RunDetail(RunOut):
    """One run with its stages and files."""

    stages: list[StageOut]
    artifacts: list[ArtifactOut]


class RunPage(Schema):
    """Runs in the order of their numbers, and where the next ones are; null after the last."""

    items: list[RunOut]
    next: str | None


class Wanted(Schema):
    """Which runs are asked for; all, if nothing is said."""

    origin: Run.Origin | None = None
    study: Annotated[int, Query(ge=1, le=LARGEST)] | None = None
    status: str | None = None


class Ended(Schema):
    """How many stages end; those that other runs need go on."""

    stages: int


class Reason(Schema):
    """Why: it is shown with the run from then on."""

    reason: Text


STATUSES = ("queued", "running", "done", "failed", "cancelled")


@router.get("/runs", response={200: RunPage, **READING}, operation_id="runs")
def runs(request: HttpRequest, wanted: Query[Wanted], after: After = 0, limit: Limit = 100) -> dict[str, Any]:
    """A page of runs, withdrawn ones included; `next` is the address of the following one."""
    if wanted.status and wanted.status not in STATUSES:
        raise RecipeError(f"A status is one of {', '.join(STATUSES)}; found '{wanted.status[:80]}'.")
    asked = {"origin": wanted.origin, "studies": wanted.study, "status": wanted.status}
    chosen = _runs().filter(pk__gt=after, **{name: value for name, value in asked.items() if value})
    rows = [_run(request, run) for run in chosen.order_by("pk")[:limit]]
    return {"items": rows, "next": next_page(request, rows, limit, rows[-1]["id"] if rows else None)}


@router.get("/runs/{pk}", response={200: RunDetail, **READING}, operation_id="run")
def run(request: HttpRequest, pk: Number) -> dict[str, Any]:
    """One run, with how far its stages are: what a script polls."""
    return _detail(request, pk)


@router.get("/runs/{pk}/artifacts", response={200: list[ArtifactOut], **READING}, operation_id="artifacts")
def artifacts(request: HttpRequest, pk: Number) -> list[dict[str, Any]]:
    """The files of a run."""
    return [_artifact(request, artifact) for artifact in _artifacts(found(Run.objects.all(), "run", pk))]


@router.get(
    "/artifacts/{pk}/file",
    response=READING,
    operation_id="artifact_file",
    openapi_extra={"responses": {200: {"description": "The file.", "content": {BINARY: {"schema": {}}}}}},
)
def artifact_file(request: HttpRequest, pk: Number) -> HttpResponseBase:
    """One file as it lies in the store: predictions, outcomes per item, a curve, an upload."""
    row = found(Artifact.objects.filter(kind__in=DOWNLOADS), "file to download of the number", pk)
    try:
        file = stored(row)
    except FileGone as error:
        raise Http404(str(error)) from error
    return FileResponse(file.path.open("rb"), as_attachment=True, filename=file.name, content_type=BINARY)


@router.post(
    "/runs/{pk}/cancel", response={200: Ended, **WRITING}, auth=Bearer(), throttle=[WRITE], operation_id="cancel"
)
def cancel(request: HttpRequest, pk: Number) -> dict[str, int]:
    """Stop what no other run needs; needs the permission to change runs."""
    permitted(request, "leaderboard.change_run")
    return {"stages": progress.cancel_run(_local(pk))}


@router.post(
    "/runs/{pk}/retry", response={200: Ended, **WRITING}, auth=Bearer(), throttle=[WRITE], operation_id="retry"
)
def retry(request: HttpRequest, pk: Number) -> dict[str, int]:
    """Take up failed and cancelled stages again; `stages` says how many. Needs the permission to change runs."""
    permitted(request, "leaderboard.change_run")
    return {"stages": progress.retry_run(_local(pk))}


@router.post(
    "/runs/{pk}/withdraw",
    response={200: RunDetail, **WRITING},
    auth=Bearer(),
    throttle=[WRITE],
    operation_id="withdraw",
)
def withdraw(request: HttpRequest, pk: Number, reason: Reason) -> dict[str, Any]:
    """Take a run off the board; it stays on record, with the reason."""
    user = permitted(request, "leaderboard.withdraw_run")
    withdrawals.withdraw(found(Run.objects.all(), "run", pk), reason.reason, user)
    return _detail(request, pk)


def _local(pk: int) -> Run:
    """The run, if it runs here."""
    row = found(Run.objects.all(), "run", pk)
    if row.origin != Run.Origin.LOCAL:
        raise RecipeError(f"Run {pk} is {row.get_origin_display().lower()}: it has nothing to cancel or to retry.")
    return row


def _runs() -> QuerySet[Run]:
    related = Run.objects.with_progress().select_related("recipe")
    return related.prefetch_related("studies", "recipe__intermediate_tasks")


def _run(request: HttpRequest, run: Run) -> dict[str, Any]:
    recipe = run.recipe
    return {
        "id": run.pk,
        "url": request.build_absolute_uri(run.get_absolute_url()),
        "title": recipe.title if recipe else run.system,
        "origin": run.origin,
        "status": run.status,
        "recipe": recipe.fingerprint if recipe else "",
        "encoder": recipe.encoder_id if recipe else "",
        "method": recipe.method if recipe else "",
        "intermediate_tasks": [task.pk for task in recipe.intermediate_tasks.all()] if recipe else [],
        "seed": run.seed,
        "source": run.source_id or "",
        "studies": [study.pk for study in run.studies.all()],
        "submitted": run.created,
        "withdrawn": run.withdrawn,
        "withdrawal": run.withdrawal,
        "stages_done": run.stages_done,
        "stage_count": run.stage_count,
    }


def _detail(request: HttpRequest, pk: int) -> dict[str, Any]:
    row = found(_runs(), "run", pk)
    return {
        **_run(request, row),
        "stages": [_stage(stage) for stage in row.stages.all()],
        "artifacts": [_artifact(request, artifact) for artifact in _artifacts(row)],
    }


def _stage(stage: Stage) -> dict[str, Any]:
    names = ("title", "action", "status", "done", "total", "unit", "activity", "failure", "message", "seconds")
    return {"id": stage.pk, "fingerprint": stage.fingerprint, **{name: getattr(stage, name) for name in names}}


def _artifacts(run: Run) -> QuerySet[Artifact]:
    return Artifact.objects.filter(Q(run=run) | Q(stage__runs=run)).order_by("pk")


def _artifact(request: HttpRequest, artifact: Artifact) -> dict[str, Any]:
    there = artifact.kind in DOWNLOADS
    return {
        "id": artifact.pk,
        "kind": artifact.kind,
        "name": artifact.path.rpartition("/")[2],
        "sha256": artifact.sha256,
        "size": artifact.size,
        "stage": artifact.stage_id,
        "download": request.build_absolute_uri(f"/api/v1/artifacts/{artifact.pk}/file") if there else None,
    }
