"""A worker for `benchmarks/queue.py`: the real one, whose engine only sleeps and reports."""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from pathlib import Path
from typing import Any

import django

django.setup()

from django.db import connection  # noqa: E402

from leaderboard.celery import app  # noqa: E402
from runner import spec  # noqa: E402
from runner.endings import Ending  # noqa: E402
from runner.jobs import places  # noqa: E402
from runner.jobs import stage as stage_job  # noqa: E402
from runner.supervisor import Outcome, Watcher  # noqa: E402
from runner.usage import Usage  # noqa: E402

ENGINE_SECONDS = float(os.environ["ENGINE_SECONDS"])
OVERHEAD = Path(os.environ["VAR_DIR"], f"overhead-{os.getpid()}")


def sleeping_engine(command: list[str], folder: Path, watcher: Watcher, *_: Any, **__: Any) -> Outcome:
    """As long as the real one would be told to run, give or take a half, with a heartbeat and its results."""
    job = spec.Job.from_json((folder / "stage.json").read_text())
    seconds = random.Random(folder.name).uniform(0.5, 1.5) * ENGINE_SECONDS
    watcher.event({"event": "progress", "done": 0, "total": 10, "unit": "steps", "note": "sleeping"})
    watcher.beat(Usage())
    begun = time.perf_counter()
    time.sleep(seconds)
    seconds = Clocked.spent.slept = time.perf_counter() - begun
    plan = job.stage.plan
    for language in getattr(plan, "languages", ()) if plan.action == "evaluate" else ():
        watcher.event(
            {"event": "score", "task": plan.task, "language": language, "metric": "accuracy", "value": 50.0, "n": 100}
        )
    return Outcome(Ending.DONE, "", (), seconds)


class Clocked:
    """Calls a function of a place and keeps how long it took, less the engine's sleep."""

    spent = threading.local()

    @classmethod
    def take(cls, *arguments: Any) -> Any:
        begun, processor = time.perf_counter(), time.thread_time()
        lease = take(*arguments)
        cls.spent.take = time.perf_counter() - begun
        cls.spent.processor = time.thread_time() - processor
        return lease

    @classmethod
    def run(cls, *arguments: Any) -> None:
        begun, processor = time.perf_counter(), time.thread_time()
        cls.spent.slept = 0.0
        run(*arguments)
        inside = time.perf_counter() - begun - cls.spent.slept
        processor = cls.spent.processor + time.thread_time() - processor
        begun = time.perf_counter()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        peer = time.perf_counter() - begun
        with OVERHEAD.open("a") as file:
            file.write(f"{cls.spent.take} {inside} {processor} {peer}\n")


if __name__ == "__main__":
    stage_job.supervise = sleeping_engine
    take, run = places.leases.take, places.run
    places.leases.take, places.run = Clocked.take, Clocked.run
    app.worker_main(["worker", "--without-gossip", "--without-mingle", "--loglevel", "WARNING", *sys.argv[1:]])
