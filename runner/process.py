"""Processes: ties between an engine and its supervisor, and what the system can say about a process's end.

Standard library only. What a system other than Linux lacks is left out there, never an error.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import Protocol

# The environment variable by which an engine knows which process supervises it.
SUPERVISOR = "RUNNER_SUPERVISOR"
PR_SET_PDEATHSIG = 1  # linux/prctl.h
# What a process that only computes has no business to know: above all one that reads what strangers sent.
SECRETS = ("SECRET_KEY", "DATABASE_URL", "CELERY_BROKER_URL")


class HasPid(Protocol):
    pid: int


def without_secrets() -> dict[str, str]:
    """This process's environment for one that it starts."""
    return {name: value for name, value in os.environ.items() if name not in SECRETS}


def die_with_parent(number: signal.Signals = signal.SIGTERM) -> None:
    """Ask the kernel for SIGTERM when the supervisor dies, so that its engine writes a checkpoint and leaves.

    Called by the engine itself: code between fork and exec is unsafe in a supervisor that has threads. The
    kernel counts the thread that started the engine as the parent; a supervisor's thread waits for its engine,
    so the two end together. Does nothing for an engine that was started by hand.
    """
    supervisor = os.environ.get(SUPERVISOR)
    if not supervisor or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != int(supervisor):  # it died before the line above
        os.kill(os.getpid(), number)


def offer_to_out_of_memory_killer(pid: int) -> None:
    """Make the kernel choose this process, not its supervisor, when memory runs out."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/oom_score_adj").write_text("900")


def out_of_memory_kills() -> int | None:
    """How many processes the kernel has killed for memory since it started; None where it does not say."""
    try:
        counters = dict(line.split() for line in Path("/proc/vmstat").read_text().splitlines())
        return int(counters["oom_kill"])
    except (OSError, KeyError, ValueError):
        return None


def signal_group(process: HasPid, number: signal.Signals) -> None:
    """Send a signal to a process that leads its group, and to all that it started there; none left is no error."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
