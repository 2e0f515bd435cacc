"""What a file says of a cell: the one place that CSV, JSON and LaTeX take it from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from leaderboard.standings.table import Cell, Column, Difference, Row, Standings

Values = dict[str, Any]


def of_row(row: Row) -> Values:
    """What holds for all cells of a row, by the names of the columns of a file (`exports.columns.VIEW`)."""
    return {
        "row": row.title,
        "origin": row.origin,
        "source": row.source,
        "source_status": row.source_status,
        "encoder": row.encoder,
        "method": row.method,
        "intermediate_tasks": "+".join(row.intermediate),
        "recipe": row.recipe,
        "variant": row.variant,
        "translation": row.translation,
        "rank": row.rank.place if row.rank else None,
        "rank_low": row.rank.low if row.rank else None,
        "rank_high": row.rank.high if row.rank else None,
        "tie_group": row.rank.group if row.rank else None,
    }


def of_view(standings: Standings) -> Values:
    """What holds for the whole view."""
    ranked_by = standings.ranking.column if standings.ranking else None
    return {"aggregate": standings.aggregate, "ranked_by": ranked_by}


def of_column(column: Column, origin: str) -> Values:
    """What holds for all cells of a column in rows of one origin: uploads have a protocol of their own."""
    label, fingerprint = column.protocol_of(origin)
    return {
        "column": column.key,
        "task": column.task,
        "split": column.split,
        "protocol": label,
        "protocol_fingerprint": fingerprint,
        "languages": "+".join(column.parts),
    }


def of_cell(cell: Cell, *, partial: bool) -> Values:
    """The numbers of a cell, in full precision; None where there is none."""
    difference = difference_of(cell, partial=partial)
    interval = difference.interval if difference else None
    return {
        "score": cell.value,
        "sd": cell.sd,
        "n": cell.n,
        "have": cell.have,
        "expected": cell.expected,
        "difference": difference.value if difference else None,
        "pairs": difference.pairs if difference else None,
        "difference_have": difference.have if difference else None,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "p": interval.p if interval else None,
    }


def difference_of(cell: Cell, *, partial: bool) -> Difference | None:
    """The difference that may be shown; with `partial`, as on the transfer map, those over some languages count."""
    return cell.difference if partial else cell.paired


def lines(standings: Standings, *, partial: bool) -> Iterator[Values]:
    """All values of each cell, row by row."""
    origins = {row.origin for row in standings.rows}
    columns = {origin: [of_column(column, origin) for column in standings.columns] for origin in origins}
    for row in standings.rows:
        of_this = of_row(row)
        for column, cell in zip(columns[row.origin], row.cells, strict=True):
            yield {**of_this, **column, **of_cell(cell, partial=partial), **of_view(standings)}
