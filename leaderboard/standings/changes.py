"""What changed between two states of the board: scores that came, went, or have another value. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

# What tells scores apart; the rest of a line describes them.
CELL = ("run", "task", "language", "metric", "protocol_fingerprint")


@dataclass(frozen=True)
class Change:
    """One score: `before` is None where it is new, `after` where it is no longer there."""

    run: int
    task: str
    language: str
    metric: str
    protocol: str
    before: float | None
    after: float | None


@dataclass(frozen=True)
class RunChanges:
    """All changes of one run, in the order of tasks and languages."""

    run: int
    changes: tuple[Change, ...]

    @property
    def added(self) -> int:
        return sum(change.before is None for change in self.changes)

    @property
    def removed(self) -> int:
        return sum(change.after is None for change in self.changes)

    @property
    def changed(self) -> int:
        return len(self.changes) - self.added - self.removed

    @property
    def tasks(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(change.task for change in self.changes))


def between(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> list[RunChanges]:
    """The changes by run; both sides are scores by the names of their fields, with at least those of CELL."""
    old = {_cell(score): score["value"] for score in before}
    found = sorted(_changes(old, after))
    return [RunChanges(run, tuple(Change(*fields) for fields in members)) for run, members in groupby(found, _run)]


def _cell(score: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(score[name] for name in CELL)


def _run(fields: tuple[Any, ...]) -> int:
    return fields[0]


def _changes(old: dict[tuple[Any, ...], float], after: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Any, ...]]:
    for score in after:
        cell = _cell(score)
        before = old.pop(cell, None)
        if before != score["value"]:
            yield (*cell, before, score["value"])
    yield from ((*cell, value, None) for cell, value in old.items())
