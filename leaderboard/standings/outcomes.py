"""Per-item outcomes of evaluations: as arrays, and as replicates on resampled source items. Files, read and kept.

Both files are made once of an items artifact, under its SHA-256, by `leaderboard.services.uncertainty`, and can be made
again at any time. Nothing here writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from django.conf import settings

from leaderboard.standings.statistics import draws

# Raised when the files' content changes: what is there of another version is made again.
VERSION = 1
# Of these many evaluations the arrays stay in memory: replicates of all 40 languages of NER are 320 KB.
KEPT_REPLICATES = 1024
KEPT_OUTCOMES = 64


@dataclass(frozen=True)
class Items:
    """One language's items: `keys` (n,) of their source items, and what each adds `above` and `below` (n,)."""

    keys: np.ndarray
    above: np.ndarray
    below: np.ndarray

    @property
    def value(self) -> float:
        """The measure in 0..100."""
        return 100 * float(self.above.sum()) / float(self.below.sum())

    @property
    def right(self) -> np.ndarray | None:
        """Whether each item is right (n,), where the measure is accuracy; else None."""
        plain = (self.below == 1).all() and np.isin(self.above, (0, 1)).all()
        return self.above.astype(bool) if plain else None


@dataclass(frozen=True)
class Replicates:
    """By language: what the measure deviates by on resampled source items, (replicates,) in points, float16.

    `items` are the keys of the source items, (n,): how many several languages have together follows from them.
    """

    deviations: Mapping[str, np.ndarray]
    items: Mapping[str, np.ndarray]


def outcomes_file(sha256: str) -> Path:
    return settings.ARTIFACT_DIR / "outcomes" / sha256[:2] / f"{sha256}.{VERSION}.npz"


def replicates_file(sha256: str) -> Path:
    return settings.ARTIFACT_DIR / "outcomes" / sha256[:2] / f"{sha256}.{VERSION}.replicates.npz"


def outcomes(sha256: str, scope: str) -> Mapping[str, Items] | None:
    """The items of each language of an evaluation; None where they were not prepared. `scope`: `scope_of` its task."""
    path = outcomes_file(sha256)
    return _outcomes(path, scope) if path.exists() else None


def replicates(sha256: str) -> Replicates | None:
    """The replicates of each language of an evaluation; None where they were not prepared."""
    path = replicates_file(sha256)
    return _replicates(path) if path.exists() else None


def scope_of(task: str, split: str) -> str:
    """What names of source items are unique in: the same items are drawn for all that is evaluated on them."""
    return f"{task} {split}"


@lru_cache(maxsize=KEPT_OUTCOMES)
def _outcomes(path: Path, scope: str) -> Mapping[str, Items]:
    with np.load(path, allow_pickle=False) as file:
        return {
            language: Items(
                draws.keys(file[f"items_{place}"].tolist(), scope), file[f"above_{place}"], file[f"below_{place}"]
            )
            for place, language in enumerate(file["languages"].tolist())
        }


@lru_cache(maxsize=KEPT_REPLICATES)
def _replicates(path: Path) -> Replicates:
    with np.load(path, allow_pickle=False) as file:
        languages = file["languages"].tolist()
        keys = {language: file[f"keys_{place}"] for place, language in enumerate(languages)}
        return Replicates(dict(zip(languages, file["deviations"], strict=True)), keys)


def resampled(items: Mapping[str, Items]) -> dict[str, np.ndarray]:
    """The replicates of each language's measure, (replicates,) in 0..100; parallel languages are drawn together."""
    groups: dict[bytes, list[str]] = {}
    for language, one in items.items():
        groups.setdefault(one.keys.tobytes(), []).append(language)
    found: dict[str, np.ndarray] = {}
    for languages in groups.values():
        above = np.stack([items[language].above for language in languages])
        below = np.stack([items[language].below for language in languages])
        drawn = draws.resampled(above, below, items[languages[0]].keys)
        found |= dict(zip(languages, drawn, strict=True))
    return found
