"""Who has what under which protocol: kept in the process, and brought up to date by what is newer.

Every view needs it of the whole board, and there are thousands; after a change of scores only some of it is new.
`leaderboard.services.headlines` makes a run's line anew whenever it changes, so a newer one has a larger number.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from math import isnan
from threading import Lock
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import F, Func, Q, Subquery

from leaderboard.models import RunLine


@dataclass(frozen=True, eq=False)
class Shape:
    """What many runs have alike: protocol -> the parts that are there, in the order of their means."""

    parts: Mapping[int, tuple[str, ...]]

    @cached_property
    def positions(self) -> Mapping[int, int]:
        return {protocol: position for position, protocol in enumerate(self.parts)}


class Present(NamedTuple):
    """What a run has, without its values; protocol by protocol, as in its shape, a mean and statuses.

    A mean is over all languages of the task, or printed; NaN where there is none. What ran here has no statuses.
    """

    shape: Shape
    means: tuple[float, ...]
    statuses: tuple[str, ...]


ByRun = Mapping[int, Present]


@dataclass(frozen=True)
class Presence:
    """What the rows of a view have under its `protocols`: key of a row -> seed -> what is there."""

    rows: Mapping[str, Mapping[int, Present]]
    protocols: Collection[int]

    def of(self, keys: Collection[str]) -> Presence:
        """Of these rows alone."""
        return replace(self, rows={key: self.rows[key] for key in keys if key in self.rows})

    def has(self, key: str, protocol: int | None) -> bool:
        return any(protocol in one.shape.parts for one in self.rows.get(key, {}).values())

    @cached_property
    def times(self) -> Counter[int]:
        """How many rows have each of the protocols."""
        found: Counter[int] = Counter()
        for shapes, keys in self._alike.items():
            for protocol in {protocol for shape in shapes for protocol in shape.parts}.intersection(self.protocols):
                found[protocol] += len(keys)
        return found

    def parts(self, protocol: int) -> list[tuple[str, ...]]:
        """What there is under a protocol in any seed of any row, each combination once."""
        shapes = dict.fromkeys(shape for shapes in self._alike for shape in shapes)
        return list(dict.fromkeys(shape.parts[protocol] for shape in shapes if protocol in shape.parts))

    def with_any(self, wanted: Mapping[int, Collection[str]]) -> set[str]:
        """The rows that have any of the `wanted` parts under one of their protocols."""

        def has(shape: Shape) -> bool:
            return any(not set(parts).isdisjoint(shape.parts.get(protocol, ())) for protocol, parts in wanted.items())

        return {key for shapes, keys in self._alike.items() if any(map(has, shapes)) for key in keys}

    def means(self, protocols: Sequence[int]) -> dict[str, dict[int, list[float]]]:
        """Row -> seed -> the means under `protocols`, in this order; of the seeds that have all of them."""
        found: dict[str, dict[int, list[float]]] = {}
        places: dict[Shape, list[int] | None] = {}
        for key, seeds in self.rows.items():
            for seed, (shape, means, _) in seeds.items():
                if shape not in places:
                    there = all(protocol in shape.parts for protocol in protocols)
                    places[shape] = [shape.positions[protocol] for protocol in protocols] if there else None
                if (positions := places[shape]) is None:
                    continue
                values = [means[position] for position in positions]
                if not any(map(isnan, values)):
                    found.setdefault(key, {})[seed] = values
        return found

    @cached_property
    def _alike(self) -> dict[tuple[Shape, ...], list[str]]:
        """Most rows have the same as most others: shapes of their seeds -> rows."""
        found: dict[tuple[Shape, ...], list[str]] = {}
        for key, seeds in self.rows.items():
            found.setdefault(tuple(one.shape for one in seeds.values()), []).append(key)
        return found


@dataclass(frozen=True)
class _State:
    """What was there up to the line of number `last`; `oldest` are the fields of the one that was changed least."""

    by_run: ByRun = field(default_factory=dict)
    last: int = 0
    oldest: tuple[Any, ...] = (0,)


_lock = Lock()
_kept = _State()


def load() -> ByRun:
    """All that was gathered, not to be changed. One query; another one if some of it was deleted since.

    Inside a transaction everything is read: what it sees may never be committed.
    """
    if connection.in_atomic_block:
        return _everything().by_run
    global _kept  # noqa: PLW0603
    with _lock:
        _kept = _brought_up_to_date(_kept)
        return _kept.by_run


def forget() -> None:
    """For a process whose database is exchanged for another one."""
    global _kept  # noqa: PLW0603
    with _lock:
        _kept = _State()


def _brought_up_to_date(kept: _State) -> _State:
    """The oldest line is read again: whether it is there, as it was, says that this still is the same database."""
    if not kept.by_run:
        return _everything()
    *oldest, total = next(rows := iter(_rows(Q(pk__gt=kept.last) | Q(pk=kept.oldest[0]))), (None,))
    if tuple(oldest) != kept.oldest:
        return _everything()
    found = _with(kept, rows)
    # Deleted ones are no news: then more are known than there are.
    return found if len(found.by_run) == total else _everything()


def _everything() -> _State:
    rows = _rows(Q())
    return replace(_with(_State(), rows), oldest=rows[0][:-1]) if rows else _State()


def _rows(which: Q) -> list[tuple[Any, ...]]:
    """Lines of runs by their numbers, each with how many there are at all."""
    count = RunLine.objects.order_by().annotate(count=Func(F("pk"), function="COUNT")).values("count")
    found = RunLine.objects.filter(which).order_by("pk").annotate(total=Subquery(count))
    return [
        (pk, run, parts, bytes(means), *rest)
        for pk, run, parts, means, *rest in found.values_list("pk", "run_id", "parts", "means", "statuses", "total")
    ]


def _with(state: _State, rows: Iterable[tuple[Any, ...]]) -> _State:
    """`state` with what `rows` say; others may be reading it, so it is made anew."""
    by_run, last = dict(state.by_run), state.last
    for pk, run, parts, means, statuses, _ in rows:
        by_run[run] = Present(
            _shape(parts), struct.unpack(f"<{len(means) // 8}d", means), tuple(statuses.split(";")) if statuses else ()
        )
        last = pk
    return _State(by_run, last, state.oldest)


@lru_cache(maxsize=4096)
def _shape(text: str) -> Shape:
    """Most runs share it with many others."""
    pairs = (one.partition(":") for one in text.split(";"))
    return Shape({int(protocol): codes(languages) for protocol, _, languages in pairs})


@lru_cache(maxsize=4096)
def codes(languages: str) -> tuple[str, ...]:
    """The parts of a headline's list of languages; most rows share theirs with many others."""
    return tuple(languages.split(","))
