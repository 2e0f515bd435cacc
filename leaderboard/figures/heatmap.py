"""The transfer map: intermediate task x target task, as a figure for plotly.js. Pure: standings in, dict out."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from leaderboard.figures.colours import DIVERGING, SEQUENTIAL
from leaderboard.standings.numbers import shown, shown_difference
from leaderboard.standings.table import OVERALL, Cell, Column, Row, Standings

# In pixels.
ROW_HEIGHT = 44
# Three lines of a label need more than a row's usual height.
LABEL_LINE_HEIGHT = 17
HEAD_HEIGHT = 190
LABEL_WIDTH = 190
COLUMN_WIDTH = 38
# Heads stand aslant: a further line of theirs would cover the next column's without so much more room.
FURTHER_LINE_WIDTH = 26
# In characters, of labels.
LINE_LENGTH = 26
# A scale that never shrinks to the noise: one point of difference is not painted in the fullest colour.
LEAST_RANGE = 2.0


Link = Callable[[Row, Column], str]


def transfer(standings: Standings, link: Link | None = None) -> dict[str, Any]:
    """The heatmap of paired differences to the baseline, or of scores where the view shows these.

    Cells without a value stay empty. A difference over a part of the languages carries an asterisk; one that is not
    significant is hollow. `link` gives the address that a cell leads to.
    """
    positions = [index for index, column in enumerate(standings.columns) if column.key != OVERALL]
    heads = [_wrapped(column.title, *([column.scoped_label] if column.task else [])) for column in standings.columns]
    figure = _map(standings, standings.rows, positions, heads, differences=standings.show == "difference")
    if link:
        figure["layout"]["meta"]["links"] = [
            [link(row, standings.columns[index]) for index in positions] for row in standings.rows
        ]
    return figure


def languages(standings: Standings) -> dict[str, Any]:
    """A task's differences to the baseline by language, for the rows that have any; languages as in the table."""
    rows = [row for row in standings.rows if any(cell.difference for cell in row.cells)]
    positions = [index for index, column in enumerate(standings.columns) if column.key in column.parts]
    heads = [column.title for column in standings.columns]
    return _map(standings, rows, positions, heads, differences=True)


def _map(
    standings: Standings,
    shown_rows: Sequence[Row],
    positions: Sequence[int],
    heads: Sequence[str],
    *,
    differences: bool,
) -> dict[str, Any]:
    columns = [standings.columns[index] for index in positions]
    rows = [[row.cells[index] for index in positions] for row in shown_rows]
    number = _difference if differences else _score
    values = [[number(cell) for cell in row] for row in rows]
    hollow = [
        (line, place)
        for line, row in enumerate(rows)
        for place, cell in enumerate(row)
        if differences and cell.difference and cell.difference.undecided
    ]
    # A list of languages stays with the word before it.
    labels = [_wrapped(row.label.replace(": ", ":\N{NO-BREAK SPACE}")) for row in shown_rows]
    lines = max((label.count("<br>") + 1 for label in labels), default=1)
    further_lines = max((heads[index].count("<br>") for index in positions), default=0)
    width = COLUMN_WIDTH + FURTHER_LINE_WIDTH * further_lines
    trace = {
        "type": "heatmap",
        # Keys, not titles, are the categories: two protocols of a task may have the same words for a head, and
        # plotly would draw both into one column.
        "x": [column.key for column in columns],
        "y": [row.key for row in shown_rows],
        # A hollow cell has its number and an outline on the colour of zero; without any value plotly prints no number.
        "z": [
            [0.0 if (line, place) in set(hollow) else value for place, value in enumerate(row)]
            for line, row in enumerate(values)
        ],
        "text": [[_text(cell, differences=differences) for cell in row] for row in rows],
        "customdata": [
            [_hover(row.label, heads[index], row.cells[index], standings.columns[index]) for index in positions]
            for row in shown_rows
        ],
        "texttemplate": "%{text}",
        "hovertemplate": "%{customdata}<extra></extra>",
        "hoverongaps": False,
        "xgap": 2,
        "ygap": 2,
        "colorbar": {"title": {"text": "points" if differences else "score"}, "thickness": 12, "outlinewidth": 0},
        **(_around_zero(values) if differences else {"zmin": 0, "zmax": 100}),
    }
    ticks = {"automargin": True, "fixedrange": True, "showgrid": False, "type": "category", "ticks": ""}
    return {
        "data": [trace],
        "layout": {
            "height": HEAD_HEIGHT + max(ROW_HEIGHT, LABEL_LINE_HEIGHT * lines) * len(shown_rows),
            "margin": {"l": 10, "r": 10, "t": 10, "b": 10},
            "xaxis": {
                **ticks,
                "side": "top",
                "tickangle": -40,
                "tickvals": [column.key for column in columns],
                "ticktext": [heads[index] for index in positions],
            },
            "yaxis": {
                **ticks,
                "autorange": "reversed",
                "tickvals": [row.key for row in shown_rows],
                "ticktext": labels,
            },
            "shapes": [_outline(line, place, values[line][place]) for line, place in hollow],
            "meta": {
                "colorscale": DIVERGING if differences else SEQUENTIAL,
                "name": "differences" if differences else "scores",
                "least_width": LABEL_WIDTH + width * len(columns),
            },
        },
    }


def _outline(line: int, place: int, value: float) -> dict[str, Any]:
    """The frame of a hollow cell, in places of the axes; charts.js gives it the colour of its sign."""
    return {
        "type": "rect",
        "x0": place - 0.42,
        "x1": place + 0.42,
        "y0": line - 0.4,
        "y1": line + 0.4,
        "name": "gain" if value > 0 else "loss",
        "line": {"width": 1.5, "dash": "dot"},
    }


def _wrapped(*texts: str) -> str:
    """The texts in lines of at most about LINE_LENGTH characters, as plotly breaks them."""
    return "<br>".join(line for text in texts for line in textwrap.wrap(escape(text), LINE_LENGTH))


def _difference(cell: Cell) -> float | None:
    return cell.difference.value if cell.difference else None


def _score(cell: Cell) -> float | None:
    return cell.value


def _around_zero(values: list[list[float | None]]) -> dict[str, float]:
    """A range with zero exactly in its middle."""
    largest = max((abs(value) for row in values for value in row if value is not None), default=0)
    reach = max(largest, LEAST_RANGE)
    return {"zmin": -reach, "zmid": 0, "zmax": reach}


def _text(cell: Cell, *, differences: bool) -> str:
    if not differences:
        return "" if cell.value is None else shown(cell.value)
    if cell.difference is None:
        return ""
    return shown_difference(cell.difference.value) + ("" if cell.difference.complete else "*")


def _hover(label: str, head: str, cell: Cell, column: Column) -> str:
    """What stands behind a number: row, column, score, languages and seeds."""
    parts = [f"<b>{escape(label)}</b>", head.replace("<br>", " ")]
    if cell.value is not None:
        spread = "" if cell.sd is None else f" ± {shown(cell.sd)}"
        parts.append(f"score {shown(cell.value)}{spread} (n = {cell.n})")
    if cell.difference:
        parts.append(
            f"difference {shown_difference(cell.difference.value)} over {cell.difference.have} of {column.total} "
            f"languages, paired seeds: {cell.difference.pairs}"
        )
        if interval := cell.difference.interval:
            ends = f"{shown_difference(interval.low)} to {shown_difference(interval.high)}"
            words = interval.undecided_words
            parts.append(f"95% interval {ends}{f', hollow: {words}' if words else ''}")
    elif not cell.empty:
        parts.append(f"{cell.have} of {cell.expected} languages, no baseline to pair with")
    return "<br>".join(parts)
