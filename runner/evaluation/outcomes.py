"""What an evaluation of one language yields, whatever the kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """Scores (metric -> value in 0..100), the number of test items, and per item what happened.

    `items` are rows of the kind's own columns: enough to compute every score again. `predictions` are in XTREME's
    layout: lines of text, or answers by the question's id.
    """

    scores: Mapping[str, float]
    n: int
    items: Sequence[Mapping[str, Any]]
    predictions: Sequence[str] | Mapping[str, str]
