"""The sweep: what nobody tells anybody. Every worker does it now and then; several at once do no harm."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from leaderboard.models import Stage
from leaderboard.services import dispatch, progress
from leaderboard.services.leases import Lease, LeaseLost, lease_end

logger = logging.getLogger(__name__)
Status = Stage.Status


@dataclass(frozen=True)
class Swept:
    """What a sweep found: stages taken back from lost workers, stages queued, messages sent again."""

    returned: int
    dispatched: int
    sent: int


def sweep(*, idle: bool = True, lanes: Sequence[str] | None = None) -> Swept:
    """Take back stages whose lease ran out, queue what is ready, and send messages that are missing.

    `idle` says that the caller has room for another stage: then a message in its `lanes` (None: all) that it did
    not get for a while is as good as lost, whereas behind a busy worker messages merely wait, and sending them
    again would only pile them up.
    """
    _mend_times()
    returned = sum(_take_back(stage) for stage in Stage.objects.expired().order_by("pk"))
    _follow_parents()
    dispatched = dispatch.dispatch_ready() if Stage.objects.ready().exists() else 0
    missing = Stage.objects.unheard(timezone.now() - timedelta(seconds=settings.RESEND_SECONDS))
    if not idle:
        missing = missing.filter(sent__isnull=True)
    if lanes is not None:
        missing = missing.filter(lane__in=lanes)
    sent = dispatch.send(missing.order_by("pk").values_list("pk", "lane")[: dispatch.SEND_AT_ONCE])
    return Swept(returned, dispatched, sent)


def _mend_times() -> None:
    """After the database's clock was put back: nothing may wait for a time that no lease or pause can reach."""
    lease = timedelta(seconds=2 * settings.LEASE_SECONDS)
    running = Stage.objects.filter(status=Status.RUNNING, lease_until__gt=Now() + lease)
    pause = timedelta(seconds=2 * progress.LONGEST_PAUSE)
    paused = Stage.objects.filter(status=Status.QUEUED, not_before__gt=Now() + pause)
    for stages, right in ((running, {"lease_until": lease_end()}), (paused, {"not_before": None})):
        if stages.exists():  # a statement that writes waits for SQLite's one writer, even if it finds nothing
            stages.update(**right)


def _take_back(stage: Stage) -> bool:
    """Return a stage whose lease ran out; False where its worker came back just now, or another sweep was faster."""
    seconds = max(0.0, (stage.lease_until - stage.started).total_seconds()) if stage.started else 0.0
    with transaction.atomic():
        # Looked at again under the lock: a heartbeat may have come in between.
        if not Stage.objects.expired().select_for_update().filter(pk=stage.pk).exists():
            return False
        try:
            progress.lose(Lease(stage.pk, stage.attempt, stage.worker), seconds=seconds)
        except LeaseLost:
            return False
    logger.warning("Stage %s was taken back from %s, which fell silent.", stage.pk, stage.worker)
    return True


def _follow_parents() -> None:
    """End waiting stages whose parent failed or was cancelled before they came to be linked to it."""
    waiting = Stage.objects.filter(status=Status.WAITING)
    for parent in Stage.objects.filter(status=Status.FAILED, children__status=Status.WAITING).distinct():
        with transaction.atomic():
            progress.fail_descendants(parent)
    Stage.objects.filter(
        pk__in=list(waiting.filter(parent__status=Status.CANCELLED).values_list("pk", flat=True)),
        status=Status.WAITING,
    ).update(status=Status.CANCELLED, finished=timezone.now())
