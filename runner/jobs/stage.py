"""One stage, from its lease to its end: the job file, the supervisor, and what comes of it."""

from __future__ import annotations

import hashlib
import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import close_old_connections

from leaderboard.models import Stage
from leaderboard.services import progress, results
from leaderboard.services.leases import Lease, LeaseLost
from runner import spec
from runner.curve import CURVE
from runner.endings import Ending
from runner.errors import RecipeError
from runner.finished import FINISHED
from runner.jobs.relay import DATABASE_AWAY, Relay
from runner.process import without_secrets
from runner.supervisor import LOG, Limits, Outcome, supervise
from runner.warm import Template

logger = logging.getLogger(__name__)

STAGE_FILE = "stage.json"
# How often, and how far apart in seconds, an ending is written again while the database is away.
PATIENCE = (1, 2, 4, 8, 15, 30, 60, 60)
# What an attempt leaves that another was to go on from; of no use to a stage that is done.
REMAINS = ("resume-*", "best-*", ".*.partial", "*.draft")

Failure = Stage.Failure
# Endings that another attempt would only repeat.
FAILURES = {
    Ending.SUBMITTER: Failure.SUBMITTER,
    Ending.BUG: Failure.BUG,
    Ending.OUT_OF_MEMORY: Failure.OUT_OF_MEMORY,
    Ending.TIME_LIMIT: Failure.TIME_LIMIT,
}
# Endings that the machine is to blame for: tried again, so often and with pauses.
LOSSES = {
    Ending.KILLED: Failure.LOST_WORKER,
    Ending.HUNG: Failure.HUNG,
    Ending.INFRASTRUCTURE: Failure.INFRASTRUCTURE,
}


def run(lease: Lease, gpu: str = "", template: Template | None = None) -> None:
    """Run the stage of the lease to its end, on the device `gpu` (empty: what the worker sees); never raises."""
    try:
        _run(lease, gpu, template)
    except LeaseLost as lost:
        logger.warning("%s", lost)
    except Exception as error:
        logger.exception("The job of stage %s failed.", lease.stage_id)
        _give_up(lease, error)
    finally:
        close_old_connections()


def _run(lease: Lease, gpu: str, template: Template | None) -> None:
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
        _limits(),
        cwd=settings.BASE_DIR,
        environment=without_secrets(),
        gpu=gpu,
        template=template,
    )
    logger.info("Stage %s ended after %.0f s: %s. %s", stage.pk, outcome.seconds, outcome.ending, outcome.message)
    if relay.lost:
        raise LeaseLost(f"Stage {stage.pk} went on without this worker, whose engine was stopped.")
    _persist(lambda: _conclude(lease, outcome, relay))


def _limits() -> Limits:
    return Limits(
        heartbeat=settings.HEARTBEAT_SECONDS,
        grace=settings.STOP_GRACE_SECONDS,
        deadline=settings.STAGE_TIME_LIMIT,
        cancel_grace=settings.CANCEL_GRACE_SECONDS,
        silence=settings.STAGE_SILENCE_LIMIT or None,
        memory=settings.STAGE_MEMORY_LIMIT * 2**20 or None,
    )


def _give_up(lease: Lease, error: Exception) -> None:
    """The worker itself failed: by a disk that is full, which may pass, or by our bug.

    Where even that cannot be written, the lease runs out.
    """
    try:
        if isinstance(error, DATABASE_AWAY):
            progress.lose(lease, Failure.INFRASTRUCTURE, "The database was away.")
        elif isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
            progress.lose(lease, Failure.INFRASTRUCTURE, f"The worker's machine failed: {error.strerror}.")
        else:
            progress.fail(lease, Failure.BUG, f"The worker failed with {type(error).__name__}: {error}")
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
        cache_limit=settings.FEATURE_CACHE_LIMIT,
        threads=settings.ENGINE_THREADS,
        processes=settings.ENGINE_PROCESSES,
        gradient_checkpointing=settings.ENGINE_GRADIENT_CHECKPOINTING,
        compile="inductor" if settings.ENGINE_COMPILE else "",
        resume_seconds=settings.RESUME_SECONDS,
    )


def _conclude(lease: Lease, outcome: Outcome, relay: Relay) -> None:
    """Write the ending; a result that cannot be true is our bug, not a success."""
    if outcome.ending is Ending.DONE:
        tidy(relay.folder)
    artifacts = [*relay.artifacts, *own_files(relay.folder)]
    seconds = outcome.seconds
    if outcome.ending is Ending.DONE:
        try:
            progress.finish(
                lease,
                scores=relay.scores,
                diagnostics=relay.diagnostics,
                artifacts=artifacts,
                data=relay.data,
                seconds=seconds,
            )
        except (results.ResultError, KeyError, TypeError) as error:
            logger.exception("The results of stage %s are refused.", lease.stage_id)
            (relay.folder / FINISHED).unlink(missing_ok=True)  # another attempt must not report them again
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
        progress.lose(lease, LOSSES[outcome.ending], outcome.message, seconds=seconds)


def tidy(folder: Path) -> None:
    """Remove what attempts that were stopped or killed left in the folder of a stage that is done."""
    for pattern in REMAINS:
        for path in folder.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


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
