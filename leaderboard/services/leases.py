"""Leases: which stage is whose turn, taking it, and writing to it while it is held.

The row is the truth: a worker takes a queued stage by compare-and-swap and gets a lease; every later write names
the lease and is refused when the stage has gone on without it. All times are the database's, so that no worker's
clock matters.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Min, Q, QuerySet
from django.db.models.functions import Now

from leaderboard.models import Stage

Status = Stage.Status
# How often a worker that was too late for a stage looks again before it waits for its next turn.
TRIES = 8
# By age alone, since the rest is the same for all of one turn: spelt out, an index gives the first at once.
IN_TURN = ("priority", "submitted_by_id", "pk")


@dataclass(frozen=True)
class Lease:
    """The right to write to a running stage. `attempt` grows with every claim, so an old lease never fits again."""

    stage_id: int
    attempt: int
    worker: str


class LeaseLost(Exception):
    """The stage has gone on without this worker, which must stop its engine and write nothing more."""


@dataclass(frozen=True)
class Turn:
    """The stages whose turn it is: those of a submitter at a priority. `first` is the oldest of them."""

    priority: int
    submitted_by: int | None
    first: int


def take(worker: str, lanes: Sequence[str]) -> Lease | None:
    """Take the stage of `lanes` whose turn it is; None where none is to be had.

    Turns go by priority, then to the submitter with the fewest stages running, then by age. `worker` names this
    lease alone: two leases of one worker have two names.
    """
    in_vain: list[tuple[int, int | None]] = []
    for _ in range(TRIES):
        turn = next_turn(lanes, in_vain)
        if turn is None:
            return None
        with transaction.atomic():
            first = _first_of(turn, lanes)
            lease = _claim(*first, worker) if first else None
        if lease:
            return lease
        in_vain.append((turn.priority, turn.submitted_by))
    return None


def _first_of(turn: Turn, lanes: Sequence[str]) -> tuple[int, int] | None:
    """Key and attempt of the oldest stage of `turn` that nobody is just taking; locked, where the database can.

    SQLite lets one write at a time. The parent is joined (and not locked): a subquery would be answered for every
    stage that is done before the first is known.
    """
    stages = Stage.objects.awake().filter(
        Q(parent__isnull=True) | Q(parent__status=Status.DONE),
        lane__in=lanes,
        priority=turn.priority,
        submitted_by_id=turn.submitted_by,
    )
    free = stages.order_by(*IN_TURN).select_for_update(skip_locked=True, of=("self",))
    return free.values_list("pk", "attempt").first()


def next_turn(lanes: Sequence[str], without: Container[tuple[int, int | None]] = ()) -> Turn | None:
    """Whose turn it is in `lanes`: a submitter who has as many stages running as are allowed waits.

    `without` has turns, as (priority, submitter), that were tried in vain. Reads every queued stage of the lanes
    once, so nothing is joined to it.
    """
    waiting = Stage.objects.awake().filter(lane__in=lanes).order_by()
    groups = waiting.values("priority", "submitted_by").annotate(first=Min("pk"))
    turns = [turn for turn in (Turn(**group) for group in groups) if (turn.priority, turn.submitted_by) not in without]
    limit = settings.SUBMITTER_STAGE_LIMIT
    if not limit and len(turns) < 2:
        return turns[0] if turns else None
    running = running_by_submitter()
    allowed = [turn for turn in turns if not limit or running.get(turn.submitted_by, 0) < limit]
    return min(allowed, key=lambda turn: (-turn.priority, running.get(turn.submitted_by, 0), turn.first), default=None)


def running_by_submitter() -> dict[int | None, int]:
    """How many stages each submitter has running."""
    running = Stage.objects.filter(status=Status.RUNNING).order_by()
    return dict(running.values_list("submitted_by").annotate(Count("pk")))


def claim(stage_id: int, worker: str) -> Lease | None:
    """Take this stage; None where it is not (or no longer) to be had, which is no error."""
    attempt = Stage.objects.due().filter(pk=stage_id).values_list("attempt", flat=True).first()
    return None if attempt is None else _claim(stage_id, attempt, worker)


def _claim(stage_id: int, attempt: int, worker: str) -> Lease | None:
    """Compare and swap: only one of those who saw this attempt wins."""
    claimed = Stage.objects.filter(pk=stage_id, status=Status.QUEUED, attempt=attempt).update(
        status=Status.RUNNING,
        attempt=attempt + 1,
        worker=worker,
        lease_until=lease_end(),
        started=Now(),
        not_before=None,
        activity="",
        message="",
        rate=None,
        usage={},
    )
    return Lease(stage_id, attempt + 1, worker) if claimed else None


def lease_end() -> Any:
    """When a lease that is given or renewed now runs out, as an expression."""
    return Now() + timedelta(seconds=settings.LEASE_SECONDS)


def held(lease: Lease) -> QuerySet[Stage]:
    return Stage.objects.filter(pk=lease.stage_id, status=Status.RUNNING, attempt=lease.attempt, worker=lease.worker)


def write(lease: Lease, **fields: Any) -> None:
    """Write to the stage; LeaseLost where it went on without this lease."""
    if not held(lease).update(**fields):
        raise lost(lease)


def lost(lease: Lease) -> LeaseLost:
    return LeaseLost(f"Stage {lease.stage_id} is no longer held by {lease.worker} (attempt {lease.attempt}).")
