"""The worker's job: claims a stage, lets the supervisor run its engine and records what comes of it.

The only module that knows both sides, Django's services and the engine's process. Loaded by workers alone.
"""

from __future__ import annotations

import hashlib
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from celery import signals
from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections, connections

from leaderboard.celery import app
from leaderboard.models import Stage
from leaderboard.services import progress, results
from leaderboard.services.progress import Lease, LeaseLost
from runner import spec
from runner.curve import CURVE, Curve
from runner.errors import RecipeError
from runner.supervisor import LOG, Ending, Limits, Outcome, supervise

logger = logging.getLogger(__name__)

STAGE_FILE = "stage.json"
PROGRESS_SECONDS = 1.0  # between two writes of progress
# How often, and how far apart in seconds, an ending is written again while the database is away.
PATIENCE = (1, 2, 4, 8, 15, 30, 60, 60)
# What an engine has no business to know.
SECRETS = ("SECRET_KEY", "DATABASE_URL", "CELERY_BROKER_URL")
DATABASE_AWAY = (OperationalError, InterfaceError)

# Set when the worker is asked to stop: its engines write a checkpoint and their stages go back to the queue.
SHUTTING_DOWN = threading.Event()


class _Counter:
    """How many jobs this worker has at work, by its threads."""

    def __init__(self) -> None:
        self.value = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            self.value += 1

    def __exit__(self, *exception: object) -> None:
        with self._lock:
            self.value -= 1


jobs_at_work = _Counter()
FAILURES = {
    Ending.SUBMITTER: Stage.Failure.SUBMITTER,
    Ending.BUG: Stage.Failure.BUG,
    Ending.OUT_OF_MEMORY: Stage.Failure.OUT_OF_MEMORY,
    Ending.TIME_LIMIT: Stage.Failure.TIME_LIMIT,
}


@app.task(name="runner.run_stage")
def run_stage(stage_id: int) -> None:
    """Run a stage, if it is still to be had; a message that comes twice or too late does nothing."""
    if SHUTTING_DOWN.is_set():
        return  # the row stays queued, and its message is sent again
    close_old_connections()
    lease = progress.claim(stage_id, f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}")
    if lease is None:
        logger.info("Stage %s is not to be had: done, taken or withdrawn.", stage_id)
        return
    with jobs_at_work:
        try:
            _run(lease)
        except LeaseLost as lost:
            logger.warning("%s", lost)
        except Exception as error:
            logger.exception("The job of stage %s failed.", stage_id)
            _give_up(lease, error)
        finally:
            close_old_connections()


def _run(lease: Lease) -> None:
    stage = Stage.objects.select_related("parent").get(pk=lease.stage_id)
    folder = results.folder(stage)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        text = _job(stage, folder).to_json()
    except RecipeError as error:
        progress.fail(lease, Stage.Failure.SUBMITTER, str(error))
        return
    (folder / STAGE_FILE).write_text(text, encoding="utf-8")
    logger.info("Stage %s begins: %s.", stage.pk, stage.title)
    relay = Relay(lease, folder)
    outcome = supervise(
        [*settings.ENGINE_COMMAND, str(folder / STAGE_FILE)],
        folder,
        relay,
        Limits(settings.HEARTBEAT_SECONDS, settings.STOP_GRACE_SECONDS, settings.STAGE_TIME_LIMIT),
        cwd=settings.BASE_DIR,
        environment={name: value for name, value in os.environ.items() if name not in SECRETS},
    )
    logger.info("Stage %s ended after %.0f s: %s. %s", stage.pk, outcome.seconds, outcome.ending, outcome.message)
    if relay.lost:
        raise LeaseLost(f"Stage {stage.pk} went on without this worker, whose engine was stopped.")
    _persist(lambda: _conclude(lease, outcome, relay))


def _give_up(lease: Lease, error: Exception) -> None:
    """The worker itself failed, with a full disk for example; where even that cannot be written, the lease runs out."""
    message = f"The worker failed with {type(error).__name__}: {error}"
    try:
        progress.fail(lease, Stage.Failure.BUG, message)
    except (LeaseLost, *DATABASE_AWAY):
        logger.exception("The end of stage %s could not be recorded.", lease.stage_id)


def _job(stage: Stage, folder: Path) -> spec.Job:
    """What the engine reads. RecipeError where the stage was planned for another version of the engine."""
    return spec.Job(
        stage=spec.Stage.from_dict(stage.spec),
        output=str(folder),
        parent_output=str(results.folder(stage.parent)) if stage.parent else None,
        data_dir=settings.DATA_DIR,
        cache_dir=str(settings.FEATURE_CACHE_DIR),
        threads=settings.ENGINE_THREADS,
        processes=settings.ENGINE_PROCESSES,
        gradient_checkpointing=settings.ENGINE_GRADIENT_CHECKPOINTING,
        compile=settings.ENGINE_COMPILE,
    )


def _conclude(lease: Lease, outcome: Outcome, relay: Relay) -> None:
    """Write the ending; a result that cannot be true is our bug, not a success."""
    artifacts = [*relay.artifacts, *own_files(relay.folder)]
    seconds = outcome.seconds
    if outcome.ending is Ending.DONE:
        try:
            progress.finish(lease, scores=relay.scores, artifacts=artifacts, data=relay.data, seconds=seconds)
        except (results.ResultError, KeyError, TypeError) as error:
            logger.exception("The results of stage %s are refused.", lease.stage_id)
            message = str(error) if isinstance(error, results.ResultError) else f"A result lacks a field: {error!r}."
            progress.fail(lease, Stage.Failure.BUG, message, artifacts=own_files(relay.folder), seconds=seconds)
    elif outcome.ending in FAILURES:
        failure = FAILURES[outcome.ending]
        progress.fail(lease, failure, outcome.message, artifacts=own_files(relay.folder), seconds=seconds)
    elif outcome.ending is Ending.CANCELLED:
        progress.stop(lease, seconds=seconds)
    elif outcome.ending is Ending.STOPPED:
        progress.release(lease, seconds=seconds)
    else:
        progress.lose(lease, seconds=seconds)


def own_files(folder: Path) -> list[dict[str, Any]]:
    """Log and curve as artifact events: the supervisor's side writes them, so it reports them."""
    return [
        {
            "kind": kind,
            "path": name,
            "sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest(),
            "size": (folder / name).stat().st_size,
        }
        for kind, name in (("log", LOG), ("curve", CURVE))
        if (folder / name).is_file()
    ]


def _persist(write: Callable[[], None]) -> None:
    """Write an ending, again while the database is away; after that the lease runs out and the stage is redone."""
    for pause in PATIENCE:
        try:
            write()
            return
        except DATABASE_AWAY:
            logger.warning("The database did not take the end of a stage; again in %s s.", pause, exc_info=True)
            close_old_connections()
            time.sleep(pause)
    write()


class Relay:
    """The watcher of one engine: keeps its results, writes its progress about once a second, renews the lease."""

    def __init__(self, lease: Lease, folder: Path) -> None:
        self.folder = folder
        self.lost = False
        self.scores: list[Mapping[str, Any]] = []
        self.artifacts: list[Mapping[str, Any]] = []
        self.data: list[Mapping[str, Any]] = []
        self._lease = lease
        self._curve = Curve(folder)
        self._cancelled = False
        self._unwritten: Mapping[str, Any] | None = None
        self._written_at = 0.0

    def event(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "progress":
                self._unwritten = event
                if time.monotonic() - self._written_at >= PROGRESS_SECONDS:
                    self._write_progress()
            case "curve":
                self._safely(lambda: self._curve.append(_fields_of(event)))
            case "environment":
                self._safely(lambda: progress.record(self._lease, event))
            case "score":
                self.scores.append(event)
            case "artifact":
                self.artifacts.append(event)
            case "data":
                self.data.append(event)

    def beat(self) -> None:
        if self._unwritten:
            self._write_progress()
        self._safely(self._renew)

    def should_stop(self) -> Ending | None:
        if self.lost or SHUTTING_DOWN.is_set():
            return Ending.STOPPED
        return Ending.CANCELLED if self._cancelled else None

    def _renew(self) -> None:
        self._cancelled = progress.beat(self._lease).cancel_requested

    def _write_progress(self) -> None:
        event, self._unwritten = self._unwritten, None
        self._written_at = time.monotonic()
        self._safely(lambda: progress.record(self._lease, event))

    def _safely(self, write: Callable[[], None]) -> None:
        """An engine at work is worth more than a progress bar: only a lost lease stops it."""
        try:
            write()
        except LeaseLost as lost:
            self.lost = True
            logger.warning("%s", lost)
        except DATABASE_AWAY:
            logger.warning("The database did not answer a heartbeat.", exc_info=True)
            close_old_connections()
        except Exception:
            logger.exception("An event of stage %s was not recorded.", self._lease.stage_id)


def _fields_of(event: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name != "event"}


class Sweeper(threading.Thread):
    """Sweeps every SWEEP_SECONDS beside the jobs, so that the embedded default needs no process for it."""

    def __init__(self, concurrency: int) -> None:
        super().__init__(name="sweeper", daemon=True)
        self._concurrency = concurrency
        self._stopping = threading.Event()

    def run(self) -> None:
        while True:
            self.sweep()
            if self._stopping.wait(settings.SWEEP_SECONDS):
                break
        connections.close_all()

    def sweep(self) -> None:
        close_old_connections()
        try:
            swept = progress.sweep(idle=jobs_at_work.value < self._concurrency)
        except Exception:
            # The next sweep tries again; a thread that died of a database restart would never.
            logger.exception("A sweep failed.")
            return
        if any((swept.returned, swept.dispatched, swept.sent)):
            logger.info("%s", swept)

    def stop(self) -> None:
        self._stopping.set()
        self.join(timeout=5)


_sweepers: list[Sweeper] = []


@signals.worker_ready.connect
def begin_sweeping(sender: Any, **kwargs: Any) -> None:
    SHUTTING_DOWN.clear()
    _sweepers.append(Sweeper(sender.controller.concurrency))
    _sweepers[-1].start()


@signals.worker_shutting_down.connect
def stop_engines(**kwargs: Any) -> None:
    SHUTTING_DOWN.set()


@signals.worker_shutdown.connect
def end_sweeping(**kwargs: Any) -> None:
    while _sweepers:
        _sweepers.pop().stop()
