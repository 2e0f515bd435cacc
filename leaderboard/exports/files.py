"""Standings and scores as CSV, line by line."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from leaderboard.exports import values
from leaderboard.exports.columns import SCORES, VIEW, ExportColumn
from leaderboard.standings.listing import ScoreLine
from leaderboard.standings.table import Standings

# A spreadsheet runs text that begins like this as a formula; where full-width signs are typed, with those too (OWASP,
# CSV injection).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
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
    """One line for each cell of the view, row by row; `partial` as in `values.of_cell`."""
    names = [column.name for column in VIEW]
    found = values.lines(standings, partial=partial)
    return lines(VIEW, (["" if line[name] is None else line[name] for name in names] for line in found))
