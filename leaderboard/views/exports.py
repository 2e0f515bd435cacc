"""Everything at once as files: all scores, and the files of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from leaderboard.exports import archives, bulk, every_eval_ever, headers
from leaderboard.models import Run
from leaderboard.standings.artifacts import FileGone, StoredFile, items_of, predictions_of, upload_of
from leaderboard.standings.listing import every_score
from leaderboard.views.sources import asks_for_unverified

Found = TypeVar("Found")


@require_safe
def scores(request: HttpRequest, layout: str) -> HttpResponseBase:
    """All scores, streamed; `?unverified=show` adds what nobody has verified."""
    if layout not in bulk.FORMATS:
        raise Http404(f"Scores come as {', '.join(bulk.FORMATS)}; found '{layout}'.")
    content_type, written = bulk.FORMATS[layout]
    return _attached(written(unverified=asks_for_unverified(request)), f"scores.{layout}", content_type, headers.SCORES)


@require_safe
def every_eval_ever_records(request: HttpRequest) -> HttpResponseBase:
    """All scores in the schema of Every Eval Ever, one record (a run) a line."""
    found = every_score(unverified=asks_for_unverified(request), by_run=True)
    return _attached(bulk.started(bulk.json_lines(every_eval_ever.records(found))), "every_eval_ever.jsonl", JSON_LINES)


@require_safe
def run_every_eval_ever(request: HttpRequest, pk: int) -> HttpResponse:
    """The record of one run."""
    get_object_or_404(Run, pk=pk)
    found = every_score(unverified=asks_for_unverified(request), run=pk, by_run=True)
    written = b"".join(bulk.json_lines(every_eval_ever.records(found)))
    if not written:
        raise Http404("The run has no scores to show.")
    response = HttpResponse(written, content_type="application/json; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="run-{pk}.every_eval_ever.json"'
    return response


@require_safe
def dictionary(request: HttpRequest) -> HttpResponseBase:
    """The header file: every column of every file with unit and meaning."""
    blocks = (block.encode() for block in headers.dictionary_csv())
    return _attached(blocks, "columns.csv", "text/csv; charset=utf-8", headers.DICTIONARY)


@require_safe
def run_predictions(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A run's predictions in XTREME's submission layout."""
    return _archive(pk, "predictions")


@require_safe
def run_items(request: HttpRequest, pk: int) -> HttpResponseBase:
    """What happened to every item that a run was evaluated on, as Parquet."""
    return _archive(pk, "items")


@require_safe
def run_item_lines(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The same as lines of JSON."""
    _, files = _run_with_files(pk, "items")
    if not files:
        raise Http404("The run has no items.")
    return _attached(bulk.items_json(files), f"run-{pk}-items.jsonl", JSON_LINES)


JSON_LINES = "application/jsonl; charset=utf-8"
FILES = {"predictions": predictions_of, "items": items_of}


def _archive(pk: int, kind: str) -> HttpResponseBase:
    run, files = _run_with_files(pk, kind)
    if not files and kind == "predictions" and (upload := _there(lambda: upload_of(pk))):
        # As it was sent, which is in that layout.
        return FileResponse(upload.path.open("rb"), as_attachment=True, filename=f"run-{pk}-predictions.zip")
    if not files:
        raise Http404(f"The run has no {kind}.")
    about = {"run": pk, "title": str(run), "recipe": run.recipe.fingerprint if run.recipe else None, "seed": run.seed}
    return _attached(archives.zipped(files, about), f"run-{pk}-{kind}.zip", "application/zip")


def _run_with_files(pk: int, kind: str) -> tuple[Run, tuple[StoredFile, ...]]:
    run = get_object_or_404(Run.objects.select_related("recipe"), pk=pk)
    return run, _there(lambda: FILES[kind](pk))


def _there(find: Callable[[], Found]) -> Found:
    """What `find` finds; a file that is gone is not found."""
    try:
        return find()
    except FileGone as error:
        raise Http404(str(error)) from error


def _attached(
    blocks: Iterator[bytes], name: str, content_type: str, header: headers.Header | None = None
) -> StreamingHttpResponse:
    response = StreamingHttpResponse(blocks, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    if header:
        response["X-Header-Version"] = f"{header.name} {header.version}"
    return response
