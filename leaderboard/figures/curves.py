"""Learning curves of a run's training stages, as a figure for plotly.js. Pure: points in, dict out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from leaderboard.figures.colours import LINES

# Enough for the width of a screen; more only makes the page heavier.
MOST_POINTS = 600


Points = Sequence[tuple[int, float]]
# The key of a stage, by which a live page finds its line, and the line's name.
Line = tuple[int, str]


def loss(curves: Sequence[tuple[Line, Points]]) -> dict[str, Any]:
    """One line for each stage: optimiser step -> training loss."""
    return _lines(curves, "training loss", "loss")


def development(curves: Sequence[tuple[Line, Points]]) -> dict[str, Any]:
    """One line for each stage: optimiser step -> score on English development data."""
    return _lines(curves, "development score", "development")


def _lines(curves: Sequence[tuple[Line, Points]], quantity: str, name: str) -> dict[str, Any]:
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines" if len(points) > 2 else "lines+markers",
                "name": title,
                "uid": str(key),
                "x": [step for step, _ in points],
                "y": [value for _, value in points],
                "hovertemplate": "step %{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
            }
            for (key, title), points in ((line, thinned(points)) for line, points in curves)
        ],
        "layout": {
            "height": 340 + 22 * len(curves),
            "margin": {"l": 10, "r": 10, "t": 10, "b": 10},
            "xaxis": {"title": {"text": "optimiser step"}, "automargin": True, "rangemode": "tozero"},
            "yaxis": {"title": {"text": quantity}, "automargin": True, "rangemode": "tozero"},
            "showlegend": True,
            "legend": {"orientation": "h", "y": -0.25, "yanchor": "top", "x": 0},
            "meta": {"colorway": LINES, "name": name},
        },
    }


def thinned(points: Points) -> Points:
    """At most about MOST_POINTS of `points`, evenly, the last one included."""
    if len(points) <= MOST_POINTS:
        return points
    stride = -(-len(points) // MOST_POINTS)
    kept = list(points[::stride])
    return kept if kept[-1] == points[-1] else [*kept, points[-1]]
