"""Chart of low-resource languages: differences over the size of the pretraining text. Pure: a view in, a figure out."""

from __future__ import annotations

from typing import Any

import numpy as np

from leaderboard.figures.alignment import MARGIN
from leaderboard.figures.colours import LINES
from leaderboard.standings.low_resource import Row, View
from runner.tasks.languages import LANGUAGES

BAND = "rgba(128,128,128,0.18)"
CLEAR = "rgba(0,0,0,0)"
STEPS = 40


def over_size(view: View) -> dict[str, Any] | None:
    """The languages of the recipe that is shown, on a logarithmic axis, with the fitted line and its band."""
    row = view.shown
    if row is None:
        return None
    groups = ((f"low-resource: {view.definition.title}", True, "diamond"), ("the others", False, "circle-open"))
    return {
        "data": [
            *(_points(row, name, symbol, low=low) for name, low, symbol in groups),
            *(_line(row) if row.line else ()),
        ],
        "layout": {
            "height": 460,
            "margin": MARGIN,
            "xaxis": {
                "type": "log",
                "title": {"text": "CC-100, GiB"},
                "automargin": True,
                "zeroline": False,
                "tickvals": [0.1, 0.3, 1, 3, 10, 30, 100, 300],
            },
            "yaxis": {"title": {"text": "difference, points"}, "automargin": True, "zeroline": True},
            "showlegend": True,
            "legend": {"orientation": "h", "y": -0.22, "yanchor": "top", "x": 0},
            "meta": {"colorway": LINES, "name": "low-resource"},
        },
    }


def _points(row: Row, name: str, symbol: str, *, low: bool) -> dict[str, Any]:
    members = [point for point in row.points if point.low == low and LANGUAGES[point.language].cc100_gib]
    return {
        "type": "scatter",
        "mode": "markers+text",
        "name": name,
        "x": [LANGUAGES[point.language].cc100_gib for point in members],
        "y": [point.difference for point in members],
        "text": [point.language for point in members],
        "textposition": "top center",
        "textfont": {"size": 10},
        "customdata": [f"{LANGUAGES[point.language].name}, {point.items:,} items" for point in members],
        "marker": {"symbol": symbol, "size": 9},
        "hovertemplate": "%{customdata}: %{y:+.1f} points, %{x} GiB<extra></extra>",
    }


def _line(row: Row) -> list[dict[str, Any]]:
    sizes = [LANGUAGES[point.language].cc100_gib for point in row.points if LANGUAGES[point.language].cc100_gib]
    x = np.linspace(np.log10(min(sizes)), np.log10(max(sizes)), STEPS)
    middle, low, high = (side.tolist() for side in row.line.band(x))
    places = (10**x).tolist()
    shared = {"type": "scatter", "mode": "lines", "x": places, "hoverinfo": "skip"}
    return [
        {**shared, "y": high, "line": {"color": CLEAR}, "showlegend": False},
        {
            **shared,
            "y": low,
            "line": {"color": CLEAR},
            "fill": "tonexty",
            "fillcolor": BAND,
            "name": "95% over languages",
        },
        {**shared, "y": middle, "name": "fitted line"},
    ]
