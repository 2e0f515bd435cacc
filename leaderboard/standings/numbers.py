"""How numbers are written, in tables and in charts: one place, so that both show the same digits."""

from __future__ import annotations

MINUS = "\N{MINUS SIGN}"


def shown(value: float) -> str:
    """A score or a spread, with one decimal."""
    return f"{value:.1f}"


def shown_difference(value: float) -> str:
    """A difference with its sign and one decimal; what rounds to zero has no sign."""
    text = f"{value:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", MINUS)
