"""What a worker does; the only package that knows both sides, Django's services and the engine's process.

Celery loads it in workers alone. A message rings the bell of this worker's places (`runner.jobs.places`), which
take stages from the database and run them (`runner.jobs.stage`).
"""

from __future__ import annotations

from typing import Any

from celery import signals
from django.conf import settings

from leaderboard.celery import app
from leaderboard.queue import JOB
from runner.jobs.following import Follower
from runner.jobs.places import Places, Sweeper, worker_name
from runner.jobs.relay import SHUTTING_DOWN

_at_work: list[tuple[Places, tuple[Sweeper, Follower]]] = []


@app.task(name=JOB)
def wake(stage_id: int) -> None:
    """Look for a stage: the one that the message speaks of, or whichever's turn it is by now."""
    for places, _ in _at_work:
        places.wake()


@signals.worker_ready.connect
def begin(sender: Any, **kwargs: Any) -> None:
    SHUTTING_DOWN.clear()
    places = Places(sender.controller.concurrency, settings.GPUS)
    beside = (Sweeper(places), Follower(worker_name()))
    _at_work.append((places, beside))
    places.start()
    for thread in beside:
        thread.start()


@signals.worker_shutting_down.connect
def stop_engines(**kwargs: Any) -> None:
    SHUTTING_DOWN.set()


@signals.worker_shutdown.connect
def end(**kwargs: Any) -> None:
    SHUTTING_DOWN.set()
    while _at_work:
        places, beside = _at_work.pop()
        for thread in beside:
            thread.stop()
        places.stop()
