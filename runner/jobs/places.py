"""The worker's places for engines, and the sweeper beside them.

A place is a thread that takes stages from the database, one after the other, as long as there are any; then it
waits for a message, or looks by itself now and then. A message is therefore never held while an engine works, and
a lost one costs seconds.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import socket
import threading
import uuid
from collections.abc import Sequence

from django.conf import settings
from django.db import close_old_connections, connections

from leaderboard.services import leases, sweeping, workers
from leaderboard.services.leases import Lease
from runner.jobs.relay import SHUTTING_DOWN
from runner.jobs.stage import run
from runner.warm import Template

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0  # between two looks of an idle place: a worker that is busy may have taken the message


class Places:
    """`count` places; the first ones have a GPU each where `gpus` names some."""

    def __init__(self, count: int, gpus: Sequence[str] = (), lanes: Sequence[str] = ()) -> None:
        self.lanes = tuple(lanes or settings.LANES)
        self.count = count
        self._stopping = threading.Event()
        self._at_work = 0
        self._lock = threading.Lock()
        # More rings than places are one too many: whoever looks takes all that there is.
        self._bell: queue.Queue[None] = queue.Queue(maxsize=count)
        pinned = [*gpus, *[""] * count][:count]
        # Not daemons: an engine writes its checkpoint before the worker ends.
        self._threads = [
            threading.Thread(target=self._work, args=(gpu,), name=f"place-{number}")
            for number, gpu in enumerate(pinned)
        ]

    @property
    def idle(self) -> bool:
        return self._at_work < self.count

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """An idle place looks for a stage at once."""
        with contextlib.suppress(queue.Full):
            self._bell.put_nowait(None)

    def stop(self) -> None:
        """Take nothing more, and wait until the engines at work have ended."""
        self._stopping.set()
        for _ in self._threads:
            self.wake()
        for thread in self._threads:
            thread.join()

    def _work(self, gpu: str) -> None:
        template = Template() if settings.ENGINE_WARM else None
        while not self._closing():
            while not self._closing() and (lease := self._take()):
                with self._lock:
                    self._at_work += 1
                try:
                    run(lease, gpu, template)
                finally:
                    with self._lock:
                        self._at_work -= 1
            with contextlib.suppress(queue.Empty):
                self._bell.get(timeout=LOOK_SECONDS)
        if template:
            template.close()
        connections.close_all()

    def _closing(self) -> bool:
        return self._stopping.is_set() or SHUTTING_DOWN.is_set()

    def _take(self) -> Lease | None:
        close_old_connections()
        try:
            return leases.take(f"{worker_name()}:{uuid.uuid4().hex[:8]}", self.lanes)
        except Exception:
            # The next look tries again; a thread that died of a database restart would never.
            logger.exception("No stage could be taken.")
            return None


class Sweeper(threading.Thread):
    """Sweeps every SWEEP_SECONDS beside the places, so that the embedded default needs no process for it."""

    def __init__(self, places: Places) -> None:
        super().__init__(name="sweeper", daemon=True)
        self._places = places
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
            workers.seen(worker_name(), self._places.lanes, self._places.count)
            swept = sweeping.sweep(idle=self._places.idle, lanes=self._places.lanes)
        except Exception:
            logger.exception("A sweep failed.")
            return
        if any((swept.returned, swept.dispatched, swept.sent)):
            logger.info("%s", swept)
            self._places.wake()

    def stop(self) -> None:
        self._stopping.set()
        self.join(timeout=5)


def worker_name() -> str:
    """This process, for people."""
    return f"{socket.gethostname()}:{os.getpid()}"
