"""Snapshots of the board: the list, each with its tables and files, and what changed since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from leaderboard.exports import bulk, every_eval_ever
from leaderboard.exports.objects import Origin
from leaderboard.exports.tables import FORMATS
from leaderboard.models import Run, Snapshot
from leaderboard.models.snapshots import ADDRESS_DIGITS
from leaderboard.standings import changes, frozen
from leaderboard.standings.listing import ScoreLine, every_score
from leaderboard.views.exports import JSON_LINES

SHOWN_CHANGES = 200


@require_safe
def snapshots(request: HttpRequest) -> HttpResponse:
    found = Snapshot.objects.defer("content")
    return render(request, "snapshots.html", {"section": "snapshots", "snapshots": found})


@require_safe
def snapshot(request: HttpRequest, address: str) -> HttpResponse:
    """The snapshot's page with one of its tables: the first, or the one that `table` names."""
    found = find(address)
    titles = frozen.titles(frozen.lines(found.content))
    key = request.GET.get("table") or next(iter(titles), "")
    table = frozen.table(frozen.lines(found.content), key)
    if titles and table is None:
        raise Http404(f"The snapshot has no table '{key}'; it has {', '.join(titles)}.")
    context = {
        "section": "snapshots",
        "snapshot": found,
        "titles": titles,
        "table": table,
        "partial": table is not None and table.partial,
        "frozen": True,
        "address": request.build_absolute_uri(found.get_absolute_url()),
        "layouts": list(bulk.FORMATS),
        "formats": {ending: one.title for ending, one in FORMATS.items()},
        "others": Snapshot.objects.exclude(pk=found.pk).defer("content"),
    }
    return render(request, "snapshot.html", context)


@require_safe
def content(request: HttpRequest, address: str) -> HttpResponseBase:
    """All of it, line by line: the SHA-256 of this file is the snapshot's hash."""
    found = find(address)
    lines = (f"{line}\n" for line in frozen.lines(found.content))
    return _attached(lines, f"snapshot-{found.address}.jsonl", JSON_LINES)


@require_safe
def scores(request: HttpRequest, address: str, layout: str) -> HttpResponseBase:
    """All scores of a snapshot, as those of the board are offered."""
    found = find(address)
    blocks = bulk.started(bulk.kept(layout, _scores(found)))
    return _attached(blocks, f"scores-{found.address}.{layout}", bulk.FORMATS[layout][0])


@require_safe
def records(request: HttpRequest, address: str) -> HttpResponseBase:
    """All scores of a snapshot as records of Every Eval Ever; what it did not know yet is empty."""
    found = find(address)
    lines = (ScoreLine(**{name: score.get(name) for name in ScoreLine._fields}) for score in _scores(found))
    # A record is a run, and a snapshot has its scores in the order in which they came.
    by_run = sorted(lines, key=lambda line: line.run)
    blocks = bulk.started(bulk.json_lines(every_eval_ever.records(by_run)))
    return _attached(blocks, f"every_eval_ever-{found.address}.jsonl", JSON_LINES)


@require_safe
def table_file(request: HttpRequest, address: str, key: str, ending: str) -> HttpResponseBase:
    """A table of a snapshot as a file, in the formats of the pages."""
    found = find(address)
    table = frozen.table(frozen.lines(found.content), key)
    if table is None:
        raise Http404(f"The snapshot has no table '{key}'.")
    page = request.build_absolute_uri(f"{found.get_absolute_url()}?table={key}")
    origin = Origin(f"{table.title} ({found.name}, snapshot {found.hash})", page, found.created.date(), found.hash)
    written = FORMATS[ending]
    content = written.write(table.standings, origin, table.partial)
    return _attached(content, f"{key}-{found.address}.{ending}", written.content_type)


@require_safe
def since(request: HttpRequest, address: str) -> HttpResponse:
    """What changed from this snapshot to the one that `to` names, or to now."""
    before = find(address)
    after = find(request.GET["to"]) if request.GET.get("to") else None
    found = changes_of(before, after)
    runs = Run.objects.select_related("recipe").in_bulk([run.run for run in found])
    context = {
        "section": "snapshots",
        "before": before,
        "after": after,
        "found": [(run, runs.get(run.run), run.changes[:SHOWN_CHANGES]) for run in found],
        "shown": SHOWN_CHANGES,
        "counts": {name: sum(getattr(run, name) for run in found) for name in ("added", "removed", "changed")},
    }
    return render(request, "snapshot_changes.html", context)


def changes_of(before: Snapshot, after: Snapshot | None) -> list[changes.RunChanges]:
    """The changes between two snapshots, or between one and now."""
    later = (score._asdict() for score in every_score()) if after is None else _scores(after)
    return changes.between(_scores(before), later)


def find(address: str) -> Snapshot:
    """The snapshot whose hash begins so; Http404 where there is none."""
    found = Snapshot.objects.at(address).first() if len(address) >= ADDRESS_DIGITS else None
    if found is None:
        raise Http404(f"There is no snapshot '{address[:80]}'.")
    return found


def _scores(snapshot: Snapshot) -> Iterator[Mapping[str, Any]]:
    return frozen.scores(frozen.lines(snapshot.content))


def _attached(blocks: Iterator[str | bytes], name: str, kind: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(blocks, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
