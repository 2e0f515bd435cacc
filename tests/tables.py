"""Standings as an address asks for them, and finding rows and cells in them."""

from __future__ import annotations

from django.http import QueryDict

from leaderboard.standings.filters import View, parse
from leaderboard.standings.query import load


def view(query: str = "", task: str = ""):
    return load(parse(QueryDict(query), View.TASK if task else View.LEADERBOARD, task=task))


def text(response):
    return response.content.decode()


def row_of(standings, title):
    return next(row for row in standings.rows if title in row.title)


def cell_of(standings, title, task):
    position = next(index for index, column in enumerate(standings.columns) if column.task == task)
    return row_of(standings, title).cells[position]
