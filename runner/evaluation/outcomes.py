"""What an evaluation of one language yields, whatever the kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """Scores (metric -> value in 0..100), the number of test items, and per item what happened.

    `items` are rows of `item` (position), `source_item` (the id that parallel languages share), and the kind's own
    columns: enough to compute every score again. `lines` are the predictions in XTREME's layout.
    """

    scores: Mapping[str, float]
    n: int
    items: Sequence[Mapping[str, Any]]
    lines: Sequence[str]
