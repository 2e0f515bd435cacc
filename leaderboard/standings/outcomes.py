"""Per-item outcomes of evaluations: as arrays, and as replicates on resampled source items. Files, read and kept.

All files are made once of an items artifact, under its SHA-256, by `leaderboard.services.uncertainty`, and can be made
again at any time. Nothing here writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from django.conf import settings

from leaderboard.standings.statistics import agreement, draws

# Raised when the files' content changes: what is there of another version is made again.
VERSION = 2
# Of these many evaluations the arrays stay in memory: replicates of all 40 languages of NER are 320 KB.
KEPT_REPLICATES = 1024
KEPT_OUTCOMES = 64
KEPT_AGREEMENTS = 256
# The arrays of a file of agreements, one row for each of its languages.
AGREEMENTS = ("points", "deviations", "items")


@dataclass(frozen=True)
class Items:
    """One language's items: `keys` (n,) of their source items, and what each adds `above` and `below` (n,).

    `predicted` (n,) has what was predicted as a number below `categories`, the same in every language of the
    evaluation: a label, or whether an answer matches exactly. None where those of two languages cannot be compared.
    """

    keys: np.ndarray
    above: np.ndarray
    below: np.ndarray
    predicted: np.ndarray | None = None
    categories: int = 0

    @property
    def value(self) -> float:
        """The measure in 0..100."""
        return 100 * float(self.above.sum()) / float(self.below.sum())

    @property
    def right(self) -> np.ndarray | None:
        """Whether each item is right (n,), where the measure is accuracy; else None."""
        plain = (self.below == 1).all() and np.isin(self.above, (0, 1)).all()
        return self.above.astype(bool) if plain else None

    @property
    def exact(self) -> np.ndarray:
        """Whether each item is right as a whole (n,): as `right`, or that the answer matches exactly."""
        return self.predicted == 1 if self.right is None else self.right


@dataclass(frozen=True)
class Replicates:
    """By language: what the measure deviates by on resampled source items, (replicates,) in points, float16.

    `items` are the keys of the source items, (n,): how many several languages have together follows from them.
    """

    deviations: Mapping[str, np.ndarray]
    items: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Agreements:
    """An evaluation's predictions in each language beside those in the pivot, over the source items that both have.

    By language: `points` are `agreement.MEASURES`, (3,), NaN where not defined; `deviations` (3, replicates), float16,
    what they deviate by on resampled source items; `items` how many these are.
    """

    points: Mapping[str, np.ndarray]
    deviations: Mapping[str, np.ndarray]
    items: Mapping[str, int]


def outcomes_file(sha256: str) -> Path:
    return settings.ARTIFACT_DIR / "outcomes" / sha256[:2] / f"{sha256}.{VERSION}.npz"


def replicates_file(sha256: str) -> Path:
    return settings.ARTIFACT_DIR / "outcomes" / sha256[:2] / f"{sha256}.{VERSION}.replicates.npz"


def agreements_file(sha256: str) -> Path:
    return settings.ARTIFACT_DIR / "outcomes" / sha256[:2] / f"{sha256}.{VERSION}.agreements.npz"


def outcomes(sha256: str, scope: str) -> Mapping[str, Items] | None:
    """The items of each language of an evaluation; None where they were not prepared. `scope`: `scope_of` its task."""
    path = outcomes_file(sha256)
    return _outcomes(path, scope) if path.exists() else None


def replicates(sha256: str) -> Replicates | None:
    """The replicates of each language of an evaluation; None where they were not prepared."""
    path = replicates_file(sha256)
    return _replicates(path) if path.exists() else None


def agreements(sha256: str) -> Agreements | None:
    """How an evaluation's languages agree with the pivot; None where they were not, or cannot be, compared."""
    path = agreements_file(sha256)
    return _agreements(path) if path.exists() else None


def scope_of(task: str, split: str) -> str:
    """What names of source items are unique in: the same items are drawn for all that is evaluated on them."""
    return f"{task} {split}"


@lru_cache(maxsize=KEPT_OUTCOMES)
def _outcomes(path: Path, scope: str) -> Mapping[str, Items]:
    with np.load(path, allow_pickle=False) as file:
        categories = len(file["labels"]) if "labels" in file else 0
        return {
            language: Items(
                draws.keys(file[f"items_{place}"].tolist(), scope),
                file[f"above_{place}"],
                file[f"below_{place}"],
                file[f"predicted_{place}"] if categories else None,
                categories,
            )
            for place, language in enumerate(file["languages"].tolist())
        }


@lru_cache(maxsize=KEPT_REPLICATES)
def _replicates(path: Path) -> Replicates:
    with np.load(path, allow_pickle=False) as file:
        languages = file["languages"].tolist()
        keys = {language: file[f"keys_{place}"] for place, language in enumerate(languages)}
        return Replicates(dict(zip(languages, file["deviations"], strict=True)), keys)


@lru_cache(maxsize=KEPT_AGREEMENTS)
def _agreements(path: Path) -> Agreements:
    with np.load(path, allow_pickle=False) as file:
        languages = file["languages"].tolist()
        return Agreements(*(dict(zip(languages, file[name], strict=True)) for name in AGREEMENTS))


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


def agreeing(items: Mapping[str, Items], pivot: str) -> Agreements | None:
    """How each language's predictions agree with those in `pivot`, item by item. None where nothing can be compared."""
    base = items.get(pivot)
    if base is None or base.predicted is None:
        return None
    found: dict[str, tuple[np.ndarray, np.ndarray, int]] = {}
    for language, one in items.items():
        _, mine, theirs = np.intersect1d(base.keys, one.keys, return_indices=True)
        if language == pivot or not len(mine):
            continue
        tallies = agreement.tallies(
            base.predicted[mine], one.predicted[theirs], base.exact[mine], one.exact[theirs], base.categories
        )
        points = agreement.measures(tallies.sum(axis=1, dtype=np.float64))
        drawn = agreement.measures(draws.sums(tallies, base.keys[mine]))
        # A replicate in which a measure is not defined is the measure itself.
        deviations = np.nan_to_num(drawn - points[:, None], nan=0.0).astype(np.float16)
        found[language] = points, deviations, len(mine)
    if not found:
        return None
    return Agreements(*({language: row[place] for language, row in found.items()} for place in range(3)))
