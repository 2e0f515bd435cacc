"""What readers of other tools' results have in common: the rows they make, and what they may take for granted."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

from leaderboard.published.tables import COLUMNS, LONGEST_PROTOCOL
from runner.errors import RecipeError
from runner.tasks import registry

Row = dict[str, str]


@dataclass(frozen=True)
class Reading:
    """The rows of a file, and the names of what was left out; `source` and `system` may be for the user to say."""

    rows: tuple[Row, ...]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Format:
    """A kind of file that can be imported; `names_system` says whether it names the system that was measured."""

    key: str
    title: str
    read: Callable[[str, str], Reading]
    names_system: bool = True


def whatever_its_shape(read: Callable[[str, str], Reading]) -> Callable[[str, str], Reading]:
    """`read`, which may take for granted how a file is nested: one that is not is refused with a sentence."""

    @wraps(read)
    def refusing(text: str, name: str) -> Reading:
        try:
            return read(text, name)
        except (AttributeError, IndexError, KeyError, TypeError, RecursionError) as error:
            raise RecipeError(f"{name} is not nested as the tool's results are.") from error

    return refusing


def row(*, value: str, protocol: list[str], n: Any = None, notes: list[str], **columns: str) -> Row:
    """A row of a table of published results; empty words of `protocol` and `notes` are left out, as is no count."""
    return {
        **dict.fromkeys(COLUMNS, ""),
        "value": value,
        "protocol": "; ".join(filter(None, protocol))[:LONGEST_PROTOCOL],
        "note": "; ".join(filter(None, notes)),
        "n": str(n) if isinstance(n, int) and not isinstance(n, bool) and n > 0 else "",
        **columns,
    }


def has(task: str, language: str) -> bool:
    return language in registry.TASKS[task].languages


def split_of(task: str, hub: str) -> str:
    """Our name of the split that the hub calls `hub`: of some tasks, such as XQuAD, it has the test set as validation.

    Empty where the catalogue's task has no such split.
    """
    splits = registry.TASKS[task].splits
    if hub in splits and splits[hub].split == hub:
        return hub
    return next((ours for ours, split in splits.items() if split.split == hub), "")


def percent(share: Any, where: str) -> str:
    """A share from 0 to 1 as text in percent; RecipeError for anything else."""
    if not is_number(share) or not 0 <= share <= 1:
        raise RecipeError(f"{where}: the tool gives shares from 0 to 1, found {share!r}.")
    # Not 100 * share, which would turn 0.57 into 56.99999999999999.
    return repr(round(100 * share, 10))


def standard_error(share: Any, scale: float = 100) -> str:
    """A standard error in words, in points; empty where the tool gives none: some write `N/A`."""
    return f"standard error {scale * share:.2f}" if is_number(share) and share > 0 else ""


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def part(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object under `key`, empty where there is none."""
    found = content.get(key)
    return found if isinstance(found, dict) else {}


def read_object(text: str, name: str) -> dict[str, Any]:
    """The JSON object that `text` is; RecipeError for anything else."""
    try:
        content = json.loads(text)
    except ValueError as error:
        raise RecipeError(f"{name} cannot be read as JSON: {error}.") from error
    if not isinstance(content, dict):
        raise RecipeError(f"{name} holds no JSON object.")
    return content
