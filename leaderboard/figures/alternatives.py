"""What recipes gain against what their training cost. Pure: a block of alternatives in, a figure out."""

from __future__ import annotations

from itertools import cycle
from typing import Any

from leaderboard.figures.colours import LINES
from leaderboard.standings.alternatives import Alternative, Block, Unit

# Beside more points than these, labels would cover each other: the names are at the pointer and in the table.
MOST_LABELLED = 10
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "x", "star", "cross", "pentagon", "triangle-down")


def gain_against_cost(block: Block, unit: Unit) -> dict[str, Any] | None:
    """Each recipe by its device time and its difference, a trace for each kind; the baseline stands at zero.

    None where fewer than two recipes have both.
    """
    there = [line for line in block.lines if line.cost and _height(line) is not None]
    if len(there) < 2:
        return None
    labelled = len(there) <= MOST_LABELLED
    by_kind: dict[str, list[Alternative]] = {}
    for line in there:
        by_kind.setdefault(line.kind, []).append(line)
    most, heights = max(line.cost.hours for line in there) / unit.hours, [_height(line) for line in there]
    room = 0.15 * (max(heights) - min(heights) or 1)
    traces = [
        _trace(kind, lines, symbol, unit, most, labelled=labelled)
        for (kind, lines), symbol in zip(by_kind.items(), cycle(SYMBOLS), strict=False)
    ]
    return {
        "data": traces,
        "layout": {
            "height": 400 + 12 * len(traces),
            "margin": {"l": 10, "r": 10, "t": 10, "b": 10},
            "xaxis": {
                "title": {"text": f"training of one run, device-{unit.name}s"},
                "automargin": True,
                "range": [0, 1.08 * most],
                "zeroline": False,
            },
            "yaxis": {
                "title": {"text": "difference to the baseline, points"},
                "automargin": True,
                "zeroline": True,
                "range": [min(heights) - room, max(heights) + room],
            },
            "showlegend": True,
            "legend": {"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0},
            "meta": {"colorway": LINES, "name": f"alternatives-{block.encoder}"},
        },
    }


def _height(line: Alternative) -> float | None:
    return 0.0 if line.row.is_baseline else line.difference


def _trace(
    kind: str, lines: list[Alternative], symbol: str, unit: Unit, most: float, *, labelled: bool
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers+text" if labelled else "markers",
        "name": kind,
        "x": [line.cost.hours / unit.hours for line in lines],
        "y": [_height(line) for line in lines],
        # The encoder is in the heading.
        "text": [line.row.label.removesuffix(f" · {line.row.encoder_title}") for line in lines],
        # Those at the right would leave the chart.
        "textposition": ["top left" if line.cost.hours / unit.hours > most / 2 else "top right" for line in lines],
        "cliponaxis": False,
        "marker": {"size": 10, "symbol": symbol},
        "hovertemplate": f"%{{text}}: %{{y:+.1f}} points, %{{x:.3g}} device-{unit.name}s<extra></extra>",
    }
