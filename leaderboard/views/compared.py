"""Pages beside the tables of recipes by tasks: alternatives with their cost, and rows side by side."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from leaderboard.exports import alternatives as alternatives_export
from leaderboard.exports import comparison as comparison_export
from leaderboard.exports.objects import Origin
from leaderboard.exports.sheets import Sheet, sheet_csv, sheet_json, sheet_latex, sheet_markdown
from leaderboard.exports.tables import FORMATS
from leaderboard.figures import alternatives as figures
from leaderboard.standings import alternatives as alternatives_view
from leaderboard.standings import comparison
from leaderboard.standings import filters as state
from leaderboard.standings.filters import View
from leaderboard.views.caching import NOT_KEPT, versioned
from leaderboard.views.tables import FileLink, charts, file_response, filtered


@require_safe
@charts
@filtered
def alternatives(request: HttpRequest) -> HttpResponse:
    found = alternatives_view.load(state.parse(request.GET, View.ALTERNATIVES))
    blocks = [
        (block, figures.gain_against_cost(block, found.unit), f"cost-{number}")
        for number, block in enumerate(found.blocks, start=1)
    ]
    context = {
        "section": "alternatives",
        "found": found,
        "blocks": blocks,
        "has_figures": any(figure for _, figure, _ in blocks),
        **_shared(request, "alternatives"),
    }
    response = render(request, "alternatives.html", context)
    # Measured costs change with the stages, not with the scores.
    response["Cache-Control"] = NOT_KEPT
    return response


@require_safe
@filtered
def alternatives_file(request: HttpRequest, ending: str) -> HttpResponseBase:
    found = alternatives_view.load(state.parse(request.GET, View.ALTERNATIVES))
    return _file(request, alternatives_export.sheet(found), "alternatives", "Alternatives", ending)


@require_safe
@filtered
@versioned
def compare(request: HttpRequest) -> HttpResponse:
    asked = comparison.names(request.GET.getlist("rows"))
    context = {"section": "leaderboard", "by": _by(request), **_shared(request, "compare")}
    if asked:
        found = _comparison(request)
        context |= {"found": found, "names": [comparison.name_of(row) for row in found.rows]}
    return render(request, "compare.html", context)


@require_safe
@filtered
@versioned
def compare_file(request: HttpRequest, ending: str) -> HttpResponseBase:
    return _file(request, comparison_export.sheet(_comparison(request)), "compare", "Comparison", ending)


def _comparison(request: HttpRequest) -> comparison.Comparison:
    query: QueryDict = request.GET.copy()
    asked = comparison.names(query.getlist("rows"))
    query.pop("rows", None)
    filters = state.parse(query, View.COMPARE)
    return comparison.load(filters, asked, by_language=_by(request) == "language")


def _by(request: HttpRequest) -> str:
    return state.one_of("by", request.GET.get("by", "task"), ("task", "language"))


def _shared(request: HttpRequest, name: str) -> dict[str, object]:
    query = request.GET.urlencode()
    return {
        "suites": state.SUITES,
        "language_sets": state.language_choices(),
        "narrowed": bool(request.GET),
        "files": [
            FileLink(
                reverse(f"{name}-file", args=[ending]) + (f"?{query}" if query else ""),
                one.title,
                one.content_type.partition(";")[0],
            )
            for ending, one in FORMATS.items()
        ],
    }


def _file(request: HttpRequest, sheet: Sheet, name: str, title: str, ending: str) -> HttpResponseBase:
    query = request.GET.urlencode()
    address = request.build_absolute_uri(reverse(name) + (f"?{query}" if query else ""))
    origin = Origin(title, address, timezone.now().date())
    content = {
        "csv": lambda: sheet_csv(sheet),
        "json": lambda: sheet_json(sheet, origin),
        "tex": lambda: sheet_latex(sheet, origin),
        "md": lambda: sheet_markdown(sheet, origin),
    }[ending]()
    return file_response(content, f"{name}.{ending}", FORMATS[ending].content_type)
