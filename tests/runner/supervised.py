"""Short scripts in the engine's place, and what hears them: for the tests of the supervisor."""

from __future__ import annotations

import os
import sys
import textwrap
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from runner.endings import Ending
from runner.supervisor import Limits, Outcome, supervise
from runner.usage import Usage

ROOT = Path(__file__).resolve().parents[2]


class Watcher:
    """Keeps what it hears; wishes to stop when `wish` says so."""

    def __init__(self, wish: Callable[[Watcher], Ending | None] = lambda watcher: None) -> None:
        self.events: list[dict[str, Any]] = []
        self.usages: list[Usage] = []
        self._wish = wish

    def event(self, event: dict[str, Any]) -> None:
        self.events.append(event)

    def beat(self, usage: Usage) -> None:
        self.usages.append(usage)

    def should_stop(self) -> Ending | None:
        return self._wish(self)

    @property
    def beats(self) -> int:
        return len(self.usages)

    @property
    def names(self) -> list[str]:
        return [event["event"] for event in self.events]


def python(script: str) -> list[str]:
    """A command for an engine that is this short script; `say` writes an event."""
    prelude = """
        import json, os, signal, sys, time
        def say(event, **fields):
            print(json.dumps({"event": event, **fields}), flush=True)
    """
    return [sys.executable, "-c", textwrap.dedent(prelude) + textwrap.dedent(script)]


def run(folder: Path, command: Sequence[str], watcher: Watcher | None = None, **limits: float) -> Outcome:
    limits = {"heartbeat": 0.05, "grace": 5, "deadline": 30, **limits}
    return supervise(command, folder, watcher or Watcher(), Limits(**limits), cwd=ROOT)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def until(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.02)
