"""Progress: every change of a stage's status, each of them atomic.

The row is the truth; messages only wake workers, so they may come twice, late, in any order or not at all. A
worker claims a stage by compare-and-swap and gets a lease; every later write names the lease and is refused
when the stage has gone on without it.

    waiting -> queued                                dispatch_ready, when the parent is done
    queued  -> running                               claim
    running -> done | failed | cancelled             finish, fail, stop
    running -> queued                                release (in order), lose and sweep (counted, bounded)
    waiting, queued -> cancelled                     cancel_run, where no other run wants the stage
    waiting -> failed                                when the stage it starts from has failed
    failed, cancelled -> waiting                     retry_run
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from leaderboard import queue
from leaderboard.models import Run, Stage
from leaderboard.services import results

logger = logging.getLogger(__name__)

Status, Failure = Stage.Status, Stage.Failure
NOT_STARTED = (Status.WAITING, Status.QUEUED)
# Messages that one sweep sends: a bound on what a broker gets that has just come back.
SEND_AT_ONCE = 100


@dataclass(frozen=True)
class Lease:
    """The right to write to a running stage. `attempt` grows with every claim, so an old lease never fits again."""

    stage_id: int
    attempt: int
    worker: str


@dataclass(frozen=True)
class Heartbeat:
    """What a worker learns when it renews its lease."""

    cancel_requested: bool


class LeaseLost(Exception):
    """The stage has gone on without this worker, which must stop its engine and write nothing more."""


# Dispatching: from waiting to queued, and waking a worker.


def dispatch_ready() -> int:
    """Queue every waiting stage whose parent is done and wake workers after commit; returns how many."""
    with transaction.atomic():
        moved = [
            pk
            for pk in Stage.objects.ready().order_by("pk").values_list("pk", flat=True)
            if Stage.objects.filter(pk=pk, status=Status.WAITING).update(status=Status.QUEUED, sent=None)
        ]
        _send_on_commit(moved)
    return len(moved)


def _send_on_commit(stage_ids: list[int]) -> None:
    # Robust: whoever committed has succeeded, whatever becomes of the messages; the sweep sends again.
    transaction.on_commit(lambda: _send(stage_ids), robust=True)


def _send(stage_ids: Iterable[int]) -> int:
    """Send messages until one fails: where one does not reach the broker, the next would only wait as long."""
    sent = 0
    for pk in stage_ids:
        if not queue.send(pk):
            break
        sent += Stage.objects.filter(pk=pk, status=Status.QUEUED).update(sent=timezone.now())
    return sent


# The worker's side: claim, beat, record, and one of finish, fail, stop, release, lose.


def claim(stage_id: int, worker: str) -> Lease | None:
    """Take a queued stage; None where it is not (or no longer) to be had, which is no error.

    `worker` names this claim alone: two claims by one worker have two names.
    """
    startable = Stage.objects.filter(Q(parent__isnull=True) | Q(parent__status=Status.DONE))
    attempt = startable.filter(pk=stage_id, status=Status.QUEUED).values_list("attempt", flat=True).first()
    if attempt is None:
        return None
    now = timezone.now()
    claimed = Stage.objects.filter(pk=stage_id, status=Status.QUEUED, attempt=attempt).update(
        status=Status.RUNNING,
        attempt=attempt + 1,
        worker=worker,
        lease_until=_lease_end(now),
        started=now,
        activity="",
    )
    return Lease(stage_id, attempt + 1, worker) if claimed else None


def beat(lease: Lease) -> Heartbeat:
    """Renew the lease. LeaseLost where the stage went on without it."""
    _write(lease, lease_until=_lease_end(timezone.now()))
    return Heartbeat(bool(_held(lease).values_list("cancel_requested", flat=True).first()))


def record(lease: Lease, event: Mapping[str, Any]) -> None:
    """Write a progress or environment event, for readers of the run's page. LeaseLost as in `beat`."""
    if event["event"] == "environment":
        _write(lease, environment=_fields_of(event))
    else:
        done = max(0, event["done"])
        _write(
            lease,
            done=done,
            total=max(done, event["total"]),
            unit=event["unit"][:20],
            activity=event["note"][:200],
        )


def finish(
    lease: Lease,
    *,
    scores: Iterable[Mapping[str, Any]] = (),
    artifacts: Iterable[Mapping[str, Any]] = (),
    data: Iterable[Mapping[str, Any]] = (),
    seconds: float = 0,
) -> None:
    """The stage is done: status, scores, artifacts and data in one transaction; what it made ready is queued.

    LeaseLost as in `beat`; ResultError where the results cannot be true. Nothing is written then.
    """
    with transaction.atomic():
        # First, because it takes the row's lock: a run that joins the stage waits for it (attach_done_stage).
        _end(lease, Status.DONE, seconds, done=F("total"), activity="", data=[_fields_of(event) for event in data])
        stage = Stage.objects.get(pk=lease.stage_id)
        results.record_scores(stage, scores)
        results.record_artifacts(stage, artifacts)
        # Apart from this transaction, which holds a lock: two that lock each other's rows would block.
        transaction.on_commit(dispatch_ready, robust=True)


def fail(
    lease: Lease, failure: str, message: str, *, artifacts: Iterable[Mapping[str, Any]] = (), seconds: float = 0
) -> None:
    """The stage has failed, and with it all that starts from it. `message` is one sentence for the run's page."""
    with transaction.atomic():
        _end(lease, Status.FAILED, seconds, failure=failure, message=message)
        stage = Stage.objects.get(pk=lease.stage_id)
        results.record_artifacts(stage, artifacts)
        _fail_descendants(stage)


def stop(lease: Lease, *, seconds: float = 0) -> None:
    """The engine stopped because cancelling was asked for; a stage that another run wants meanwhile is queued again."""
    with transaction.atomic():
        _return(lease, lost=False, cancelled=True, seconds=seconds)


def release(lease: Lease, *, seconds: float = 0) -> None:
    """Give the stage back in order: the worker is shutting down. It goes on from its checkpoint elsewhere."""
    with transaction.atomic():
        _return(lease, lost=False, cancelled=False, seconds=seconds)


def lose(lease: Lease, *, seconds: float = 0) -> None:
    """Give the stage back after its engine was killed from outside: as if the worker were lost, and as bounded."""
    with transaction.atomic():
        _return(lease, lost=True, cancelled=False, seconds=seconds)


def _lease_end(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.LEASE_SECONDS)


def _held(lease: Lease) -> QuerySet[Stage]:
    return Stage.objects.filter(pk=lease.stage_id, status=Status.RUNNING, attempt=lease.attempt, worker=lease.worker)


def _write(lease: Lease, **fields: Any) -> None:
    if not _held(lease).update(**fields):
        raise LeaseLost(f"Stage {lease.stage_id} is no longer held by {lease.worker} (attempt {lease.attempt}).")


def _end(lease: Lease, status: str, seconds: float, **fields: Any) -> None:
    usual = {"failure": "", "message": "", "finished": timezone.now(), "lease_until": None, "cancel_requested": False}
    _write(lease, status=status, seconds=F("seconds") + seconds, **{**usual, **fields})


def _return(lease: Lease, *, lost: bool, cancelled: bool, seconds: float) -> None:
    """Out of running without an end of its own: queued again, or cancelled, or given up."""
    stage = _held(lease).select_for_update().first()
    if stage is None:
        raise LeaseLost(f"Stage {lease.stage_id} is no longer held by {lease.worker} (attempt {lease.attempt}).")
    losses = stage.losses + lost
    if (cancelled or stage.cancel_requested) and not _is_wanted(stage):
        _end(lease, Status.CANCELLED, seconds)
    elif losses >= settings.MAX_ATTEMPTS:
        message = f"Its worker was lost {losses} times, the last was {stage.worker}."
        _end(lease, Status.FAILED, seconds, losses=losses, failure=Failure.LOST_WORKER, message=message)
        _fail_descendants(stage)
    else:
        _end(lease, Status.QUEUED, seconds, losses=losses, sent=None, activity="", finished=None)
        _send_on_commit([stage.pk])


def _fields_of(event: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name != "event"}


def _fail_descendants(stage: Stage) -> None:
    """Nothing that starts from `stage` can run: say so at every such stage, naming the one that failed."""
    failed = [stage.pk]
    while failed:
        children = Stage.objects.filter(parent__in=failed, status__in=NOT_STARTED)
        failed = list(children.order_by("pk").values_list("pk", flat=True))
        Stage.objects.filter(pk__in=failed).update(
            status=Status.FAILED,
            failure=Failure.PARENT,
            message=f"It starts from “{stage.title}”, which has failed.",
            finished=timezone.now(),
        )


# The submitter's side: cancel and retry.


def _wanting() -> QuerySet:
    """Links to the runs that still want the stage of the outer query."""
    return Run.stages.through.objects.filter(stage_id=OuterRef("pk"), run__cancelled__isnull=True)


def _is_wanted(stage: Stage) -> bool:
    return Stage.objects.filter(Exists(_wanting()), pk=stage.pk).exists()


def _locked_stages(run: Run) -> list[int]:
    """The keys of the run's stages, locked. What other runs want is asked afterwards, when it cannot change."""
    linked = Stage.objects.filter(pk__in=run.stages.order_by().values("pk"))
    return list(linked.select_for_update().order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def cancel_run(run: Run) -> int:
    """Cancel a run; returns how many of its stages end. Stages that another run wants go on.

    What has not started is cancelled at once; a running engine is asked through its worker's next heartbeat.
    """
    stages = Stage.objects.filter(pk__in=_locked_stages(run))
    if not stages.filter(status__in=(*NOT_STARTED, Status.RUNNING)).exists():
        return 0
    Run.objects.filter(pk=run.pk, cancelled__isnull=True).update(cancelled=timezone.now())
    unwanted = stages.filter(~Exists(_wanting()))
    running = unwanted.filter(status=Status.RUNNING).update(cancel_requested=True)
    not_started = unwanted.filter(status__in=NOT_STARTED).update(status=Status.CANCELLED, finished=timezone.now())
    return running + not_started


@transaction.atomic
def retry_run(run: Run) -> int:
    """Take up a run again: its failed and cancelled stages wait anew; returns how many stages do.

    What failed in other runs only because of one of these stages waits with them. Done stages stay done.
    Call it also for a new run that joins stages of others, which may have failed or been cancelled.
    """
    pks = _locked_stages(run)
    Run.objects.filter(pk=run.pk).update(cancelled=None)
    Stage.objects.filter(pk__in=pks, status=Status.RUNNING).update(cancel_requested=False)
    again = list(
        Stage.objects.filter(pk__in=pks, status__in=(Status.FAILED, Status.CANCELLED)).values_list("pk", flat=True)
    )
    retried = 0
    while again:
        retried += Stage.objects.filter(pk__in=again).update(
            status=Status.WAITING, failure="", message="", losses=0, sent=None, finished=None, cancel_requested=False
        )
        blocked = Stage.objects.filter(parent__in=again, status=Status.FAILED, failure=Failure.PARENT)
        again = list(blocked.order_by("pk").values_list("pk", flat=True))
    transaction.on_commit(dispatch_ready, robust=True)
    return retried


# The sweep: what nobody tells anybody.


@dataclass(frozen=True)
class Swept:
    """What a sweep found: stages taken back from lost workers, stages queued, messages sent again."""

    returned: int
    dispatched: int
    sent: int


def sweep(*, idle: bool = True) -> Swept:
    """Take back stages whose lease ran out, queue what is ready, and send messages that are missing.

    Every worker calls it now and then; several at once do no harm. `idle` says that the caller has room for
    another stage: then a message that it did not get for a while is as good as lost, whereas behind a busy
    worker messages merely wait, and sending them again would only pile them up.
    """
    now = timezone.now()
    returned = sum(_take_back(stage) for stage in Stage.objects.expired(now).order_by("pk"))
    _follow_parents()
    dispatched = dispatch_ready() if Stage.objects.ready().exists() else 0
    old = now - timedelta(seconds=settings.RESEND_SECONDS)
    missing = Stage.objects.unheard(old) if idle else Stage.objects.filter(status=Status.QUEUED, sent__isnull=True)
    sent = _send(missing.order_by("pk").values_list("pk", flat=True)[:SEND_AT_ONCE])
    return Swept(returned, dispatched, sent)


def _take_back(stage: Stage) -> bool:
    """Return a stage whose lease ran out; False where its worker came back just now, or another sweep was faster."""
    seconds = max(0.0, (stage.lease_until - stage.started).total_seconds()) if stage.started else 0.0
    with transaction.atomic():
        # Looked at again under the lock: a heartbeat may have come in between.
        if not Stage.objects.expired(timezone.now()).select_for_update().filter(pk=stage.pk).exists():
            return False
        try:
            _return(Lease(stage.pk, stage.attempt, stage.worker), lost=True, cancelled=False, seconds=seconds)
        except LeaseLost:
            return False
    logger.warning("Stage %s was taken back from %s, which fell silent.", stage.pk, stage.worker)
    return True


def _follow_parents() -> None:
    """End waiting stages whose parent failed or was cancelled before they came to be linked to it."""
    waiting = Stage.objects.filter(status=Status.WAITING).select_related("parent")
    for stage in waiting.filter(parent__status=Status.FAILED):
        with transaction.atomic():
            _fail_descendants(stage.parent)
    Stage.objects.filter(
        pk__in=list(waiting.filter(parent__status=Status.CANCELLED).values_list("pk", flat=True)),
        status=Status.WAITING,
    ).update(status=Status.CANCELLED, finished=timezone.now())
