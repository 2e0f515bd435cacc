"""A view as a table in Markdown, as a page shows it: for issues, model cards and README files."""

from __future__ import annotations

from collections.abc import Iterator

from leaderboard.exports.objects import Origin
from leaderboard.standings import numbers
from leaderboard.standings.table import Cell, Column, Difference, Row, Standings


def standings_markdown(standings: Standings, origin: Origin, *, partial: bool) -> Iterator[str]:
    """Line by line, a row on each; a mean that is not complete shows its coverage, an unverified number its mark.

    `partial` as in the CSV: differences over a part of the languages count too.
    """
    heads = [
        escaped(" ".join(part for part in (column.title, _protocol(column)) if part)) for column in standings.columns
    ]
    yield "| " + " | ".join(["Row", "Source", *heads]) + " |\n"
    yield "| " + " | ".join(["---", "---", *("---:" for _ in heads)]) + " |\n"
    for row in standings.rows:
        yield _line(row, standings.show, partial=partial) + "\n"
    read = f"{origin.title}, {origin.address}, read on {origin.read.isoformat()}."
    for note in (standings.sentence, *standings.notes, read):
        yield f"\n{escaped(note)}\n"


def _protocol(column: Column) -> str:
    return f"({column.scoped_label})" if column.task else ""


def _line(row: Row, show: str, *, partial: bool) -> str:
    source = f"{row.source} ({row.source_status_label.lower()})" if row.source else row.origin_label
    cells = [_cell(cell, show, partial=partial) for cell in row.cells]
    return "| " + " | ".join([escaped(row.title), escaped(source), *cells]) + " |"


def _cell(cell: Cell, show: str, *, partial: bool) -> str:
    difference = cell.difference if partial else cell.paired
    if show == "difference":
        return _change(difference) if difference else ""
    if cell.value is None:
        return "" if cell.empty else cell.coverage
    spread = "" if cell.sd is None else f" ±{numbers.shown(cell.sd)}"
    mark = "" if cell.status != "unverified" else " (not verified)"
    return f"{numbers.shown(cell.value)}{spread}{mark}"


def _change(difference: Difference) -> str:
    text, interval = numbers.shown_difference(difference.value), difference.interval
    if interval is None:
        return text
    return f"{text} ({numbers.shown_difference(interval.low)} to {numbers.shown_difference(interval.high)})"


def escaped(text: str) -> str:
    """Text that stays one cell: no line break, no bar, nothing that Markdown or HTML would read."""
    plain = " ".join(text.split())
    for sign in ("\\", "|", "*", "_", "`", "[", "]", "<", ">"):
        plain = plain.replace(sign, f"\\{sign}")
    return plain
