"""What follows from scores, beside the places: intervals of the evaluations that ended here, and claims."""

from __future__ import annotations

import logging
import threading

from django.conf import settings
from django.db import close_old_connections, connections

from leaderboard.models import Stage
from leaderboard.services import claims, headlines, uncertainty

logger = logging.getLogger(__name__)


class Follower(threading.Thread):
    """Looks every SWEEP_SECONDS whether scores have changed: an evaluation's place need not wait for statistics.

    A daemon: all that it does can be broken off, and is made up for when a worker starts, which looks at everything.
    """

    def __init__(self, worker: str) -> None:
        super().__init__(name="follower", daemon=True)
        self._worker = worker
        self._seen = ""
        self._followed: set[int] = set()
        self._stopping = threading.Event()

    def run(self) -> None:
        while True:
            close_old_connections()
            self.follow()
            if self._stopping.wait(settings.SWEEP_SECONDS):
                break
        connections.close_all()

    def follow(self) -> None:
        """Intervals of this worker's own evaluations, then all claims, if any score has changed since the last time."""
        try:
            ended = set(self._ended())
            if headlines.current() == self._seen and ended <= self._followed:
                return
            uncertainty.refresh(ended - self._followed if self._seen else None)
            # With the intervals that were just kept, which are a change of what pages show; claims come after it.
            state = headlines.current()
            claims.test_all()
        except Exception:
            # The next look tries again: scores are there whether or not their intervals are.
            logger.exception("Intervals and claims could not follow the scores.")
            return
        self._seen, self._followed = state, ended

    def _ended(self) -> list[int]:
        done = Stage.objects.filter(
            action=Stage.Action.EVALUATE, status=Stage.Status.DONE, worker__startswith=f"{self._worker}:"
        )
        return list(done.order_by().values_list("pk", flat=True))

    def stop(self) -> None:
        self._stopping.set()
        self.join(timeout=5)
