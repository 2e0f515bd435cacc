"""Intervals of a table's differences, and of its ranks: where the evaluations behind them kept their items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from leaderboard.standings import ranks, uncertainty
from leaderboard.standings.cells import Cells
from leaderboard.standings.filters import Aggregate
from leaderboard.standings.records import Entry
from leaderboard.standings.statistics.significance import benjamini_hochberg
from leaderboard.standings.table import OVERALL, Cell, Column, Interval, Rank, Ranking
from leaderboard.standings.uncertainty import Asked, Part

# The share of differences called decided that may be chance, over all cells of a view.
FALSE_DISCOVERIES = 0.05
# Intervals and ranks are of means: a worst language and a win rate have none.
MEANS = (Aggregate.OFFICIAL, Aggregate.WITHOUT_ENGLISH)


def artifacts(cells: Cells) -> dict[int, str]:
    """The items of everything that the cells are made of; one query, or none."""
    stages = {stage for measured in cells.scores.values() for stage in measured.evaluations}
    return uncertainty.artifacts_of(stages) if stages and cells.how in MEANS else {}


def with_intervals(
    table: Sequence[tuple[Cell, ...]],
    entries: Sequence[Entry],
    columns: Sequence[Column],
    cells: Cells,
    items: Mapping[int, str],
) -> list[tuple[Cell, ...]]:
    """The cells, each complete difference with its interval where there is one. One query, or none.

    A difference is decided where its p value, adjusted for all that the table shows (Benjamini and Hochberg 1995), is
    below 5%.
    """
    if cells.how not in MEANS:
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
    for (number, position), interval in zip(places, intervals(asked, items), strict=True):
        if interval:
            rows[number][position] = rows[number][position].with_interval(interval)
    return [tuple(row) for row in rows]


def intervals(asked: Sequence[Asked], items: Mapping[int, str] | None = None) -> list[Interval | None]:
    """The interval of each difference that one table shows, None where there is none; decided as said above."""
    found = [one.interval for one in uncertainty.of(asked, artifacts=items)]
    adjusted = iter(benjamini_hochberg([interval.p for interval in found if interval]))
    return [
        Interval(one.low, one.high, one.p, bool(next(adjusted) < FALSE_DISCOVERIES), one.method, one.detectable)
        if one
        else None
        for one in found
    ]


def ranking(
    entries: Sequence[Entry], column: Column, cells: Cells, items: Mapping[int, str]
) -> tuple[Ranking | None, dict[str, Rank]]:
    """What `entries`, which are all of the view, are ranked by, and their ranks by their keys.

    By their score in `column`. One query, or none.
    """
    rankable = [entry for entry in entries if cells.cell(entry, column, paired=False).may_rank]
    found = ranks.ranked([_parts(entry, column, cells) for entry in rankable], items)
    if found.too_many:
        told = f"No ranks: {found.too_many} evaluations would have to be read for these filters; fewer rows have ranks."
        return Ranking(column.key, column.title, told=told), {}
    if not found.ranks:
        return None, {}
    by_row = {rankable[place].key: Rank(*one) for place, one in found.ranks.items()}
    told = _told(column, len(by_row), len(entries) - len(by_row), seeds=found.seeds)
    return Ranking(column.key, column.title, len(by_row), told), by_row


def ranked_by(columns: Sequence[Column], sort: str, cells: Cells) -> Column | None:
    """The column that rows are ranked by: the one they are sorted by, else the overall one, if all its tasks are there.

    None where there is no such mean.
    """
    there = {column.key: column for column in columns}
    column = there.get(sort.removeprefix("-")) or there.get(OVERALL)
    if column is None or cells.how not in MEANS:
        return None
    return None if column.key == OVERALL and len(cells.overall) < len(column.parts) else column


def _told(column: Column, rows: int, without: int, *, seeds: bool) -> str:
    over = "seeds and test items" if seeds else "test items alone, as no row has two seeds"
    counted = f"the {rows} rows that have it and kept their items"
    left_out = f"; the {without} without have none" if without > 1 else "; the one without has none" if without else ""
    told = f"Ranks are by {column.title}, with 95% intervals over {over}, among {counted}{left_out}."
    return f"{told} Rows of a tie group cannot be told from its first."


def _parts(entry: Entry, column: Column, cells: Cells) -> ranks.Parts:
    columns = cells.overall.values() if column.key == OVERALL else [column]
    return [(cells.scores[entry.key, one.protocol], one.parts) for one in columns]


def _asked(entry: Entry, column: Column, cells: Cells) -> Asked | None:
    """What the interval of a cell is computed from; None where a side has no evaluation of its own."""
    base = cells.baseline_of[entry.key]
    columns = cells.overall.values() if column.key == OVERALL else [column]
    parts = tuple(
        Part(cells.scores[entry.key, one.protocol], cells.scores[base.key, one.protocol], one.parts) for one in columns
    )
    known = all(side.evaluations for part in parts for side in (part.mine, part.base))
    return Asked(parts) if known else None
