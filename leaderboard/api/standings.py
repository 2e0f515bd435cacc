"""The tables of the pages as objects: the same filters, the same numbers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import create_model

from leaderboard.api.errors import READING
from leaderboard.api.fields import Line, Slug
from leaderboard.api.finding import found
from leaderboard.models import Language, Task
from leaderboard.standings import filters as state
from leaderboard.standings.filters import FilterError, View
from leaderboard.standings.query import load
from leaderboard.standings.table import Cell, Column, Difference, Row, Standings

router = Router(tags=["Standings"])


class ColumnOut(Schema):
    """A task under one protocol, or the overall; `parts` are what its mean is over: languages, or tasks.

    Uploaded rows in it have a protocol of their own, `upload_label` with its fingerprint; empty where there are none.
    """

    key: str
    title: str
    task: str
    split: str
    metric: str
    protocol: str
    protocol_fingerprint: str
    upload_label: str
    upload_fingerprint: str
    parts: list[str]


class IntervalOut(Schema):
    """95%, over seeds and test items; `decided` says whether it is told from no difference, given the whole table."""

    low: float
    high: float
    p: float
    decided: bool
    method: str


class DifferenceOut(Schema):
    """The paired difference to the plain baseline, in points: over `pairs` seeds and `have` of `expected` parts.

    `interval` is null where outcomes per item are missing.
    """

    value: float
    pairs: int
    have: int
    expected: int
    interval: IntervalOut | None


class CellOut(Schema):
    """The mean over seeds of the mean over parts, null unless all `expected` parts are there; `sd` over seeds."""

    column: str
    score: float | None
    sd: float | None
    n: int
    have: int
    expected: int
    difference: DifferenceOut | None


class RankOut(Schema):
    """Where a row stands by its score in `ranked_by`, with the 95% interval of its rank and its tie group."""

    place: int
    low: int
    high: int
    group: int


class RowOut(Schema):
    """A recipe over its seeds, or a system from outside."""

    key: str
    title: str
    origin: str
    source: str
    source_status: str
    encoder: str
    method: str
    intermediate_tasks: list[str]
    mlm: bool
    translation: str
    recipe: str
    runs: list[int]
    is_baseline: bool
    rank: RankOut | None
    cells: list[CellOut]


class StandingsOut(Schema):
    """One table: what it shows in a sentence, what a reader must know, its columns and the rows of one page.

    `ranked_by` is the column whose score ranks are of; empty where rows have none.
    """

    sentence: str
    notes: list[str]
    suite: str
    aggregate: str
    ranked_by: str
    page: int
    page_count: int
    row_count: int
    columns: list[ColumnOut]
    rows: list[RowOut]


def _query(view: View) -> Any:
    """The view's filters as the pages take them; what they may be is said by the refusal of what they may not."""
    fields: dict[str, Any] = dict.fromkeys(state.KNOWN[view], (Line, ""))
    return create_model(f"{view.value.title()}Filters", __base__=Schema, **fields)


LeaderboardFilters, TransferFilters, TaskFilters, LanguageFilters = map(
    _query, (View.LEADERBOARD, View.TRANSFER, View.TASK, View.LANGUAGE)
)


@router.get("/standings/leaderboard", response={200: StandingsOut, **READING}, operation_id="leaderboard")
def leaderboard(request: HttpRequest, filters: Query[LeaderboardFilters]) -> dict[str, Any]:
    """The leaderboard, filtered as its page is."""
    return _standings(request, View.LEADERBOARD)


@router.get("/standings/transfer", response={200: StandingsOut, **READING}, operation_id="transfer")
def transfer(request: HttpRequest, filters: Query[TransferFilters]) -> dict[str, Any]:
    """The transfer map; its differences may be over a part of the languages, as `have` says."""
    return _standings(request, View.TRANSFER)


@router.get("/standings/tasks/{slug}", response={200: StandingsOut, **READING}, operation_id="task_standings")
def task_standings(request: HttpRequest, slug: Slug, filters: Query[TaskFilters]) -> dict[str, Any]:
    """One task with a column for each language."""
    return _standings(request, View.TASK, task=found(Task.objects.all(), "task", slug).slug)


@router.get("/standings/languages/{slug}", response={200: StandingsOut, **READING}, operation_id="language_standings")
def language_standings(request: HttpRequest, slug: Slug, filters: Query[LanguageFilters]) -> dict[str, Any]:
    """One language with a column for each task."""
    return _standings(request, View.LANGUAGE, language=found(Language.objects.all(), "language", slug).code)


def _standings(request: HttpRequest, view: View, **narrowed: str) -> dict[str, Any]:
    if "\0" in "".join(request.GET.values()):
        raise FilterError("A filter has a zero byte in it.")
    standings = load(state.parse(request.GET, view, **narrowed), ranked=True)
    return as_object(standings, partial=view is View.TRANSFER)


def as_object(standings: Standings, *, partial: bool) -> dict[str, Any]:
    """The standings as `StandingsOut`; with `partial`, differences over some of the parts count too."""
    return {
        "sentence": standings.sentence,
        "notes": list(standings.notes),
        "suite": standings.suite,
        "aggregate": standings.aggregate,
        "ranked_by": standings.ranking.column if standings.ranking else "",
        "page": standings.pages.number,
        "page_count": standings.pages.count,
        "row_count": standings.pages.total,
        "columns": [_column(column) for column in standings.columns],
        "rows": [_row(row, standings.columns, partial=partial) for row in standings.rows],
    }


def _column(column: Column) -> dict[str, Any]:
    names = ("key", "title", "task", "split", "metric", "protocol_fingerprint", "upload_label", "upload_fingerprint")
    fields = {name: getattr(column, name) for name in names}
    return {**fields, "protocol": column.protocol_label, "parts": list(column.parts)}


def _row(row: Row, columns: tuple[Column, ...], *, partial: bool) -> dict[str, Any]:
    names = ("key", "title", "origin", "source", "source_status", "encoder", "method", "mlm", "translation", "recipe")
    return {
        **{name: getattr(row, name) for name in names},
        "intermediate_tasks": list(row.intermediate),
        "runs": [link.pk for link in row.runs],
        "is_baseline": row.is_baseline,
        "rank": row.rank and asdict(row.rank),
        "cells": [_cell(column.key, cell, partial=partial) for column, cell in zip(columns, row.cells, strict=True)],
    }


def _cell(column: str, cell: Cell, *, partial: bool) -> dict[str, Any]:
    difference = cell.difference if partial else cell.paired
    names = ("sd", "n", "have", "expected")
    fields = {name: getattr(cell, name) for name in names}
    return {"column": column, "score": cell.value, **fields, "difference": difference and _difference(difference)}


def _difference(difference: Difference) -> dict[str, Any]:
    fields = {name: getattr(difference, name) for name in ("value", "pairs", "have", "expected")}
    return {**fields, "interval": difference.interval and asdict(difference.interval)}
