"""Progress: every change of a stage's status by who works on it or asked for it, each of them atomic.

waiting -> queued                                dispatch.dispatch_ready, when the parent is done
queued  -> running                               leases.take, leases.claim
running -> done | failed | cancelled             finish, fail, stop
running -> queued                                release (in order), lose and sweep (counted, bounded, with pauses)
waiting, queued -> cancelled                     cancel_run, where no other run wants the stage
waiting -> failed                                when the stage it starts from has failed
failed, cancelled -> waiting                     retry_run
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from leaderboard.models import Run, Stage
from leaderboard.services import results
from leaderboard.services.dispatch import dispatch_ready, send_on_commit
from leaderboard.services.leases import Lease, held, lease_end, lost, write

Status, Failure = Stage.Status, Stage.Failure
NOT_STARTED = (Status.WAITING, Status.QUEUED)
LONGEST_PAUSE = 900  # seconds between two attempts, however often the machine failed


@dataclass(frozen=True)
class Heartbeat:
    """What a worker learns when it renews its lease."""

    cancel_requested: bool


# The worker's side: beat, record, and one of finish, fail, stop, release, lose.


def beat(lease: Lease, usage: Mapping[str, Any] | None = None) -> Heartbeat:
    """Renew the lease, and keep what the engine uses. LeaseLost where the stage went on without it."""
    fields = {"lease_until": lease_end(), **({} if usage is None else {"usage": dict(usage)})}
    # One statement while nobody asks to cancel, which is nearly always.
    if held(lease).filter(cancel_requested=False).update(**fields):
        return Heartbeat(cancel_requested=False)
    write(lease, **fields)
    return Heartbeat(bool(held(lease).values_list("cancel_requested", flat=True).first()))


def record(lease: Lease, event: Mapping[str, Any], rate: float | None = None) -> None:
    """Write a progress or environment event, for readers of the run's page. LeaseLost as in `beat`.

    `rate` is in units per second.
    """
    if event["event"] == "environment":
        write(lease, environment=_fields_of(event))
    else:
        done = max(0, event["done"])
        write(
            lease,
            done=done,
            total=max(done, event["total"]),
            unit=event["unit"][:20],
            activity=event["note"][:200],
            rate=rate,
        )


def finish(
    lease: Lease,
    *,
    scores: Iterable[Mapping[str, Any]] = (),
    diagnostics: Iterable[Mapping[str, Any]] = (),
    artifacts: Iterable[Mapping[str, Any]] = (),
    data: Iterable[Mapping[str, Any]] = (),
    seconds: float = 0,
) -> None:
    """The stage is done: status, results, artifacts and data in one transaction; what it made ready is queued.

    LeaseLost as in `beat`; ResultError where the results cannot be true. Nothing is written then.
    """
    with transaction.atomic():
        # First, because it takes the row's lock: a run that joins the stage waits for it (attach_done_stages).
        _end(lease, Status.DONE, seconds, done=F("total"), activity="", data=[_fields_of(event) for event in data])
        stage = Stage.objects.get(pk=lease.stage_id)
        results.record_scores(stage, scores)
        results.record_diagnostics(stage, diagnostics)
        results.record_artifacts(stage, artifacts)
        # Nothing starts from an evaluation.
        if stage.action == Stage.Action.TRAIN:
            # Apart from this transaction, which holds a lock: two that lock each other's rows would block.
            transaction.on_commit(lambda: dispatch_ready(lease.stage_id), robust=True)


def fail(
    lease: Lease, failure: str, message: str, *, artifacts: Iterable[Mapping[str, Any]] = (), seconds: float = 0
) -> None:
    """The stage has failed, and with it all that starts from it. `message` is one sentence for the run's page."""
    with transaction.atomic():
        _end(lease, Status.FAILED, seconds, failure=failure, message=message)
        stage = Stage.objects.get(pk=lease.stage_id)
        results.record_artifacts(stage, artifacts)
        fail_descendants(stage)


def stop(lease: Lease, *, seconds: float = 0) -> None:
    """The engine stopped because cancelling was asked for; a stage that another run wants meanwhile is queued again."""
    with transaction.atomic():
        _return(lease, cancelled=True, seconds=seconds)


def release(lease: Lease, *, seconds: float = 0) -> None:
    """Give the stage back in order: the worker is shutting down. It goes on from its checkpoint elsewhere."""
    with transaction.atomic():
        _return(lease, seconds=seconds)


def lose(lease: Lease, failure: str = Failure.LOST_WORKER, reason: str = "", *, seconds: float = 0) -> None:
    """Give the stage back after its worker, or the machine, failed it: tried again, so often and after a pause.

    `failure` and `reason`, a sentence, are what the page says meanwhile, and when it is given up.
    """
    with transaction.atomic():
        _return(lease, failure=failure, reason=reason or f"Its worker {lease.worker} was lost.", seconds=seconds)


def pause_after(losses: int) -> float:
    """Seconds to wait before the next attempt: none at first, for a worker that died, then ever longer."""
    return 0 if losses < 2 else min(LONGEST_PAUSE, settings.RETRY_SECONDS * 2 ** (losses - 2))


def _end(lease: Lease, status: str, seconds: float, **fields: Any) -> None:
    usual = {"failure": "", "message": "", "finished": timezone.now(), "lease_until": None, "cancel_requested": False}
    usual |= {"rate": None}
    write(lease, status=status, seconds=F("seconds") + seconds, **{**usual, **fields})


def _return(lease: Lease, *, failure: str = "", reason: str = "", cancelled: bool = False, seconds: float = 0) -> None:
    """Out of running without an end of its own: queued again, or cancelled, or given up. `failure`: it was lost."""
    stage = held(lease).select_for_update().first()
    if stage is None:
        raise lost(lease)
    losses = stage.losses + bool(failure)
    if (cancelled or stage.cancel_requested) and not _is_wanted(stage):
        _end(lease, Status.CANCELLED, seconds)
    elif losses >= settings.MAX_ATTEMPTS:
        message = f"{reason} It was lost {losses} times, and is given up."
        _end(lease, Status.FAILED, seconds, losses=losses, failure=failure, message=message)
        fail_descendants(stage)
    else:
        pause = timedelta(seconds=pause_after(losses)) if failure else timedelta()
        again = {"sent": None, "activity": "", "finished": None, "not_before": Now() + pause if pause else None}
        _end(lease, Status.QUEUED, seconds, losses=losses, message=reason, **again)
        if not pause:
            send_on_commit([(stage.pk, stage.lane)])


def _fields_of(event: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name != "event"}


def fail_descendants(stage: Stage) -> None:
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
    # Asked apart: as one statement it is planned as a loop over all stages until the tables have been analysed.
    linked = list(Run.stages.through.objects.filter(run_id=run.pk).values_list("stage_id", flat=True))
    return list(Stage.objects.filter(pk__in=linked).select_for_update().order_by("pk").values_list("pk", flat=True))


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
def retry_run(run: Run, *, out_of_memory: bool = True) -> int:
    """Take up a run again: its failed and cancelled stages wait anew; returns how many stages do.

    What failed in other runs only because of one of these stages waits with them. Done stages stay done.
    Call it also for a new run that joins stages of others, which may have failed or been cancelled; then without
    `out_of_memory`: what had too little memory has it again, unless somebody who knows better asks for it.
    """
    pks = _locked_stages(run)
    Run.objects.filter(pk=run.pk).update(cancelled=None)
    Stage.objects.filter(pk__in=pks, status=Status.RUNNING).update(cancel_requested=False)
    ended = Stage.objects.filter(pk__in=pks, status__in=(Status.FAILED, Status.CANCELLED))
    if not out_of_memory:
        ended = ended.exclude(failure=Failure.OUT_OF_MEMORY)
    again = list(ended.values_list("pk", flat=True))
    retried = 0
    while again:
        retried += Stage.objects.filter(pk__in=again).update(
            status=Status.WAITING,
            failure="",
            message="",
            losses=0,
            sent=None,
            not_before=None,
            finished=None,
            cancel_requested=False,
        )
        blocked = Stage.objects.filter(parent__in=again, status=Status.FAILED, failure=Failure.PARENT)
        again = list(blocked.order_by("pk").values_list("pk", flat=True))
    for stage in Stage.objects.filter(pk__in=pks, status=Status.FAILED, failure=Failure.OUT_OF_MEMORY):
        fail_descendants(stage)
    transaction.on_commit(dispatch_ready, robust=True)
    return retried
