"""Settings of the workers in the chaos trials: the real ones, with a clock that jumps, and resume points all the time.

The clock is put forward or back by the seconds in the file that CHAOS_CLOCK names, wherever a worker reads the time
of day: in Django, and in SQLite, whose clock is that of the process. (libfaketime would do so for all programs, but
makes Python's `time.sleep` fail.) Engines and supervisors use the monotonic clock, which does not jump.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.db.backends.signals import connection_created
from django.utils import timezone

from leaderboard.settings import *  # noqa: F403

# A stage of a trial is shorter than the minutes that are usual.
RESUME_SECONDS = 0.3


def jumped() -> datetime:
    try:
        seconds = int(Path(os.environ["CHAOS_CLOCK"]).read_text())
    except (OSError, ValueError):
        seconds = 0  # it is being written
    return datetime.now(tz=UTC) + timedelta(seconds=seconds)


def give_sqlite_the_clock(connection, **kwargs) -> None:
    if connection.vendor == "sqlite":
        connection.connection.create_function("STRFTIME", 2, _strftime)


def _strftime(layout: str, moment: str) -> str:
    assert (layout, moment.upper()) == ("%Y-%m-%d %H:%M:%f", "NOW"), "this is all that Django's Now() asks"
    return jumped().strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


if "CHAOS_CLOCK" in os.environ:
    timezone.now = jumped
    connection_created.connect(give_sqlite_the_clock)
