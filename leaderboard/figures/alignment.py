"""Charts of alignment: by layer, by language, and against what targets gained. Pure: a view in, figures out."""

from __future__ import annotations

from typing import Any

from leaderboard.figures.colours import LINES
from leaderboard.standings.alignment import View
from runner.tasks.languages import LANGUAGES

MARGIN = {"l": 10, "r": 10, "t": 10, "b": 10}
# In pixels: a language's name needs so much to be read.
LANGUAGE_WIDTH = 24
LEGEND_LINE = 22
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "x", "star")


def by_layer(view: View) -> dict[str, Any]:
    """A line for each checkpoint: layer -> the mean over the languages that all rows have."""
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": row.full_title,
                "x": [layer for layer, _ in row.depth],
                "y": [value for _, value in row.depth],
                "marker": {"symbol": SYMBOLS[number % len(SYMBOLS)], "size": 7},
                "line": {"dash": "dot" if row.pretrained else "solid"},
                "hovertemplate": f"layer %{{x}}: %{{y:.{view.digits}f}}<extra>%{{fullData.name}}</extra>",
            }
            for number, row in enumerate(view.rows)
        ],
        "layout": _layout(view, "alignment-by-layer", "layer (0: embeddings)", _quantity(view), len(view.rows)),
    }


def by_language(view: View) -> dict[str, Any]:
    """A point for each checkpoint and language, in the layer that is shown."""
    names = [LANGUAGES[code].name for code in view.languages]
    layout = _layout(view, "alignment-by-language", "", _quantity(view), len(view.rows))
    layout["xaxis"] |= {"type": "category", "tickangle": -60, "range": [-0.6, len(names) - 0.4]}
    layout["meta"]["least_width"] = 120 + LANGUAGE_WIDTH * len(names)
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "markers",
                "name": row.full_title,
                "x": names,
                "y": [cell.value if cell else None for cell in row.cells],
                "marker": {
                    "symbol": SYMBOLS[number % len(SYMBOLS)] + ("-open" if row.pretrained else ""),
                    "size": 9,
                },
                "hovertemplate": f"%{{x}}: %{{y:.{view.digits}f}}<extra>%{{fullData.name}}</extra>",
            }
            for number, row in enumerate(view.rows)
        ],
        "layout": layout,
    }


def against_target(view: View) -> dict[str, Any]:
    """A point for each recipe and language: the change of alignment, and the difference of the target's score."""
    shown = [one for one in view.associations if one.points]
    layout = _layout(
        view,
        "alignment-against-target",
        f"change of {view.measure.title[0].lower()}{view.measure.title[1:]}",
        "difference of the score",
        len(shown),
    )
    layout["xaxis"]["zeroline"] = layout["yaxis"]["zeroline"] = True
    layout["yaxis"].pop("rangemode", None)
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "markers+text",
                "name": one.recipe,
                "x": [change for _, change, _ in one.points],
                "y": [gain for _, _, gain in one.points],
                "text": [code for code, _, _ in one.points],
                "textposition": "top center",
                "textfont": {"size": 10},
                "customdata": [LANGUAGES[code].name for code, _, _ in one.points],
                "marker": {"symbol": SYMBOLS[number % len(SYMBOLS)], "size": 8},
                "hovertemplate": "%{customdata}: alignment %{x:+.3f}, score %{y:+.1f}<extra>%{fullData.name}</extra>",
            }
            for number, one in enumerate(shown)
        ],
        "layout": layout,
    }


def _quantity(view: View) -> str:
    return f"{view.measure.title} ({view.measure.unit})"


def _layout(view: View, name: str, x: str, y: str, lines: int) -> dict[str, Any]:
    return {
        "height": 380 + LEGEND_LINE * lines,
        "margin": MARGIN,
        "xaxis": {"title": {"text": x}, "automargin": True, "zeroline": False},
        "yaxis": {"title": {"text": y}, "automargin": True, "zeroline": False},
        "showlegend": True,
        "legend": {"orientation": "h", "y": -0.3, "yanchor": "top", "x": 0},
        "meta": {"colorway": LINES, "name": name},
    }
