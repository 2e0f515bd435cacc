"""The watcher of one engine: keeps its results, writes its progress, renews its lease."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.db import InterfaceError, OperationalError, close_old_connections

from leaderboard.services import progress
from leaderboard.services.leases import Lease, LeaseLost
from runner.curve import Curve
from runner.endings import Ending
from runner.usage import Usage

logger = logging.getLogger(__name__)

PROGRESS_SECONDS = 1.0  # between two writes of progress
RATE_SECONDS = 60.0  # over which the rate is measured
DATABASE_AWAY = (OperationalError, InterfaceError)

# Set when the worker is asked to stop: its engines write a checkpoint and their stages go back to the queue.
SHUTTING_DOWN = threading.Event()


class Relay:
    """Keeps an engine's results, writes its progress about once a second, renews the lease."""

    def __init__(self, lease: Lease, folder: Path) -> None:
        self.folder = folder
        self.lost = False
        self.scores: list[Mapping[str, Any]] = []
        self.diagnostics: list[Mapping[str, Any]] = []
        self.artifacts: list[Mapping[str, Any]] = []
        self.data: list[Mapping[str, Any]] = []
        self._lease = lease
        self._curve = Curve(folder)
        self._rate = Rate()
        self._cancelled = False
        self._unwritten: Mapping[str, Any] | None = None
        self._written_at = 0.0

    def event(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "progress":
                self._unwritten = event
                self._rate.notice(event)
                if time.monotonic() - self._written_at >= PROGRESS_SECONDS:
                    self._write_progress()
            case "curve":
                self._safely(lambda: self._curve.append(_fields_of(event)))
            case "environment":
                self._safely(lambda: progress.record(self._lease, event))
            case "score":
                self.scores.append(event)
            case "diagnostic":
                self.diagnostics.append(event)
            case "artifact":
                self.artifacts.append(event)
            case "data":
                self.data.append(event)

    def beat(self, usage: Usage) -> None:
        if self._unwritten:
            self._write_progress()
        self._safely(lambda: self._renew(usage))

    def should_stop(self) -> Ending | None:
        if self.lost or SHUTTING_DOWN.is_set():
            return Ending.STOPPED
        return Ending.CANCELLED if self._cancelled else None

    def _renew(self, usage: Usage) -> None:
        self._cancelled = progress.beat(self._lease, usage.to_dict()).cancel_requested

    def _write_progress(self) -> None:
        event, self._unwritten = self._unwritten, None
        self._written_at = time.monotonic()
        self._safely(lambda: progress.record(self._lease, event, self._rate.value()))

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


class Rate:
    """Units per second over about the last minute of one activity (reading data has another pace than training)."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, int]] = deque()
        self._kind: tuple[Any, ...] = ()

    def notice(self, event: Mapping[str, Any]) -> None:
        kind = (event["unit"], event["note"], event["total"])
        now = time.monotonic()
        if kind != self._kind:
            self._kind = kind
            self._points.clear()
        self._points.append((now, event["done"]))
        while now - self._points[0][0] > RATE_SECONDS and len(self._points) > 2:
            self._points.popleft()

    def value(self) -> float | None:
        """None until something was done in a measurable time."""
        if len(self._points) < 2:
            return None
        (begun, first), (now, last) = self._points[0], self._points[-1]
        return (last - first) / (now - begun) if now > begun and last > first else None


def _fields_of(event: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name != "event"}
