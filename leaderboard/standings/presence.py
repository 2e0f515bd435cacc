"""Which run has what under which protocol: kept in the process, and brought up to date by what is newer.

Every view needs it of the whole board, and there are thousands; after a change of scores only some of it is new.
`leaderboard.services.headlines` makes a headline anew whenever it changes, so a newer one has a larger number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from threading import Lock
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import F, Func, Q, Subquery

from leaderboard.models import Headline


class Present(NamedTuple):
    """What a run has under a protocol, without its values; `mean` is over all languages of the task, or printed."""

    parts: tuple[str, ...]
    mean: float | None
    statuses: str


# Run -> protocol -> what is there.
Presence = Mapping[int, Mapping[int, Present]]


@dataclass(frozen=True)
class _State:
    """What was there up to the headline of number `last`; `oldest` are the fields of the one that was changed least."""

    presence: Presence = field(default_factory=dict)
    last: int = 0
    oldest: tuple[Any, ...] = (0,)
    count: int = 0


_lock = Lock()
_kept = _State()


def load() -> Presence:
    """All that was gathered, not to be changed. One query; another one if some of it was deleted since.

    Inside a transaction everything is read: what it sees may never be committed.
    """
    if connection.in_atomic_block:
        return _everything().presence
    global _kept  # noqa: PLW0603
    with _lock:
        _kept = _brought_up_to_date(_kept)
        return _kept.presence


def forget() -> None:
    """For a process whose database is exchanged for another one."""
    global _kept  # noqa: PLW0603
    with _lock:
        _kept = _State()


def _brought_up_to_date(kept: _State) -> _State:
    """The oldest headline is read again: whether it is there, as it was, says that this still is the same database."""
    *oldest, total = next(rows := iter(_rows(Q(pk__gt=kept.last) | Q(pk=kept.oldest[0]))), (None,))
    if not kept.count or tuple(oldest) != kept.oldest:
        return _everything()
    found = _with(kept, rows)
    # Deleted ones are no news: then more are known than there are.
    return found if found.count == total else _everything()


def _everything() -> _State:
    rows = _rows(Q())
    return replace(_with(_State(), rows), oldest=rows[0][:-1]) if rows else _State()


def _rows(which: Q) -> list[tuple[Any, ...]]:
    """Headlines by their numbers, each with how many there are at all."""
    count = Headline.objects.order_by().annotate(count=Func(F("pk"), function="COUNT")).values("count")
    found = Headline.objects.filter(which).order_by("pk").annotate(total=Subquery(count))
    return list(found.values_list("pk", "run_id", "protocol_id", "languages", "mean", "statuses", "total"))


def _with(state: _State, rows: Iterable[tuple[Any, ...]]) -> _State:
    """`state` with what `rows` say; others may be reading it, so what changes is made anew."""
    presence: dict[int, dict[int, Present]] = dict(state.presence)
    own: set[int] = set()
    last = state.last
    for pk, run, protocol, languages, mean, statuses, _ in rows:
        if run not in own:
            presence[run] = dict(presence.get(run, ()))
            own.add(run)
        presence[run][protocol] = Present(codes(languages), mean, statuses)
        last = pk
    return _State(presence, last, state.oldest, sum(map(len, presence.values())))


@lru_cache(maxsize=4096)
def codes(languages: str) -> tuple[str, ...]:
    """The parts of a headline's list of languages; most rows share theirs with many others."""
    return tuple(languages.split(","))
