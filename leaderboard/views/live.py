"""What changes on a run's page while it is being worked on, as JSON: one query, and the files of running stages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from django.db.models import F
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from leaderboard.models import Stage
from leaderboard.models.querysets import status_of
from leaderboard.services import waiting
from leaderboard.templatetags.standings import duration
from leaderboard.views import files

UNFINISHED = (Stage.Status.WAITING, Stage.Status.QUEUED, Stage.Status.RUNNING)
STATUS_TITLES = {
    "queued": "Queued",
    "running": "Running",
    "done": "Done",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
LOG_LINES = 20
FAILURE_LINES = 8
MIB = 1 << 20
# Everything that is shown; what a stage was planned with and what it read are not needed here.
FIELDS = (
    "title",
    "fingerprint",
    "action",
    "parent_id",
    "status",
    "cancel_requested",
    "done",
    "total",
    "unit",
    "activity",
    "message",
    "rate",
    "usage",
    "lane",
    "priority",
    "submitted_by_id",
    "not_before",
    "losses",
)


@require_safe
@never_cache
def state(request: HttpRequest, pk: int) -> JsonResponse:
    """One query; while something is queued, four more that all pages share for some seconds."""
    stages = list(Stage.objects.filter(runs=pk).only(*FIELDS).annotate(run_cancelled=F("runs__cancelled")))
    if not stages:
        raise Http404("There is no run of this number that has stages.")
    status = status_of([stage.status for stage in stages], cancelled=stages[0].run_cancelled is not None)
    running = [stage for stage in stages if stage.status == Stage.Status.RUNNING]
    return JsonResponse(
        {
            "status": status,
            "status_title": STATUS_TITLES[status],
            "stages_done": sum(stage.status == Stage.Status.DONE for stage in stages),
            "stage_count": len(stages),
            "finished": finished(stages),
            "stages": [{"id": stage.pk, **shown(stage, stages)} for stage in stages],
            "curves": {stage.pk: _curve(stage) for stage in running if stage.action == Stage.Action.TRAIN},
            "log": log_of(running[-1], LOG_LINES) if running else None,
        }
    )


def finished(stages: Sequence[Stage]) -> bool:
    return not any(stage.status in UNFINISHED for stage in stages)


def shown(stage: Stage, stages: Sequence[Stage]) -> dict[str, Any]:
    """How the stage's row reads now; the page is written with the same."""
    running = stage.status == Stage.Status.RUNNING
    return {
        "status": stage.status,
        "status_title": stage.get_status_display(),
        "done": stage.done,
        "total": stage.total,
        "progress": _progress(stage) if running else "",
        "usage": _usage(stage.usage) if running else "",
        "reason": waiting.reason(stage, {other.pk: other.title for other in stages}),
        "message": stage.message,
    }


def _progress(stage: Stage) -> str:
    """`300 of 400 steps – training – 3.2 steps/s – 31 s left`."""
    parts = [f"{stage.done:,} of {stage.total:,} {stage.unit}" if stage.total else "", stage.activity]
    if stage.rate:
        parts.append(
            f"{stage.rate:,.1f} {stage.unit}/s" if stage.rate >= 0.1 else f"{1 / stage.rate:,.0f} s/{stage.unit}"
        )
        if stage.total > stage.done:
            parts.append(f"{duration((stage.total - stage.done) / stage.rate)} left")
    return " – ".join(part for part in parts if part)


def _usage(usage: dict[str, Any]) -> str:
    """`1,204 MiB of memory (at most 1,310) · 187 % of a processor core · GPU 0: 9,120 of 81,559 MiB, 93 %`."""
    if not usage.get("memory"):
        return ""
    parts = [
        f"{usage['memory'] / MIB:,.0f} MiB of memory (at most {usage['memory_peak'] / MIB:,.0f})",
        f"{usage['processor']:.0f} % of a processor core",
    ]
    if "gpu" in usage:
        device = f"GPU {usage['gpu']}"
        if "gpu_memory" in usage:
            device += f": {usage['gpu_memory'] / MIB:,.0f} of {usage.get('gpu_memory_total', 0) / MIB:,.0f} MiB"
        if "gpu_load" in usage:
            device += f", {usage['gpu_load']:.0f} %"
        parts.append(device)
    return " · ".join(parts)


def _curve(stage: Stage) -> dict[str, Any]:
    found = files.curve(file_of(stage, "curve.jsonl"))
    return {
        "loss": [[step for step, _ in found.losses], [value for _, value in found.losses]],
        "development": [[step for step, _ in found.scores], [value for _, value in found.scores]],
    }


def log_of(stage: Stage, lines: int) -> dict[str, Any]:
    """The stage's title and the end of its log, tracebacks left out: anybody may look."""
    tail = files.log_tail(file_of(stage, "stage.log"), tracebacks=False)[-lines:]
    return {"title": stage.title, "text": "\n".join(tail)}


def file_of(stage: Stage, name: str) -> PurePosixPath:
    """Where a stage writes `name` while it runs, before there is an artifact row for it."""
    return PurePosixPath(stage.fingerprint[:2], stage.fingerprint, name)
