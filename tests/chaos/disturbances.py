"""What can happen to workers, engines, broker, database, disk and clock in a trial of chaos."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
DISK_FULL_SECONDS = 1.5
ROOM = 20_000  # bytes, where the disk is full
TEMPLATE = "runner.template"
LOCKED_SECONDS = 4.0  # longer than the lease of a trial


@dataclass
class Surroundings:
    """What a trial runs in."""

    folder: Path
    postgresql: object = None
    broker: object = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def clock(self) -> Path:
        return self.folder / "clock"

    def start_worker(self) -> None:
        command = [sys.executable, "-m", "celery", "-A", "leaderboard", "worker", "--loglevel", "INFO"]
        command += ["--without-gossip", "--without-mingle"]
        environment = {**os.environ, "CHAOS_CLOCK": str(self.clock)}
        with (self.folder / "workers.log").open("ab") as log:
            self.workers.append(subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log))

    def stop_workers(self) -> None:
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            try:
                worker.wait(timeout=30)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
        self.workers.clear()


# Disturbances. Each returns whether there was something to disturb.


def kill_engine(around: Surroundings, draw: random.Random) -> bool:
    return _kill_one(engines(around), draw)


def kill_template(around: Surroundings, draw: random.Random) -> bool:
    """What engines are forked from: one that is at work dies with it."""
    return _kill_one(templates(around), draw)


def kill_worker(around: Surroundings, draw: random.Random) -> bool:
    """The supervisor is a thread of the worker: they die together, and the engine hears of it from the kernel."""
    worker = around.workers.pop(draw.randrange(len(around.workers)))
    worker.kill()
    worker.wait()
    around.start_worker()
    return True


def stop_worker(around: Surroundings, draw: random.Random) -> bool:
    worker = around.workers.pop(draw.randrange(len(around.workers)))
    worker.terminate()
    worker.wait(timeout=60)
    around.start_worker()
    return True


def restart_broker(around: Surroundings, draw: random.Random) -> bool:
    """The embedded broker has no server: it loses its messages instead."""
    if around.broker:
        around.broker.restart()
        return True
    from tests.stages import empty_queue

    empty_queue()
    return True


def restart_database(around: Surroundings, draw: random.Random) -> bool:
    """SQLite has no server: it is locked for longer than a lease instead."""
    from django.db import connection

    if around.postgresql:
        around.postgresql.restart()
        connection.close()
        return True
    lock = sqlite3.connect(str(connection.settings_dict["NAME"]), timeout=30, isolation_level=None)
    try:
        lock.execute("BEGIN IMMEDIATE")
        time.sleep(LOCKED_SECONDS)
        lock.execute("ROLLBACK")
    finally:
        lock.close()
    return True


def fill_disk(around: Surroundings, draw: random.Random) -> bool:
    """No engine can let a file grow beyond some kilobytes."""
    full: set[psutil.Process] = set()
    end = time.monotonic() + DISK_FULL_SECONDS
    while time.monotonic() < end:
        full |= _limit_files(set(engines(around)) - full, ROOM)
        time.sleep(0.02)
    _limit_files(full, resource.RLIM_INFINITY)
    return bool(full)


def jump_clock(around: Surroundings, draw: random.Random) -> bool:
    """The workers' clocks; the database's too where it is SQLite."""
    around.clock.write_text(str(draw.choice([-7200, -60, 60, 7200])))
    return True


def give_twice(around: Surroundings, draw: random.Random) -> bool:
    """A stage whose worker lives and works is given to another; and every message comes three times more."""
    from django.utils import timezone

    from leaderboard import queue
    from leaderboard.models import Stage

    for pk, lane in Stage.objects.exclude(status="done").values_list("pk", "lane"):
        for _ in range(3):
            queue.send(pk, lane)
    past = timezone.now() - timedelta(days=1)
    return bool(Stage.objects.filter(status="running").update(lease_until=past))


DISTURBANCES: Mapping[str, Callable[[Surroundings, random.Random], bool]] = {
    "engine killed": kill_engine,
    "template killed": kill_template,
    "worker killed": kill_worker,
    "worker stopped": stop_worker,
    "broker restarted": restart_broker,
    "database restarted": restart_database,
    "disk full": fill_disk,
    "clock jumped": jump_clock,
    "stage given twice": give_twice,
}


# Processes.


def templates(around: Surroundings) -> list[psutil.Process]:
    """The processes of the workers that have torch loaded and wait for a stage (`runner.template`)."""
    alive = [psutil.Process(worker.pid) for worker in around.workers if worker.poll() is None]
    return [child for worker in alive for child in _children(worker) if TEMPLATE in _command(child)]


def engines(around: Surroundings) -> list[psutil.Process]:
    """Those that were forked from them, each at work on a stage."""
    return [engine for template in templates(around) for engine in _children(template)]


def _kill_one(processes: list[psutil.Process], draw: random.Random) -> bool:
    if processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            draw.choice(processes).kill()
    return bool(processes)


def _limit_files(processes: set[psutil.Process], size: int) -> set[psutil.Process]:
    """No file of theirs may grow beyond `size` bytes; those of them that live."""
    limited = set()
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            process.rlimit(psutil.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
            limited.add(process)
    return limited


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children()
    except psutil.Error:
        return []


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
