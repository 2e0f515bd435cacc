"""Standings and scores as CSV, line by line."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from leaderboard.exports.columns import SCORES, VIEW, ExportColumn
from leaderboard.standings.listing import ScoreLine
from leaderboard.standings.table import Cell, Column, Row, Standings

# A spreadsheet runs text that begins like this as a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
LINES_A_BLOCK = 1000


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def safe(value: Any) -> Any:
    """`value` as it may stand in a cell: text that would be run as a formula gets a leading apostrophe."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


def lines(columns: Sequence[ExportColumn], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The file in blocks of lines, the header first; numbers in full precision."""
    writer = csv.writer(_Echo(), lineterminator="\r\n")
    yield writer.writerow([column.name for column in columns])
    written = (writer.writerow([safe(value) for value in row]) for row in rows)
    while block := "".join(islice(written, LINES_A_BLOCK)):
        yield block


def scores_csv(scores: Iterable[ScoreLine]) -> Iterator[str]:
    return lines(SCORES, scores)


def standings_csv(standings: Standings, *, partial: bool) -> Iterator[str]:
    """One line for each cell of the page, row by row; `partial` as in `_cell_values`."""
    return lines(
        VIEW,
        (
            _line(row, column, cell, partial=partial)
            for row in standings.rows
            for column, cell in zip(standings.columns, row.cells, strict=True)
        ),
    )


def _line(row: Row, column: Column, cell: Cell, *, partial: bool) -> tuple[Any, ...]:
    return (
        row.title,
        row.origin,
        row.source,
        row.source_status,
        row.encoder,
        row.method,
        "+".join(row.intermediate),
        row.recipe,
        column.key,
        column.task,
        column.split,
        column.protocol_label,
        column.protocol_fingerprint,
        "+".join(column.parts),
        *_cell_values(cell, partial=partial),
        row.variant,
        row.translation,
    )


def _cell_values(cell: Cell, *, partial: bool) -> tuple[Any, ...]:
    """The numbers of a cell; with `partial`, as on the transfer map, differences over some languages count too."""
    difference = cell.difference if partial else cell.paired
    return (
        _number(cell.value),
        _number(cell.sd),
        cell.n,
        cell.have,
        cell.expected,
        _number(difference.value if difference else None),
        difference.pairs if difference else "",
        difference.have if difference else "",
    )


def _number(value: float | None) -> float | str:
    return "" if value is None else value
