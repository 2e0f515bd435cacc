"""Finding rows and cells in standings."""

from __future__ import annotations


def row_of(standings, title):
    return next(row for row in standings.rows if title in row.title)


def cell_of(standings, title, task):
    position = next(index for index, column in enumerate(standings.columns) if column.task == task)
    return row_of(standings, title).cells[position]
