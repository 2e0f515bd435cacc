"""The supervisor: runs one engine as a subprocess, relays its events and says how it ended.

Knows processes only, neither Celery nor Django: what a heartbeat means and when to stop is the watcher's.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, Protocol

from runner.events import EXIT_DONE, EXIT_OUT_OF_MEMORY, EXIT_STOPPED, EXIT_SUBMITTER, parse
from runner.process import SUPERVISOR, offer_to_out_of_memory_killer, out_of_memory_kills, signal_group

LOG = "stage.log"
LOCK = "stage.lock"
TICK = 0.1  # seconds between two looks at the process and at the watcher's wish to stop
LOG_TAIL_LINES = 20
LOG_TAIL_BYTES = 16_384
LINE_LIMIT = 1 << 20  # bytes; a longer "line" is no event


class Ending(StrEnum):
    """How a stage's engine can end."""

    DONE = "done"
    SUBMITTER = "submitter"  # the submitter can mend it (RecipeError)
    BUG = "bug"
    OUT_OF_MEMORY = "out_of_memory"
    TIME_LIMIT = "time_limit"
    CANCELLED = "cancelled"  # the watcher asked for it
    STOPPED = "stopped"  # asked to stop for another reason: the stage can go on elsewhere
    KILLED = "killed"  # from outside, without a word


@dataclass(frozen=True)
class Outcome:
    """How the engine ended: one sentence where that is not well, the last lines of its log, wall seconds."""

    ending: Ending
    message: str
    log_tail: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Limits:
    """In seconds: between heartbeats, from SIGTERM to SIGKILL, and for the whole stage (None: no limit)."""

    heartbeat: float
    grace: float
    deadline: float | None = None


class Watcher(Protocol):
    """What the supervisor reports to; no method may raise."""

    def event(self, event: dict[str, Any]) -> None:
        """An event of the engine, in order."""

    def beat(self) -> None:
        """The engine is alive; called every `Limits.heartbeat` seconds."""

    def should_stop(self) -> Ending | None:
        """CANCELLED or STOPPED where the engine shall end; asked often, so it must be quick."""


def supervise(
    command: Sequence[str],
    folder: Path,
    watcher: Watcher,
    limits: Limits,
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Outcome:
    """Run `command` for the stage whose files lie in `folder` until it ends or has to; nothing of it goes on.

    Must be called from a thread that lives as long as the call (see `die_with_parent`).
    """
    begun = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOG).open("ab") as log, (folder / LOCK).open("a+") as lock:
        if not _lock(lock, watcher, limits):
            message = "Another engine is still at work on this stage and cannot be stopped."
            return Outcome(watcher.should_stop() or Ending.KILLED, message, (), time.monotonic() - begun)
        start_of_log = log.tell()
        engine = _Engine(command, log, lock, cwd, {**(environment or os.environ), SUPERVISOR: str(os.getpid())})
        try:
            stopped = _watch(engine, watcher, limits, begun)
        finally:
            engine.end()
        for event in engine.rest():
            watcher.event(event)
        ending, message = _verdict(engine, stopped, limits)
    tail = _tail(folder / LOG, start_of_log)
    return Outcome(ending, message, tail, time.monotonic() - begun)


def _lock(lock: IO[str], watcher: Watcher, limits: Limits) -> bool:
    """Take the folder: two engines never write into one.

    The engine inherits the lock, so it outlives a supervisor that was killed. Whoever holds the stage's lease
    may end such a leftover, whose process group is named in the file.
    """
    begun = time.monotonic()
    patience = {signal.SIGTERM: 0.0, signal.SIGKILL: limits.grace}
    next_beat = begun + limits.heartbeat
    while time.monotonic() - begun < limits.grace + 5:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            lock.truncate(0)
            return True
        lock.seek(0)
        host, _, group = lock.read().partition(" ")
        for number, after in list(patience.items()):
            if host == os.uname().nodename and group.isdigit() and time.monotonic() - begun >= after:
                del patience[number]
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(int(group), number)
        if time.monotonic() >= next_beat:
            next_beat += limits.heartbeat
            watcher.beat()
        if watcher.should_stop():
            return False
        time.sleep(TICK)
    return False


class _Engine:
    """The running process and the events on its standard output."""

    def __init__(
        self, command: Sequence[str], log: IO[bytes], lock: IO[str], cwd: Path | None, environment: Mapping[str, str]
    ) -> None:
        self._log = log
        self._partial = b""
        self.done: dict[str, Any] | None = None
        self.error: dict[str, Any] | None = None
        self._kills_before = out_of_memory_kills()
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=cwd,
            env=environment,
            pass_fds=(lock.fileno(),),
            start_new_session=True,  # ctrl-C in the terminal is for the worker; and a group can be killed whole
        )
        lock.write(f"{os.uname().nodename} {self.process.pid}")
        lock.flush()
        offer_to_out_of_memory_killer(self.process.pid)
        os.set_blocking(self.process.stdout.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self.process.stdout, selectors.EVENT_READ)

    def events(self) -> Iterator[dict[str, Any]]:
        """What arrives within one tick."""
        if not self._selector.get_map():
            time.sleep(TICK)  # it closed its output and is still alive
        elif self._selector.select(TICK):
            chunk = self.process.stdout.read(1 << 16)
            if chunk == b"":
                self._selector.unregister(self.process.stdout)
            yield from self._split(chunk or b"")

    def rest(self) -> Iterator[dict[str, Any]]:
        """What was still in the pipe when the process ended, a torn last line included (it is no event)."""
        while chunk := self.process.stdout.read(1 << 16):
            yield from self._split(chunk)
        yield from self._split(b"\n" if self._partial else b"")
        self._selector.close()
        self.process.stdout.close()

    def _split(self, chunk: bytes) -> Iterator[dict[str, Any]]:
        *lines, self._partial = (self._partial + chunk).split(b"\n")
        if len(self._partial) > LINE_LIMIT:
            lines, self._partial = [*lines, self._partial], b""
        for line in lines:
            event = parse(line.decode(errors="replace"))
            if event is None:
                self._log.write(line + b"\n")  # a library's print
                self._log.flush()
                continue
            if event["event"] == "done":
                self.done = event
            elif event["event"] == "error":
                self.error = event
            yield event

    def ask_to_stop(self) -> None:
        signal_group(self.process, signal.SIGTERM)

    def end(self) -> None:
        """Whatever happened: the engine has ended, and what it started in its group is killed."""
        signal_group(self.process, signal.SIGKILL)
        self.process.wait()

    def killed_for_memory(self) -> bool | None:
        """Whether the kernel killed something for memory meanwhile; None where it does not say."""
        now = out_of_memory_kills()
        return None if now is None or self._kills_before is None else now > self._kills_before


def _watch(engine: _Engine, watcher: Watcher, limits: Limits, begun: float) -> Ending | None:
    """Relay events until the engine has ended; returns why it was asked to stop, if it was."""
    stopped: Ending | None = None
    kill_at = float("inf")
    next_beat = 0.0
    while engine.process.poll() is None:
        for event in engine.events():
            watcher.event(event)
        now = time.monotonic()
        if now >= next_beat:
            next_beat = now + limits.heartbeat
            watcher.beat()
        if stopped is None:
            stopped = watcher.should_stop()
            if limits.deadline is not None and now - begun >= limits.deadline:
                stopped = stopped or Ending.TIME_LIMIT
            if stopped:
                kill_at = now + limits.grace
                engine.ask_to_stop()
        elif now >= kill_at:
            break
    return stopped


def _verdict(engine: _Engine, stopped: Ending | None, limits: Limits) -> tuple[Ending, str]:
    """The ending and its sentence, from the exit code, the last events and what was asked of the engine."""
    code = engine.process.returncode
    if code == EXIT_DONE and engine.done:
        return Ending.DONE, ""  # even if it was asked to stop a moment before
    if stopped is Ending.TIME_LIMIT:
        return stopped, f"It was stopped after its time limit of {limits.deadline:g} seconds."
    if stopped:
        return stopped, ""
    if code in (EXIT_STOPPED, -signal.SIGTERM):
        return Ending.STOPPED, "The engine was asked to stop from outside."
    if code == -signal.SIGKILL:
        return _killed(for_memory=engine.killed_for_memory())
    family = engine.error.get("family") if engine.error else None
    message = str(engine.error.get("message", "")) if engine.error else ""
    if code == EXIT_OUT_OF_MEMORY or family == "out_of_memory":
        return Ending.OUT_OF_MEMORY, message or "The engine ran out of memory."
    # The family too, because Python itself exits with 2 where it cannot find its script.
    if code == EXIT_SUBMITTER and family == "submitter":
        return Ending.SUBMITTER, message
    if code == EXIT_DONE:
        return Ending.BUG, "The engine ended without saying that it was done."
    if code < 0:
        return Ending.BUG, message or f"The engine crashed with {_signal_name(-code)}."
    return Ending.BUG, message or f"The engine ended with exit code {code}; its log says more."


def _killed(*, for_memory: bool | None) -> tuple[Ending, str]:
    if for_memory is None:
        return Ending.OUT_OF_MEMORY, "The engine was killed by the system, most likely because memory ran out."
    if for_memory:
        return Ending.OUT_OF_MEMORY, "The engine was killed by the system, because memory ran out."
    return Ending.KILLED, "The engine was killed from outside, not for lack of memory."


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _tail(path: Path, start: int) -> tuple[str, ...]:
    """The last lines of this attempt's log."""
    with path.open("rb") as log:
        log.seek(max(start, path.stat().st_size - LOG_TAIL_BYTES))
        return tuple(log.read().decode(errors="replace").splitlines()[-LOG_TAIL_LINES:])
