"""Alignment, robustness and low-resource languages: a page each, and the same numbers as files of the same address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
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
from leaderboard.views.tables import charts, filtered

FILES = {"csv": "text/csv", "json": "application/json"}


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
@filtered
def alignment_file(request: HttpRequest, ending: str) -> HttpResponseBase:
    view = alignment_view.load(alignment_view.parse(request.GET))
    if ending == "json":
        return _json(exports.alignment_object(view))
    return _csv(exports.alignment_csv(view), "alignment")


@require_safe
@charts
@filtered
def robustness(request: HttpRequest) -> HttpResponse:
    view = robustness_view.load(robustness_view.parse(request.GET))
    context = {"view": view, "section": "robustness", "noise": robustness_figures.noise(view)}
    return _page(request, "robustness", context)


@require_safe
@filtered
def robustness_file(request: HttpRequest, ending: str) -> HttpResponseBase:
    view = robustness_view.load(robustness_view.parse(request.GET))
    if ending == "json":
        return _json(exports.robustness_object(view))
    return _csv(exports.robustness_csv(view), "robustness")


@require_safe
@charts
@filtered
def low_resource(request: HttpRequest) -> HttpResponse:
    view = low_resource_view.load(low_resource_view.parse(request.GET))
    context = {"view": view, "section": "low-resource", "figure": low_resource_figures.over_size(view)}
    return _page(request, "low_resource", context)


@require_safe
@filtered
def low_resource_file(request: HttpRequest, ending: str) -> HttpResponseBase:
    view = low_resource_view.load(low_resource_view.parse(request.GET))
    if ending == "json":
        return _json(exports.low_resource_object(view))
    return _csv(exports.low_resource_csv(view), "low-resource")


def _page(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    """The page with the addresses of its files, which its header announces too."""
    query = request.GET.urlencode()
    addresses = {ending: reverse(f"{name}-file", args=[ending]) + (f"?{query}" if query else "") for ending in FILES}
    shared = {"files": addresses, "narrowed": bool(request.GET), "language_sets": asked.LANGUAGE_SETS}
    response = render(request, f"{name}.html", {**shared, **context})
    response["Link"] = ", ".join(
        f'<{addresses[ending]}>; rel="alternate"; type="{kind}"' for ending, kind in FILES.items()
    )
    return response


def _json(value: dict[str, Any]) -> JsonResponse:
    return JsonResponse(value, json_dumps_params={"ensure_ascii": False})


def _csv(blocks: Iterator[str], name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(blocks, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response
