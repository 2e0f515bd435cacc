"""How far the queue carries: many stages and workers with the real database and broker, and an engine that sleeps.

    python -m benchmarks.queue --stages 10000 --workers 64 --database postgresql --broker redis
    python -m benchmarks.queue --stages 2000 --workers 8 --database sqlite --broker folder

Prints the overhead of a stage (what a place spends on it beside its engine), whether a stage was lost or run twice,
and how long pages take meanwhile, against the same pages when nothing runs.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACES_A_WORKER = 8
STAGES_A_RUN = 60  # half of them evaluations, each in a language of its own
PATIENCE_SECONDS = 3600
PAGES = ("/", "/runs/", "/runs/{run}/", "/runs/{run}/state/")
PAGE_ROUNDS = 20


def prepare(folder: Path, database: str, broker: str) -> list[object]:
    """Private servers and an empty leaderboard; returns what to stop."""
    from tests.brokers import BROKERS
    from tests.postgresql import PrivatePostgresql

    os.environ.update(VAR_DIR=str(folder), SECRET_KEY="for a benchmark", DJANGO_SETTINGS_MODULE="leaderboard.settings")
    os.environ.update(LOG_LEVEL="WARNING")
    for name in ("DATABASE_URL", "CELERY_BROKER_URL", "ARTIFACT_DIR", "GPUS", "LANES"):
        os.environ.pop(name, None)
    servers: list[object] = []
    if database == "postgresql":
        servers.append(PrivatePostgresql())
        os.environ["DATABASE_URL"] = servers[-1].url
    if broker != "folder":
        servers.append(BROKERS[broker]())
        servers[-1].start()
        os.environ["CELERY_BROKER_URL"] = servers[-1].url
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    return servers


def make_stages(count: int) -> list[int]:
    """Trainings, and an evaluation for each, in runs of STAGES_A_RUN; returns the keys of the runs."""
    from leaderboard.models import Encoder, Recipe, Run, Stage
    from runner.recipes import PhaseSettings
    from runner.spec import EncoderRef, EvaluatePlan, TrainPlan
    from runner.spec import Stage as Planned
    from runner.tasks import registry

    reference = EncoderRef("sleeping", "some/encoder", "0" * 40, 12)
    languages = registry.task("tatoeba").languages[: STAGES_A_RUN // 2]
    encoder = Encoder.objects.create(slug="sleeping", title="Sleeping", location="some/encoder", layers=12)

    def rows(number: int) -> tuple[Stage, Stage]:
        training = PhaseSettings(learning_rate=1e-9 * (number + 1)).resolve([registry.task("udpos")])
        train = Planned(TrainPlan(("udpos",), training), reference, 1, None)
        test = EvaluatePlan("tatoeba", "test", (languages[number % len(languages)],), 512, layer=7, pooling="mean")
        evaluate = Planned(test, reference, None, train.fingerprint)
        return tuple(
            Stage(
                fingerprint=one.fingerprint,
                action=one.plan.action,
                title=f"{one.plan.action} {number}",
                spec=one.to_dict(),
            )
            for one in (train, evaluate)
        )

    pairs = [rows(number) for number in range(count // 2)]
    Stage.objects.bulk_create([train for train, _ in pairs], batch_size=1000)
    for train, evaluate in pairs:
        evaluate.parent = train
    Stage.objects.bulk_create([evaluate for _, evaluate in pairs], batch_size=1000)
    runs = []
    for first in range(0, len(pairs), STAGES_A_RUN // 2):
        recipe = Recipe.objects.create(
            fingerprint=f"{first:064x}", title=f"Recipe {first}", encoder=encoder, method="baseline"
        )
        run = Run.objects.create(recipe=recipe, seed=1)
        run.stages.add(*[stage for pair in pairs[first : first + STAGES_A_RUN // 2] for stage in pair])
        runs.append(run.pk)
    return runs


def start_workers(places: int, engine_seconds: float, log: Path) -> list[subprocess.Popen[bytes]]:
    environment = {**os.environ, "ENGINE_SECONDS": str(engine_seconds)}
    workers = []
    while places > 0:
        count = min(PLACES_A_WORKER, places)
        places -= count
        command = [sys.executable, "-m", "benchmarks.queue_worker", "--concurrency", str(count)]
        command += ["--hostname", f"worker{len(workers)}@localhost"]
        with log.open("ab") as output:
            workers.append(subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output))
    return workers


def start_web(port: int, log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "gunicorn", "leaderboard.wsgi", "--bind", f"127.0.0.1:{port}", "--threads", "4"]
    with log.open("ab") as output:
        return subprocess.Popen([*command, "--no-control-socket"], cwd=ROOT, stdout=output, stderr=output)


def page_times(port: int, run: int) -> dict[str, float]:
    """The median seconds of each page."""
    times: dict[str, list[float]] = {page: [] for page in PAGES}
    for _ in range(PAGE_ROUNDS):
        for page in PAGES:
            begun = time.perf_counter()
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{page.format(run=run)}", timeout=120) as response:
                response.read()
            times[page].append(time.perf_counter() - begun)
    return {page: statistics.median(values) for page, values in times.items()}


def wait_for(count: int) -> None:
    """Wait until so many stages have ended."""
    from leaderboard.models import Stage

    begun = shown = time.monotonic()
    while (left := count - Stage.objects.filter(status__in=("done", "failed", "cancelled")).count()) > 0:
        now = time.monotonic()
        if now - begun > PATIENCE_SECONDS:
            sys.exit(f"{left} stages are left after {PATIENCE_SECONDS} s.")
        if now - shown > 30:
            shown = now
            print(f"  {now - begun:.0f} s: {left} left", file=sys.stderr, flush=True)
        time.sleep(1)


def report(count: int, places: int, seconds: float, folder: Path) -> dict[str, object]:
    from leaderboard.models import Score, Stage

    lines = [line.split() for path in folder.glob("overhead-*") for line in path.read_text().splitlines()]
    taking, running, processor, peer = ([1000 * float(line[part]) for line in lines] for part in range(4))
    overhead = [sum(pair) for pair in zip(taking, running, strict=True)]
    return {
        "stages": count,
        "places": places,
        "seconds": round(seconds, 1),
        "stages per second": round(count / seconds, 1),
        "overhead of a stage, ms: mean": round(statistics.mean(overhead), 1),
        "overhead of a stage, ms: median": round(statistics.median(overhead), 1),
        "overhead of a stage, ms: 95 of 100": round(statistics.quantiles(overhead, n=20)[-1], 1),
        "of it taking, ms: median": round(statistics.median(taking), 1),
        "of it processor time of the worker, ms: median": round(statistics.median(processor), 1),
        "the overhead in round trips to the database": round(statistics.median(overhead) / statistics.median(peer), 1),
        "a round trip to the database, ms: median": round(statistics.median(peer), 2),
        "done": Stage.objects.filter(status="done").count(),
        "not done": Stage.objects.exclude(status="done").count(),
        "run more than once": Stage.objects.filter(attempt__gt=1).count(),
        "scores": Score.objects.count(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stages", type=int, default=10_000)
    parser.add_argument("--until", type=int, help="Stop when so many are done: the overhead below a full queue.")
    parser.add_argument("--workers", type=int, default=64, help="Places for engines, eight in a process.")
    parser.add_argument("--engine-seconds", type=float, default=2.0)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="postgresql")
    parser.add_argument("--broker", choices=["folder", "redis", "rabbitmq"], default="redis")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="leaderboard-benchmark-"))
    servers = prepare(folder, options.database, options.broker)
    processes: list[subprocess.Popen[bytes]] = []
    try:
        from leaderboard.models import Stage, Worker
        from leaderboard.services import dispatch
        from tests.brokers import free_port, wait_until

        runs = make_stages(options.stages)
        Stage.objects.update(status=Stage.Status.CANCELLED)  # until the workers are there
        port = free_port()
        processes.append(start_web(port, folder / "web.log"))
        wait_until(lambda: _answers(port), 60)
        quiet = page_times(port, runs[0])
        processes += start_workers(options.workers, options.engine_seconds, folder / "workers.log")
        wait_until(lambda: Worker.objects.count() >= len(processes) - 1, 120)
        begun = time.monotonic()
        Stage.objects.update(status=Stage.Status.WAITING)
        dispatch.dispatch_ready()
        dispatched = time.monotonic() - begun
        busy = page_times(port, runs[-1])
        until = options.until or options.stages
        wait_for(until)
        seconds = time.monotonic() - begun
        found = report(until, options.workers, seconds, folder)
        found["queued in, s"] = round(dispatched, 2)
        found["pages, ms: quiet -> meanwhile"] = {
            page: f"{1000 * quiet[page]:.0f} -> {1000 * busy[page]:.0f}" for page in PAGES
        }
        print(f"{options.database} and {options.broker}, an engine of about {options.engine_seconds} s")
        print(json.dumps(found, indent=2))
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=60)
        for server in reversed(servers):
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/about/", timeout=5):
            return True
    except OSError:
        return False


if __name__ == "__main__":
    main()
