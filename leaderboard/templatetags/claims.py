"""How verdicts and their numbers are written."""

from __future__ import annotations

from django import template

from leaderboard.standings.numbers import shown_difference
from leaderboard.standings.verdicts import VerdictValue

register = template.Library()


@register.filter
def signed(value: float) -> str:
    """Points with their sign and one decimal."""
    return shown_difference(value)


@register.filter
def p_value(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"


@register.simple_tag
def verdict_summary(verdict: VerdictValue) -> str:
    """How many comparisons are on which side of the margin; the difference itself where there is one alone."""
    comparisons = verdict.comparisons
    if not comparisons:
        return verdict.missing[0] if verdict.missing else ""
    if len(comparisons) == 1 and (interval := comparisons[0]["interval"]):
        numbers = [shown_difference(interval[key]) for key in ("estimate", "low", "high")]
        seeds = interval["seeds"]
        return "{} points [{}, {}], ".format(*numbers) + f"{seeds} seed{'' if seeds == 1 else 's'}."
    counts = [
        (sum(one["answer"] == answer for one in comparisons), words)
        for answer, words in (("above", "above the margin"), ("below", "below the margin"), ("open", "open"))
    ]
    told = ", ".join(f"{count} {words}" for count, words in counts if count)
    return f"Of {len(comparisons)} comparisons: {told}."
