"""The pages that show standings, and the same standings as files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
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
from django.utils import timezone
from django.views.decorators.http import require_safe

from leaderboard.addresses import of_languages
from leaderboard.exports.headers import VIEW as VIEW_HEADER
from leaderboard.exports.latex import bibtex
from leaderboard.exports.objects import Origin
from leaderboard.exports.tables import FORMATS
from leaderboard.figures import dots, heatmap
from leaderboard.models import Run
from leaderboard.standings import filters as state
from leaderboard.standings.columns import METRIC_TITLES
from leaderboard.standings.filters import FilterError, Filters, View
from leaderboard.standings.query import load
from leaderboard.standings.records import studied_suites
from leaderboard.standings.table import Standings
from leaderboard.views.caching import NOT_KEPT, versioned
from runner.tasks import registry
from runner.tasks.kinds import DataSplit, Role, Suite, TaskSpec
from runner.tasks.languages import LANGUAGES, Language

# Plotly sets inline styles on what it draws; no page without a chart allows them.
charts = csp_update({"style-src": ["'unsafe-inline'"]})

# What need not be said.
USUAL = {"aggregate": "official", "page": "1"}

PageView = Callable[..., HttpResponseBase]


def filtered(view: PageView) -> PageView:
    """Answers a filter that is unknown with a page (or a line, for a file) that says what would be right."""

    @wraps(view)
    def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        try:
            return _without_empty(request) or view(request, *args, **kwargs)
        except FilterError as error:
            if not request.path.endswith("/"):
                text = f"{error} {' '.join(error.suggestions)}\n"
                return HttpResponse(text, status=400, content_type="text/plain; charset=utf-8")
            context = {"message": str(error), "suggestions": error.suggestions, "path": request.path}
            return render(request, "bad_filter.html", context, status=400)

    return answer


def _without_empty(request: HttpRequest) -> HttpResponse | None:
    """A form without JavaScript sends its empty and untouched fields too: the address to share has none of them."""
    query = request.GET.copy()
    for name in [name for name, value in query.items() if value in ("", USUAL.get(name))]:
        del query[name]
    if len(query) == len(request.GET):
        return None
    return HttpResponseRedirect(f"{request.path}?{query.urlencode()}" if query else request.path)


@dataclass(frozen=True)
class Table:
    """A page with a table: its view, the name of its address, and whether differences over some languages count."""

    view: View
    name: str
    title: str
    partial: bool = False


LEADERBOARD = Table(View.LEADERBOARD, "leaderboard", "Leaderboard")
TRANSFER = Table(View.TRANSFER, "transfer", "Transfer map", partial=True)
TASK = Table(View.TASK, "task", "Task")
LANGUAGE = Table(View.LANGUAGE, "language", "Language")
TABLES = {table.name: table for table in (LEADERBOARD, TRANSFER, TASK, LANGUAGE)}
BARS = {
    "score": "the standard deviation over seeds, where there are several.",
    "difference": "95% intervals over seeds and test items, where items were kept.",
}
SIZES = {code: row.cc100_gib for code, row in LANGUAGES.items()}
LOW_RESOURCE = {"low-class": "by class", "low-size": "by size"}


@require_safe
@filtered
@versioned
def leaderboard(request: HttpRequest) -> HttpResponse:
    filters = state.parse(request.GET, View.LEADERBOARD)
    standings = load(filters, settled=True)
    ran_here = any(row.origin == Run.Origin.LOCAL for row in standings.rows)
    if "suite" not in request.GET and not ran_here and (suite := only_suite(studied_suites())):
        return HttpResponseRedirect(f"{request.path}?{_changed(request, suite=suite)}")
    context = _table_context(request, LEADERBOARD, filters, standings)
    response = render(request, "leaderboard.html", {**context, "section": "leaderboard", "can_compare": True})
    if filters.suite == Suite.POCKET.value:
        # Its welcome tells how far the pocket study is, which is no score.
        response["Cache-Control"] = NOT_KEPT
    return _with_alternates(response, context)


@require_safe
@filtered
@versioned
def ranks(request: HttpRequest) -> HttpResponse:
    """The ranks of a leaderboard's page, to stand in it: of many rows they take longer than the table may."""
    standings = load(state.parse(request.GET, View.LEADERBOARD), settled=True, ranked=True)
    return render(request, "_ranks.html", {"standings": standings})


@require_safe
@charts
@filtered
@versioned
def transfer(request: HttpRequest) -> HttpResponse:
    filters = state.parse(request.GET, View.TRANSFER)
    standings = load(filters, settled=True)
    context = {
        **_table_context(request, TRANSFER, filters, standings),
        "section": "transfer",
        "figure": heatmap.transfer(standings, of_languages) if standings.rows else None,
    }
    return _with_alternates(render(request, "transfer.html", context), context)


@require_safe
@charts
@filtered
@versioned
def task(request: HttpRequest, slug: str) -> HttpResponse:
    spec = _task_or_404(slug)
    filters = state.parse(request.GET, View.TASK, task=slug)
    standings = load(filters, settled=True)
    context = {
        **_table_context(request, TASK, filters, standings, slug),
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
        "dots": dots.by_language(standings) if standings.rows else None,
        "sizes": dots.against_size(standings, SIZES) if standings.rows else None,
        "dots_text": f"Bars: {BARS[standings.show]} {dots.drawn_of(standings)}".strip(),
        "sizes_text": f"Each dot is a language. {dots.drawn_of(standings, dots.MOST_LABELLED)}".strip(),
    }
    return _with_alternates(render(request, "task.html", context), context)


@require_safe
@filtered
@versioned
def language(request: HttpRequest, slug: str) -> HttpResponse:
    spec = _language_or_404(slug)
    filters = state.parse(request.GET, View.LANGUAGE, language=slug)
    context = {
        **_table_context(request, LANGUAGE, filters, load(filters, settled=True), slug),
        "section": "languages",
        "language": spec,
        "tasks": [task for task in registry.tasks(Role.TARGET) if slug in task.languages],
        "low": [title for name, title in LOW_RESOURCE.items() if slug in state.language_set(name)],
    }
    return _with_alternates(render(request, "language.html", context), context)


@require_safe
@filtered
@versioned
def file(request: HttpRequest, table: str, ending: str, slug: str = "") -> HttpResponseBase:
    """The table of a page as a file: all its rows, whatever page of them is looked at."""
    described = TABLES[table]
    title = _title(described, slug)
    filters = state.parse(request.GET, described.view, **_narrowed_to(described, slug))
    standings = load(filters, whole=True, settled=True)
    origin = Origin(title, request.build_absolute_uri(_page_address(request, table, slug)), timezone.now().date())
    written = FORMATS[ending]
    content = written.write(standings, origin, described.partial)
    response = file_response(content, f"{slug or table}.{ending}", written.content_type)
    if ending == "csv":
        response["X-Header-Version"] = f"{VIEW_HEADER.name} {VIEW_HEADER.version}"
    return response


def only_suite(studied: Collection[str]) -> str:
    """The suite to go to where none is asked for: another than XTREME, if that alone was studied here."""
    return "" if Suite.XTREME.value in studied else next((suite for suite in state.SUITES if suite in studied), "")


def _page_address(request: HttpRequest, table: str, slug: str) -> str:
    query = request.GET.urlencode()
    path = reverse(table, args=[slug] if slug else [])
    return f"{path}?{query}" if query else path


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


def _language_or_404(code: str) -> Language:
    if code not in LANGUAGES:
        raise Http404(f"There is no language '{code}'.")
    return LANGUAGES[code]


def _title(table: Table, slug: str) -> str:
    if table is LANGUAGE:
        return _language_or_404(slug).name
    return _task_or_404(slug).title if slug else table.title


def _narrowed_to(table: Table, slug: str) -> dict[str, str]:
    return {table.name: slug} if slug else {}


def _table_context(
    request: HttpRequest, table: Table, filters: Filters, standings: Standings, slug: str = ""
) -> dict[str, object]:
    return {
        "filters": filters,
        "standings": standings,
        "language_choices": state.language_choices(),
        "narrowed": bool(request.GET),
        "active": _active(request),
        "more_open": any(request.GET.get(name) for name in MORE),
        "citation": _citation(request, table, slug, standings),
        "partial": table.partial,
        "files": [
            FileLink(_file_address(request, table.name, ending, slug), one.title, one.content_type.partition(";")[0])
            for ending, one in FORMATS.items()
        ],
    }


# Filters that are out of the way until one of them is used; what is no narrowing is no chip.
MORE = ("aggregate", "variant", "origin", "source", "study", "unverified")
NO_CHIP = ("sort", "show", "page", "order", "suite")


@dataclass(frozen=True)
class Active:
    """A filter that is on, with the address of the view without it."""

    name: str
    value: str
    without: str


def _active(request: HttpRequest) -> list[Active]:
    return [
        Active(name, value, f"{request.path}?{_changed(request, **{name: None, 'page': None})}")
        for name, value in request.GET.items()
        if name not in NO_CHIP
    ]


@dataclass(frozen=True)
class Citation:
    """How a view is shared and cited."""

    address: str
    bibtex: str


def _citation(request: HttpRequest, table: Table, slug: str, standings: Standings) -> Citation:
    title = _title(table, slug)
    address = request.build_absolute_uri()
    read = timezone.now().date()
    return Citation(address, bibtex(title, address, standings.sentence, read))


@dataclass(frozen=True)
class FileLink:
    """A file of the table that a page shows."""

    url: str
    title: str
    kind: str


def _file_address(request: HttpRequest, table: str, ending: str, slug: str) -> str:
    """The address of the file of this view; it has all rows, so it names no page."""
    query = _changed(request, page=None)
    path = reverse(f"{table}-file", kwargs={"ending": ending, **({"slug": slug} if slug else {})})
    return f"{path}?{query}" if query else path


def _changed(request: HttpRequest, **values: str | None) -> str:
    query = request.GET.copy()
    for name, value in values.items():
        query.pop(name, None)
        if value is not None:
            query[name] = value
    return query.urlencode()


def _with_alternates(response: HttpResponse, context: dict[str, Sequence[FileLink]]) -> HttpResponse:
    response["Link"] = ", ".join(f'<{link.url}>; rel="alternate"; type="{link.kind}"' for link in context["files"])
    return response


def file_response(blocks: Iterator[str], name: str, kind: str) -> StreamingHttpResponse:
    # The first block is made before the response is: what fails at the start fails as a page, not inside a file.
    first = next(blocks)
    response = StreamingHttpResponse(_chain(first, blocks), content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest
