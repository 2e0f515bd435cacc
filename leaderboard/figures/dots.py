"""A task's languages as dots, and its gains against how much text the encoder was pretrained on. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import log10
from typing import Any

from leaderboard.figures.colours import LINES
from leaderboard.standings.table import Cell, Row, Standings

# More rows than this cannot be told apart by eye.
MOST_ROWS = 7
LINE_HEIGHT = 26
HEAD_HEIGHT = 150


def by_language(standings: Standings) -> dict[str, Any] | None:
    """Each language a line, each row a dot: differences with their intervals, or scores with their spread.

    Languages stand as in the table, from the top. None where nothing can be drawn.
    """
    differences = standings.show == "difference"
    titles = {column.key: column.title for column in standings.columns}
    traces = []
    for row in _drawn(standings):
        points = [(key, *point) for key, cell in _languages(standings, row) if (point := _point(cell, differences))]
        if points:
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": row.label,
                    "y": [key for key, *_ in points],
                    "x": [value for _, value, _, _ in points],
                    "error_x": {
                        "type": "data",
                        "symmetric": False,
                        "array": [high for _, _, _, high in points],
                        "arrayminus": [low for _, _, low, _ in points],
                        "thickness": 1.2,
                        "width": 0,
                    },
                    "marker": {"size": 8},
                    "hovertemplate": "%{y}: %{x:.1f}<extra>%{fullData.name}</extra>",
                }
            )
    if not traces:
        return None
    languages = [column.key for column in standings.columns if column.key in column.parts]
    return {
        "data": traces,
        "layout": {
            "height": HEAD_HEIGHT + LINE_HEIGHT * (len(languages) + len(traces)),
            "margin": {"l": 10, "r": 10, "t": 10, "b": 10},
            "xaxis": {
                "title": {"text": "difference to the baseline, points" if differences else "score"},
                "automargin": True,
                "zeroline": differences,
            },
            "yaxis": {
                "type": "category",
                "automargin": True,
                "autorange": "reversed",
                "categoryorder": "array",
                "categoryarray": languages,
                "tickvals": languages,
                "ticktext": [titles[key] for key in languages],
            },
            "showlegend": True,
            "legend": {"orientation": "h", "y": -0.12, "yanchor": "top", "x": 0},
            "meta": {"colorway": LINES, "name": "languages"},
        },
    }


def against_size(standings: Standings, sizes: Mapping[str, float | None]) -> dict[str, Any] | None:
    """The difference in each language against the GiB of its text in CC-100, on a logarithmic axis, with labels.

    Languages that the encoder has never seen have no place on it. None where nothing has a difference.
    """
    traces = []
    for row in _drawn(standings):
        points = [
            (key, sizes[key], cell.difference.value)
            for key, cell in _languages(standings, row)
            if sizes.get(key) and cell.difference
        ]
        if points:
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers+text",
                    "name": row.label,
                    "x": [size for _, size, _ in points],
                    "y": [value for *_, value in points],
                    "text": [key for key, *_ in points],
                    "textposition": "top center",
                    "marker": {"size": 8},
                    "hovertemplate": "%{text}: %{x:g} GiB, %{y:+.1f}<extra>%{fullData.name}</extra>",
                }
            )
    if not traces:
        return None
    largest = max(size for trace in traces for size in trace["x"])
    smallest = min(size for trace in traces for size in trace["x"])
    return {
        "data": traces,
        "layout": {
            "height": 440 + 22 * len(traces),
            "margin": {"l": 10, "r": 10, "t": 10, "b": 10},
            "xaxis": {
                "type": "log",
                "range": [log10(smallest) - 0.15, log10(largest) + 0.15],
                "title": {"text": "text in CC-100, GiB"},
                "automargin": True,
            },
            "yaxis": {"title": {"text": "difference to the baseline, points"}, "automargin": True, "zeroline": True},
            "showlegend": True,
            "legend": {"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0},
            "meta": {"colorway": LINES, "name": "size"},
        },
    }


def drawn_of(standings: Standings) -> str:
    """Which rows the charts have, in words; empty where it is all of them."""
    drawn = len(_drawn(standings))
    return "" if drawn == len(standings.rows) else f"The first {drawn} of the rows; narrow them to see others."


def _drawn(standings: Standings) -> tuple[Row, ...]:
    return standings.rows[:MOST_ROWS]


def _languages(standings: Standings, row: Row) -> Iterator[tuple[str, Cell]]:
    for column, cell in zip(standings.columns, row.cells, strict=True):
        if column.key in column.parts:
            yield column.key, cell


def _point(cell: Cell, differences: bool) -> tuple[float, float, float] | None:  # noqa: FBT001
    """A value with what lies below and above it."""
    if not differences:
        return None if cell.value is None else (cell.value, cell.sd or 0.0, cell.sd or 0.0)
    if cell.difference is None:
        return None
    value, interval = cell.difference.value, cell.difference.interval
    return (value, value - interval.low, interval.high - value) if interval else (value, 0.0, 0.0)
