"""Chart of robustness: what each noise costs each recipe. Pure: a view in, a figure out."""

from __future__ import annotations

from typing import Any

from leaderboard.figures.alignment import LEGEND_LINE, MARGIN, SYMBOLS
from leaderboard.figures.colours import LINES
from leaderboard.standings.robustness import View


def noise(view: View) -> dict[str, Any] | None:
    """A point for each recipe and noise: the loss against the clean data. None where nothing was measured under any."""
    shown = [row for row in view.rows if any(row.noisy)]
    if not shown:
        return None
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "markers",
                "name": row.title,
                "x": list(view.noises),
                "y": [one.drop if one else None for one in row.noisy],
                "marker": {
                    "symbol": SYMBOLS[number % len(SYMBOLS)] + ("-open" if row.is_baseline else ""),
                    "size": 10,
                },
                "hovertemplate": "%{x}: %{y:.1f} points lost<extra>%{fullData.name}</extra>",
            }
            for number, row in enumerate(shown)
        ],
        "layout": {
            "height": 340 + LEGEND_LINE * len(shown),
            "margin": MARGIN,
            "xaxis": {"type": "category", "automargin": True, "zeroline": False},
            "yaxis": {"title": {"text": "points lost"}, "automargin": True, "zeroline": True, "rangemode": "tozero"},
            "showlegend": True,
            "legend": {"orientation": "h", "y": -0.3, "yanchor": "top", "x": 0},
            "meta": {"colorway": LINES, "name": "noise"},
        },
    }
