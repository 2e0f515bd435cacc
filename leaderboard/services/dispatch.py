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
        moved = list(ready.order_by("pk").select_for_update(skip_locked=True).values_list("pk", "lane"))
        for first in range(0, len(moved), ROWS_AT_ONCE):
            chosen = [pk for pk, _ in moved[first : first + ROWS_AT_ONCE]]
            Stage.objects.filter(pk__in=chosen, status=Status.WAITING).update(status=Status.QUEUED, sent=None)
        send_on_commit(moved)
    return len(moved)


def send_on_commit(stages: Sequence[tuple[int, str]]) -> None:
    """Wake workers for stages, given as (key, lane), when the transaction has succeeded."""
    if stages:
        # Robust: whoever committed has succeeded, whatever becomes of the messages; the sweep sends again.
        transaction.on_commit(lambda: send(stages[:SEND_AT_ONCE]), robust=True)


def send(stages: Iterable[tuple[int, str]]) -> int:
    """Send messages until one fails: where one does not reach the broker, the next would only wait as long."""
    sent = []
    for pk, lane in stages:
        if not queue.send(pk, lane):
            break
        sent.append(pk)
    return Stage.objects.filter(pk__in=sent, status=Status.QUEUED).update(sent=timezone.now()) if sent else 0
