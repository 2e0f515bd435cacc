"""Intervals of the differences of a table, where both sides kept what happened to their items."""

from __future__ import annotations

from collections.abc import Sequence

from leaderboard.standings import uncertainty
from leaderboard.standings.cells import Cells
from leaderboard.standings.filters import Aggregate
from leaderboard.standings.records import Entry
from leaderboard.standings.statistics.significance import benjamini_hochberg
from leaderboard.standings.table import OVERALL, Cell, Column, Interval
from leaderboard.standings.uncertainty import Asked, Part

# The share of differences called decided that may be chance, over all cells of a view.
FALSE_DISCOVERIES = 0.05


def with_intervals(
    table: Sequence[tuple[Cell, ...]], entries: Sequence[Entry], columns: Sequence[Column], cells: Cells
) -> list[tuple[Cell, ...]]:
    """The cells, each complete difference with its interval where there is one. Two queries, or none.

    A difference is decided where its p value, adjusted for all that the table shows (Benjamini and Hochberg 1995), is
    below 5%. Intervals are of means: there are none of a worst language or a win rate.
    """
    if cells.how not in (Aggregate.OFFICIAL, Aggregate.WITHOUT_ENGLISH):
        return list(table)
    places, asked = [], []
    for number, (entry, row) in enumerate(zip(entries, table, strict=True)):
        for position, (column, cell) in enumerate(zip(columns, row, strict=True)):
            if cell.paired and (one := _asked(entry, column, cells)):
                places.append((number, position))
                asked.append(one)
    if not asked:
        return list(table)
    rows = [list(row) for row in table]
    for (number, position), interval in zip(places, intervals(asked), strict=True):
        if interval:
            rows[number][position] = rows[number][position].with_interval(interval)
    return [tuple(row) for row in rows]


def intervals(asked: Sequence[Asked]) -> list[Interval | None]:
    """The interval of each difference that one table shows, None where there is none; decided as said above."""
    found = [one.interval for one in uncertainty.of(asked)]
    adjusted = iter(benjamini_hochberg([interval.p for interval in found if interval]))
    return [
        Interval(one.low, one.high, one.p, bool(next(adjusted) < FALSE_DISCOVERIES), one.method) if one else None
        for one in found
    ]


def _asked(entry: Entry, column: Column, cells: Cells) -> Asked | None:
    """What the interval of a cell is computed from; None where a side has no evaluation of its own."""
    base = cells.baseline_of[entry.key]
    columns = cells.overall.values() if column.key == OVERALL else [column]
    parts = tuple(
        Part(cells.scores[entry.key, one.protocol], cells.scores[base.key, one.protocol], one.parts) for one in columns
    )
    known = all(side.evaluations for part in parts for side in (part.mine, part.base))
    return Asked(parts) if known else None
