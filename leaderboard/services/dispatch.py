"""Dispatching: from waiting to queued when the parent is done, and waking workers.

Messages only wake: they may come twice, late, in any order or not at all. Workers look for themselves, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import transaction
from django.utils import timezone

from leaderboard import queue
from leaderboard.models import Stage

Status = Stage.Status
# Messages sent at once: enough to wake every worker, and a bound on what a broker gets that has just come back.
SEND_AT_ONCE = 100
ROWS_AT_ONCE = 5000  # in one statement, of those that databases take


def dispatch_ready(parent: int | None = None) -> int:
    """Queue waiting stages whose parent is done (only the children of `parent`, if given); returns how many.

    Workers are woken after commit.
    """
    with transaction.atomic():
        ready = Stage.objects.ready() if parent is None else Stage.objects.ready().filter(parent=parent)
        # Locked in one order, so that two who dispatch at once cannot block each other.
        moved = list(ready.order_by("pk").select_for_update(skip_locked=True).values_list("pk", flat=True))
        for first in range(0, len(moved), ROWS_AT_ONCE):
            chosen = Stage.objects.filter(pk__in=moved[first : first + ROWS_AT_ONCE], status=Status.WAITING)
            chosen.update(status=Status.QUEUED, sent=None)
        send_on_commit(moved)
    return len(moved)


def send_on_commit(stage_ids: Sequence[int]) -> None:
    # Robust: whoever committed has succeeded, whatever becomes of the messages; the sweep sends again.
    transaction.on_commit(lambda: send(stage_ids[:SEND_AT_ONCE]), robust=True)


def send(stage_ids: Iterable[int]) -> int:
    """Send messages until one fails: where one does not reach the broker, the next would only wait as long."""
    lanes = dict(Stage.objects.filter(pk__in=list(stage_ids), status=Status.QUEUED).values_list("pk", "lane"))
    sent = []
    for pk in sorted(lanes):
        if not queue.send(pk, lanes[pk]):
            break
        sent.append(pk)
    return Stage.objects.filter(pk__in=sent, status=Status.QUEUED).update(sent=timezone.now()) if sent else 0
