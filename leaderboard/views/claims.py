"""Claims: what the literature and this leaderboard state, and what the scores say of it; what to run next."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from leaderboard.exports.claims import content, macros
from leaderboard.models import Claim, Snapshot
from leaderboard.services import next_runs
from leaderboard.standings.verdicts import ClaimValue, every_claim, one_claim
from runner.errors import RecipeError

QUEUE = "leaderboard.add_study"


@require_safe
def claims(request: HttpRequest) -> HttpResponse:
    return render(request, "claims.html", {"section": "claims", "claims": every_claim(), "snapshots": _snapshots()})


@require_safe
def claim(request: HttpRequest, key: str) -> HttpResponse:
    found = one_claim(key)
    if found is None:
        raise Http404(f"There is no claim '{key}'.")
    return render(request, "claim.html", {"section": "claims", "claim": found, "snapshots": _snapshots()})


@require_safe
def what_next(request: HttpRequest, key: str) -> HttpResponse:
    """What would decide the claim, the cheapest first."""
    context = {
        "section": "claims",
        "claim": _row(key),
        "suggestions": next_runs.suggestions(_row(key)),
        "can_queue": request.user.has_perm(QUEUE),
    }
    return render(request, "claim_next.html", context)


@require_POST
def queue(request: HttpRequest, key: str) -> HttpResponse:
    """Queue one suggestion, named by its content: should it have changed since it was read, nothing is queued."""
    if not request.user.has_perm(QUEUE):
        raise PermissionDenied
    try:
        study = next_runs.queue(_row(key), request.POST.get("suggestion", ""), request.user)
    except RecipeError as error:
        messages.error(request, str(error))
        return redirect("claim-next", key)
    messages.info(request, f"Queued as the study “{study.name}”.")
    return redirect("study", study.pk)


@require_safe
def latex(request: HttpRequest, key: str = "") -> HttpResponse:
    """Macros of all claims or of one: as they are, or as they were when the snapshot that is named was taken."""
    address = request.GET.get("snapshot", "")
    snapshot = Snapshot.objects.at(address).first() if address else None
    if address and (snapshot is None or len(address) < 8):
        raise Http404(f"There is no snapshot '{address[:80]}'.")
    before = snapshot.created if snapshot else None
    found = [one_claim(key, before)] if key else every_claim(before)
    if found == [None]:
        raise Http404(f"There is no claim '{key}'.")
    bound = f"Snapshot {snapshot.name}, {snapshot.hash}" if snapshot else _state(found)
    lines = macros(found, bound, request.build_absolute_uri())
    response = HttpResponse(lines, content_type="application/x-tex; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="claims{f"-{key}" if key else ""}.tex"'
    return response


def _state(found: Sequence[ClaimValue]) -> str:
    return f"No snapshot: the state of {timezone.now():%Y-%m-%d %H:%M} UTC, content {content(found)}"


def _snapshots() -> list[Snapshot]:
    return list(Snapshot.objects.defer("content")[:10])


def _row(key: str) -> Claim:
    found = Claim.objects.prefetch_related("conditions").filter(pk=key).first()
    if found is None:
        raise Http404(f"There is no claim '{key}'.")
    return found
