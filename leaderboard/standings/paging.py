"""Scores by pages, for whoever reads them piece by piece: a page begins after the last score of the one before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leaderboard.models import Score
from leaderboard.standings.listing import ScoreLine, score_lines, scores_on_board


@dataclass(frozen=True)
class Page:
    """Scores in the order of their numbers; `last` is the number of the last one, None for an empty page."""

    lines: list[ScoreLine]
    last: int | None


def scores(after: int, limit: int, *, unverified: bool = False, **wanted: Any) -> Page:
    """The first `limit` scores after number `after`, among those whose fields are as `wanted`. Three queries.

    A score is found by its number, not counted off, so that the last page costs what the first does.
    """
    found = scores_on_board(unverified=unverified).filter(pk__gt=after, **wanted).order_by("pk")
    numbers = list(found.values_list("pk", flat=True)[:limit])
    lines = list(score_lines(Score.objects.filter(pk__in=numbers).order_by("pk"))) if numbers else []
    return Page(lines, numbers[-1] if numbers else None)


def as_object(line: ScoreLine) -> Mapping[str, Any]:
    """The score by the names of its columns; a missing number is None, not an empty text."""
    values = line._asdict()
    return {**values, **{name: None for name in ("seed", "n") if values[name] == ""}}
