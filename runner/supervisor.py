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
from pathlib import Path
from typing import IO, Any, Protocol

from runner.endings import Ending, Seen, Stop, verdict
from runner.events import parse
from runner.process import SUPERVISOR, offer_to_out_of_memory_killer, out_of_memory_kills, signal_group
from runner.usage import Meter, Usage
from runner.warm import Template, TemplateLost, WarmProcess

LOG = "stage.log"
LOCK = "stage.lock"
VISIBLE_GPUS = "CUDA_VISIBLE_DEVICES"
TICK = 0.1  # seconds between two looks at the process and at the watcher's wish to stop
LOG_TAIL_LINES = 20
LOG_TAIL_BYTES = 16_384
GIB = 1 << 30
LINE_LIMIT = 1 << 20  # bytes; a longer "line" is no event


@dataclass(frozen=True)
class Outcome:
    """How the engine ended: one sentence where that is not well, the last lines of its log, wall seconds."""

    ending: Ending
    message: str
    log_tail: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Limits:
    """In seconds: between heartbeats, from SIGTERM to SIGKILL, for the whole stage, and without any progress.

    `memory` is in bytes, over all processes of the engine. None: no limit. Who cancels wants no checkpoint, but
    the end soon: `cancel_grace` is from SIGTERM to SIGKILL then.
    """

    heartbeat: float
    grace: float
    deadline: float | None = None
    cancel_grace: float = 1.0
    silence: float | None = None
    memory: int | None = None


class Watcher(Protocol):
    """What the supervisor reports to; no method may raise."""

    def event(self, event: dict[str, Any]) -> None:
        """An event of the engine, in order."""

    def beat(self, usage: Usage) -> None:
        """The engine is alive and uses so much; called every `Limits.heartbeat` seconds."""

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
    gpu: str = "",
    template: Template | None = None,
) -> Outcome:
    """Run `command` for the stage whose files lie in `folder` until it ends or has to; nothing of it goes on.

    The engine sees the device `gpu` alone (empty: what the environment has), and is forked from `template` where there
    is one that can. Must be called from a thread that
    lives as long as the call (see `die_with_parent`).
    """
    begun = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOG).open("ab") as log, (folder / LOCK).open("a+") as lock:
        if not _lock(lock, watcher, limits):
            message = "Another engine is still at work on this stage and cannot be stopped."
            return Outcome(watcher.should_stop() or Ending.KILLED, message, (), time.monotonic() - begun)
        start_of_log = log.tell()
        own = {SUPERVISOR: str(os.getpid()), **({VISIBLE_GPUS: gpu} if gpu else {})}
        engine = _Engine(command, log, lock, cwd, {**(environment or os.environ), **own}, template)
        meter = Meter(engine.process.pid, gpu)
        try:
            stopped = _watch(engine, watcher, limits, meter)
        finally:
            engine.end()
            meter.close()
        for event in engine.rest():
            watcher.event(event)
        ending, message = verdict(engine.seen(), stopped)
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
            watcher.beat(Usage())
        if watcher.should_stop():
            return False
        time.sleep(TICK)
    return False


class _Engine:
    """The running process and the events on its standard output."""

    def __init__(
        self,
        command: Sequence[str],
        log: IO[bytes],
        lock: IO[str],
        cwd: Path | None,
        environment: Mapping[str, str],
        template: Template | None,
    ) -> None:
        self._log = log
        self._partial = b""
        self.done: dict[str, Any] | None = None
        self.error: dict[str, Any] | None = None
        self._kills_before = out_of_memory_kills()
        self.process = _start(command, log, lock, cwd, environment, template)
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

    def seen(self) -> Seen:
        now = out_of_memory_kills()
        for_memory = None if now is None or self._kills_before is None else now > self._kills_before
        return Seen(self.process.returncode, self.done, self.error, for_memory)


def _start(
    command: Sequence[str],
    log: IO[bytes],
    lock: IO[str],
    cwd: Path | None,
    environment: Mapping[str, str],
    template: Template | None,
) -> subprocess.Popen[bytes] | WarmProcess:
    if template:
        # What cannot be started warm is started as if there were no template.
        with contextlib.suppress(TemplateLost):
            return template.start(command, log, lock, cwd, environment)
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        cwd=cwd,
        env=environment,
        pass_fds=(lock.fileno(),),
        start_new_session=True,  # ctrl-C in the terminal is for the worker; and a group can be killed whole
    )


def _watch(engine: _Engine, watcher: Watcher, limits: Limits, meter: Meter) -> Stop | None:
    """Relay events until the engine has ended; returns why it was asked to stop, if it was."""
    stopped: Stop | None = None
    kill_at = float("inf")
    next_beat = 0.0
    bounds = _Bounds(limits)
    while engine.process.poll() is None:
        for event in engine.events():
            bounds.notice(event)
            watcher.event(event)
        now = time.monotonic()
        if now >= next_beat:
            next_beat = now + limits.heartbeat
            usage = meter.read()
            bounds.memory = usage.memory
            watcher.beat(usage)
        if stopped is None:
            wish = watcher.should_stop()
            stopped = Stop(wish) if wish else bounds.exceeded()
            if stopped:
                kill_at = now + (limits.cancel_grace if stopped.ending is Ending.CANCELLED else limits.grace)
                engine.ask_to_stop()
        elif now >= kill_at:
            break
    return stopped


class _Bounds:
    """Which of the limits an engine is beyond."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._begun = self._moved = time.monotonic()
        self._last: dict[str, Any] | None = None
        self.memory = 0

    def notice(self, event: dict[str, Any]) -> None:
        """Every event is progress, but one that repeats the last: a thread can go on saying where the engine hangs."""
        if event != self._last:
            self._last, self._moved = event, time.monotonic()

    def exceeded(self) -> Stop | None:
        limits, now = self._limits, time.monotonic()
        if limits.deadline is not None and now - self._begun >= limits.deadline:
            return Stop(Ending.TIME_LIMIT, f"It was stopped after its time limit of {limits.deadline:g} seconds.")
        if limits.silence is not None and now - self._moved >= limits.silence:
            return Stop(Ending.HUNG, f"It was alive, but made no progress for {limits.silence:g} seconds.")
        if limits.memory is not None and self.memory > limits.memory:
            found, right = self.memory / GIB, limits.memory / GIB
            return Stop(Ending.OUT_OF_MEMORY, f"It used {found:.1f} GiB of memory, more than the {right:.1f} allowed.")
        return None


def _tail(path: Path, start: int) -> tuple[str, ...]:
    """The last lines of this attempt's log."""
    with path.open("rb") as log:
        log.seek(max(start, path.stat().st_size - LOG_TAIL_BYTES))
        return tuple(log.read().decode(errors="replace").splitlines()[-LOG_TAIL_LINES:])
