"""The board as lines of canonical JSON: what a snapshot holds, and how it is read again.

The first line says the format and the names of a score's fields; then comes a line for each table of the board as it
opens, and a line for each score. The same state gives the same lines, and so the same hash. Tables are kept as they
were shown, intervals and all, not made again from the scores: what was cited stays so when the program changes.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass, replace
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from leaderboard.standings.filters import SUITES, Filters, View
from leaderboard.standings.listing import ScoreLine, every_score
from leaderboard.standings.query import load
from leaderboard.standings.table import Standings
from runner.spec import canonical
from runner.tasks import registry
from runner.tasks.kinds import Role

# Raised when a line means something else than before; old snapshots keep theirs.
FORMAT = 1
BLOCK = 1 << 14
Value = TypeVar("Value")


@dataclass(frozen=True)
class Table:
    """One table of a snapshot: its key in the address, its title, and what it showed."""

    key: str
    title: str
    standings: Standings

    @property
    def partial(self) -> bool:
        """Whether differences over a part of the languages count: on the transfer map."""
        return self.key.partition(".")[0] == View.TRANSFER


def board() -> Iterator[str]:
    """The lines of the board as it is now; to be read in one transaction."""
    yield canonical({"format": FORMAT, "score": list(ScoreLine._fields)})
    for table in _tables():
        yield canonical({"key": table.key, "title": table.title, "standings": _frozen(table.standings)})
    for score in every_score():
        yield canonical(list(score))


def _tables() -> Iterator[Table]:
    """The tables with rows of every suite, each as its page opens, and those of tasks under each of their protocols."""
    for suite, suite_title in SUITES.items():
        for view, title in ((View.LEADERBOARD, "Leaderboard"), (View.TRANSFER, "Transfer map")):
            show = "difference" if view is View.TRANSFER else "score"
            key = f"{view.value}.{suite}"
            yield from _with_rows(key, f"{title}, {suite_title}", Filters(view=view, suite=suite, show=show))
    for task in registry.tasks(Role.TARGET):
        filters = Filters(view=View.TASK, task=task.slug)
        for protocol in load(filters).choices.protocols:
            key = f"{View.TASK.value}.{task.slug}.{protocol.value}"
            title = f"{task.title}, {protocol.title}"
            yield from _with_rows(key, title, replace(filters, protocol=protocol.value))


def _with_rows(key: str, title: str, filters: Filters) -> Iterator[Table]:
    standings = load(filters, whole=True)
    if standings.rows:
        yield Table(key, title, standings)


def _frozen(standings: Standings) -> dict[str, Any]:
    """What the filters could have been set to is no part of what the table showed."""
    found = asdict(standings)
    del found["choices"]
    return found


def lines(content: bytes) -> Iterator[str]:
    """The lines of a compressed text, without holding all of it."""
    unpacker = zlib.decompressobj()
    rest = b""
    for start in range(0, len(content), BLOCK):
        *whole, rest = (rest + unpacker.decompress(content[start : start + BLOCK])).split(b"\n")
        yield from (line.decode() for line in whole)
    *whole, _ = (rest + unpacker.flush()).split(b"\n")
    yield from (line.decode() for line in whole)


def scores(found: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    """The scores among the lines of a snapshot, each by the names of its fields then."""
    names: list[str] = []
    for line in found:
        value = json.loads(line)
        if isinstance(value, list):
            yield dict(zip(names, value, strict=True))
        elif "score" in value:
            names = value["score"]


def titles(found: Iterable[str]) -> dict[str, str]:
    """Key -> title of every table among the lines of a snapshot."""
    return {raw["key"]: raw["title"] for raw in _raw_tables(found)}


def table(found: Iterable[str], key: str) -> Table | None:
    """The table of this key, or None."""
    raw = next((raw for raw in _raw_tables(found) if raw["key"] == key), None)
    return Table(raw["key"], raw["title"], thaw(Standings, raw["standings"])) if raw else None


def _raw_tables(found: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    """Tables stand before the scores, so that nothing after them is read."""
    for line in found:
        value = json.loads(line)
        if isinstance(value, list):
            return
        if "key" in value:
            yield value


def thaw(kind: type[Value], raw: Mapping[str, Any]) -> Value:
    """A frozen dataclass from what `asdict` and JSON made of it.

    A field that the program has gained since is at its default, or empty; one that it has lost is left out.
    """
    hints = get_type_hints(kind)
    values = {}
    for field in fields(kind):
        if field.name in raw:
            values[field.name] = _value(hints[field.name], raw[field.name])
        elif field.default is MISSING and field.default_factory is MISSING:
            values[field.name] = _empty(hints[field.name])
    return kind(**values)


def _value(hint: Any, raw: Any) -> Any:
    if raw is None:
        return None
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _value(next(part for part in inner if part is not NoneType), raw)
    if origin is tuple:
        parts = inner[:1] * len(raw) if inner[-1] is Ellipsis else inner
        return tuple(_value(part, item) for part, item in zip(parts, raw, strict=True))
    return thaw(hint, raw) if is_dataclass(hint) else raw


def _empty(hint: Any) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType) and NoneType in inner:
        return None
    if origin is tuple:
        return ()
    if is_dataclass(hint):
        return thaw(hint, {})
    return {} if origin is not None else hint()
