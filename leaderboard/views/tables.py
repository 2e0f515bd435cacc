"""The pages that show standings, and the same standings as files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps

from csp.decorators import csp_update
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from leaderboard.exports import files
from leaderboard.figures import heatmap
from leaderboard.standings import filters as state
from leaderboard.standings.columns import METRIC_TITLES
from leaderboard.standings.filters import FilterError, Filters, View
from leaderboard.standings.query import load
from leaderboard.standings.table import Standings
from runner.tasks import registry
from runner.tasks.kinds import DataSplit, Role, TaskSpec

# Plotly sets inline styles on what it draws; no page without a chart allows them.
charts = csp_update({"style-src": ["'unsafe-inline'"]})

PageView = Callable[..., HttpResponseBase]


def filtered(view: PageView) -> PageView:
    """Answers a filter that is unknown with a page (or a line, for a file) that says what would be right."""

    @wraps(view)
    def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        try:
            return _without_empty(request) or view(request, *args, **kwargs)
        except FilterError as error:
            if request.path.endswith(".csv"):
                text = f"{error} {' '.join(error.suggestions)}\n"
                return HttpResponse(text, status=400, content_type="text/plain; charset=utf-8")
            context = {"message": str(error), "suggestions": error.suggestions, "path": request.path}
            return render(request, "bad_filter.html", context, status=400)

    return answer


def _without_empty(request: HttpRequest) -> HttpResponse | None:
    """A form without JavaScript sends its empty fields too: the address to share has none."""
    query = request.GET.copy()
    for name in [name for name, value in query.items() if not value]:
        del query[name]
    if len(query) == len(request.GET):
        return None
    return HttpResponseRedirect(f"{request.path}?{query.urlencode()}" if query else request.path)


@require_safe
@filtered
def leaderboard(request: HttpRequest) -> HttpResponse:
    filters = state.parse(request.GET, View.LEADERBOARD)
    standings = load(filters)
    context = {**_table_context(request, filters, standings, reverse("leaderboard-csv")), "section": "leaderboard"}
    return _with_alternate(render(request, "leaderboard.html", context), context["csv_url"])


@require_safe
@filtered
def leaderboard_csv(request: HttpRequest) -> HttpResponseBase:
    standings = load(state.parse(request.GET, View.LEADERBOARD))
    return _csv(files.standings_csv(standings, partial=False), "leaderboard")


@require_safe
@charts
@filtered
def transfer(request: HttpRequest) -> HttpResponse:
    filters = state.parse(request.GET, View.TRANSFER)
    standings = load(filters)
    context = {
        **_table_context(request, filters, standings, reverse("transfer-csv")),
        "section": "transfer",
        "partial": True,
        "figure": heatmap.transfer(standings) if standings.rows else None,
    }
    return _with_alternate(render(request, "transfer.html", context), context["csv_url"])


@require_safe
@filtered
def transfer_csv(request: HttpRequest) -> HttpResponseBase:
    standings = load(state.parse(request.GET, View.TRANSFER))
    return _csv(files.standings_csv(standings, partial=True), "transfer")


@require_safe
@charts
@filtered
def task(request: HttpRequest, slug: str) -> HttpResponse:
    spec = _task_or_404(slug)
    filters = state.parse(request.GET, View.TASK, task=slug)
    standings = load(filters)
    context = {
        **_table_context(request, filters, standings, reverse("task-csv", args=[slug])),
        "section": "tasks",
        "task": spec,
        "stands_in_for": registry.TASKS.get(spec.stands_in_for),
        "trained_on": registry.TASKS.get(spec.trained_on or ""),
        "splits": [(name, split, registry.revision_of(split)) for name, split in _data_of(spec)],
        "evaluated": spec.role not in (Role.INTERMEDIATE, Role.AUXILIARY),
        "mixture": [registry.TASKS[part] for part in spec.mixture],
        "metric": METRIC_TITLES.get(spec.headline, spec.headline),
        "orders": state.ORDERS,
        "figure": heatmap.languages(standings) if _has_differences(standings) else None,
    }
    return _with_alternate(render(request, "task.html", context), context["csv_url"])


@require_safe
@filtered
def task_csv(request: HttpRequest, slug: str) -> HttpResponseBase:
    spec = _task_or_404(slug)
    standings = load(state.parse(request.GET, View.TASK, task=spec.slug))
    return _csv(files.standings_csv(standings, partial=False), spec.slug)


def _data_of(spec: TaskSpec) -> Iterator[tuple[str, DataSplit]]:
    """The task's data by split, with the translation of its training data where there is one."""
    yield from spec.splits.items()
    if spec.translated:
        yield "train, translated", spec.translated


def _has_differences(standings: Standings) -> bool:
    return any(cell.difference for row in standings.rows for cell in row.cells)


def _task_or_404(slug: str) -> TaskSpec:
    if slug not in registry.TASKS:
        raise Http404(f"There is no task '{slug}'.")
    return registry.TASKS[slug]


def _table_context(request: HttpRequest, filters: Filters, standings: Standings, csv_path: str) -> dict[str, object]:
    query = request.GET.urlencode()
    return {
        "filters": filters,
        "standings": standings,
        "named_languages": state.NAMED_LANGUAGES,
        "csv_url": f"{csv_path}?{query}" if query else csv_path,
        "narrowed": bool(request.GET),
    }


def _with_alternate(response: HttpResponse, csv_url: str) -> HttpResponse:
    response["Link"] = f'<{csv_url}>; rel="alternate"; type="text/csv"'
    return response


def _csv(blocks: Iterator[str], name: str) -> StreamingHttpResponse:
    # The first block is made before the response is: what fails at the start fails as a page, not inside a file.
    first = next(blocks)
    response = StreamingHttpResponse(_chain(first, blocks), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest
