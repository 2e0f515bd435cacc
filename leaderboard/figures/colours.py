"""Colours of the charts, for light and for dark pages, distinguishable with every common colour blindness.

The diverging scale runs from blue (loss) over the page's own ground (zero) to orange (gain): blue and orange
stay apart for protan, deutan and tritan eyes. Scores run in one hue. The lines are those of Okabe and Ito 2008.
"""

from __future__ import annotations

DIVERGING = {
    "light": [[0, "#1f4e8c"], [0.25, "#7da7d0"], [0.5, "#f7f6f3"], [0.75, "#eba15f"], [1, "#a84b08"]],
    "dark": [[0, "#74ade8"], [0.25, "#3d6691"], [0.5, "#22262b"], [0.75, "#98602e"], [1, "#f3a15b"]],
}
SEQUENTIAL = {
    "light": [[0, "#f7f6f3"], [0.5, "#9dbbd8"], [1, "#1f4e8c"]],
    "dark": [[0, "#22262b"], [0.5, "#3d6691"], [1, "#9cc8f5"]],
}
LINES = {
    "light": ["#0072b2", "#d55e00", "#009e73", "#a3568a", "#8a6d00", "#3a7ca5", "#555555"],
    "dark": ["#56b4e9", "#e69f00", "#2fc79a", "#e29cc8", "#f0e442", "#ff8f4d", "#bbbbbb"],
}
