"""What can be done about a run from its page: cancel, retry, reproduce."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from leaderboard.models import Run, Study
from leaderboard.services import completion, progress, reproduction
from runner.errors import RecipeError

DECIDE = "leaderboard.change_run"


@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    run = _run_to_decide(request, pk)
    ended = progress.cancel_run(run)
    messages.info(request, f"Cancelled: {ended} stages end. Stages that other runs need go on.")
    return redirect(run)


@require_POST
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    run = _run_to_decide(request, pk)
    retried = progress.retry_run(run)
    messages.info(request, f"Taken up again: {retried} stages.")
    return redirect(run)


@require_POST
def complete(request: HttpRequest, pk: int) -> HttpResponse:
    """Queue what a study lacks."""
    if not request.user.has_perm(DECIDE):
        raise PermissionDenied
    study = get_object_or_404(Study, pk=pk)
    try:
        done = completion.complete(study, request.user)
        messages.info(request, f"Queued: {done.made} new runs; taken up again: {done.retried} runs.")
    except RecipeError as error:
        messages.error(request, str(error))
    return redirect("study", pk=pk)


@require_safe
def reproduce(request: HttpRequest, pk: int) -> HttpResponse:
    run = get_object_or_404(Run.objects.select_related("recipe"), pk=pk)
    return render(request, "reproduce.html", {"section": "runs", "run": run, "found": _reproduction(run)})


@require_safe
def reproduce_archive(request: HttpRequest, pk: int) -> HttpResponse:
    run = get_object_or_404(Run, pk=pk)
    response = HttpResponse(reproduction.archive(_reproduction(run)), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="run-{run.pk}.zip"'
    return response


def _run_to_decide(request: HttpRequest, pk: int) -> Run:
    if not request.user.has_perm(DECIDE):
        raise PermissionDenied
    return get_object_or_404(Run, pk=pk)


def _reproduction(run: Run) -> reproduction.Reproduction:
    try:
        return reproduction.of_run(run)
    except RecipeError as error:
        raise Http404(str(error)) from error
