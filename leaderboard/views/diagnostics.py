"""Alignment, robustness and low-resource languages: a page each, and the same numbers as files of the same address."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from leaderboard.exports import diagnostics as exports
from leaderboard.figures import alignment as alignment_figures
from leaderboard.figures import low_resource as low_resource_figures
from leaderboard.figures import robustness as robustness_figures
from leaderboard.standings import alignment as alignment_view
from leaderboard.standings import asked
from leaderboard.standings import low_resource as low_resource_view
from leaderboard.standings import robustness as robustness_view
from leaderboard.views.tables import charts, file_response, filtered

FILES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
# Page -> what reads its address and its numbers, and what writes them as CSV and as an object.
PAGES = {
    "alignment": (alignment_view, exports.alignment_csv, exports.alignment_object),
    "robustness": (robustness_view, exports.robustness_csv, exports.robustness_object),
    "low-resource": (low_resource_view, exports.low_resource_csv, exports.low_resource_object),
}


@require_safe
@charts
@filtered
def alignment(request: HttpRequest) -> HttpResponse:
    view = alignment_view.load(alignment_view.parse(request.GET))
    context: dict[str, Any] = {"view": view, "section": "alignment", "by_layer": None}
    if view.rows:
        context |= {
            "by_layer": alignment_figures.by_layer(view),
            "by_language": alignment_figures.by_language(view),
            "against_target": (
                alignment_figures.against_target(view) if any(one.points for one in view.associations) else None
            ),
        }
    return _page(request, "alignment", context)


@require_safe
@charts
@filtered
def robustness(request: HttpRequest) -> HttpResponse:
    view = robustness_view.load(robustness_view.parse(request.GET))
    context = {"view": view, "section": "robustness", "noise": robustness_figures.noise(view)}
    return _page(request, "robustness", context)


@require_safe
@charts
@filtered
def low_resource(request: HttpRequest) -> HttpResponse:
    view = low_resource_view.load(low_resource_view.parse(request.GET))
    context = {"view": view, "section": "low-resource", "figure": low_resource_figures.over_size(view)}
    return _page(request, "low_resource", context)


@require_safe
@filtered
def file(request: HttpRequest, ending: str, page: str) -> HttpResponseBase:
    """The numbers of a page as a file."""
    standings, as_csv, as_object = PAGES[page]
    view = standings.load(standings.parse(request.GET))
    if ending == "json":
        return JsonResponse(as_object(view), json_dumps_params={"ensure_ascii": False})
    return file_response(as_csv(view), f"{page}.csv", FILES["csv"])


def _page(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    """The page with the addresses of its files, which its header announces too."""
    query = request.GET.urlencode()
    addresses = {ending: reverse(f"{name}-file", args=[ending]) + (f"?{query}" if query else "") for ending in FILES}
    shared = {"files": addresses, "narrowed": bool(request.GET), "language_sets": asked.LANGUAGE_SETS}
    response = render(request, f"{name}.html", {**shared, **context})
    response["Link"] = ", ".join(
        f'<{addresses[ending]}>; rel="alternate"; type="{kind.partition(";")[0]}"' for ending, kind in FILES.items()
    )
    return response
