"""Chaos: a small real study, with everything around it killed, restarted, filled up or put out of time.

    make chaos N=100
    python -m tests.chaos --trials 100 --database postgresql --broker rabbitmq --seed 7

Every trial trains and evaluates the same study on real workers. Afterwards the scores are those of an undisturbed
run, no stage ran to completion twice, and there is no artifact without a row and no row without its artifact.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from tests.chaos.disturbances import DISTURBANCES, Surroundings

WORKERS = 2
TRIAL_SECONDS = 300
CALM_SECONDS = 2.0  # between two disturbances, at most
DISTURBANCES_A_TRIAL = 6
# Fast, so that a trial takes a minute; what is lost is retried often, because much is.
TIMES = {
    "HEARTBEAT_SECONDS": "1",
    "LEASE_SECONDS": "4",
    "SWEEP_SECONDS": "1",
    "RESEND_SECONDS": "2",
    "RETRY_SECONDS": "1",
    "MAX_ATTEMPTS": "100",
    "STOP_GRACE_SECONDS": "10",
    "ENGINE_THREADS": "1",
    "WORKER_CONCURRENCY": "1",
    "LOG_LEVEL": "INFO",
}
# Files of a stage that are the machinery's, not artifacts; a checkpoint's manifest lists its files.
WORKING_FILES = {"stage.json", "stage.lock", "finished.json", "manifest.json"}


# A trial.


def begin(around: Surroundings, number: int) -> None:
    """An empty leaderboard and the study, with workers."""
    from django.conf import settings
    from django.core.management import call_command

    from leaderboard.models import Encoder
    from leaderboard.services import encoders
    from leaderboard.services.submission_recipes import Submission
    from leaderboard.services.submissions import submit
    from runner.recipes import Evaluation, Method, PhaseSettings
    from tests.stages import empty_queue

    call_command("flush", "--no-input", verbosity=0)
    from leaderboard.services.catalogue import mirror

    mirror()
    empty_queue()
    artifacts = around.folder / f"artifacts-{number}"
    settings.ARTIFACT_DIR = artifacts
    os.environ["ARTIFACT_DIR"] = str(artifacts)
    around.clock.write_text("0")
    location = str(around.folder / "encoder")
    found = encoders.read_folder(location)
    Encoder.objects.create(slug="tiny", title="Tiny", location=location, revision=found.revision, layers=found.layers)
    target = PhaseSettings(learning_rate=3e-3, epochs=30, batch_size=8, max_length=32)
    for _ in range(WORKERS):
        around.start_worker()
    submit(
        Submission(
            name=f"Trial {number}",
            encoder="tiny",
            methods=(Method.BASELINE,),
            intermediate_tasks=(),
            evaluations=(Evaluation("udpos", "test", ("en", "de")), Evaluation("tatoeba", "test", ("de",))),
            seeds=(1,),
            target=target,
        )
    )


def finish(around: Surroundings) -> None:
    """Wait until every stage has ended; an exception with what is the case where that takes too long."""
    from django.db import Error, connection

    from leaderboard.models import Stage

    end = time.monotonic() + TRIAL_SECONDS
    while time.monotonic() < end:
        try:
            states = list(Stage.objects.order_by("pk").values_list("status", "message"))
            if all(status in ("done", "failed", "cancelled") for status, _ in states):
                return
        except Error:
            connection.close()
        time.sleep(0.2)
    raise TimeoutError(f"After {TRIAL_SECONDS} s: {states}")


def faults(expected: Mapping[tuple[str, str, str], float]) -> list[str]:
    """What is not as it must be after a trial."""
    from django.conf import settings

    from leaderboard.models import Artifact, Stage

    found = [f"“{s.title}” is {s.status}: {s.message}" for s in Stage.objects.exclude(status="done")]
    if expected and scores() != expected:
        found.append(f"the scores are {scores()}, not {expected}")
    for log in settings.ARTIFACT_DIR.rglob("stage.log"):
        if (times := log.read_text(errors="replace").count("The stage is complete.")) != 1:
            found.append(f"{log.parent.name[:12]} ran to completion {times} times")
    # What intervals are computed from is made anew where it is absent.
    aside = settings.ARTIFACT_DIR / "outcomes"
    files = {
        path.relative_to(settings.ARTIFACT_DIR).as_posix(): path.stat().st_size
        for path in settings.ARTIFACT_DIR.rglob("*")
        if path.is_file() and path.name not in WORKING_FILES and aside not in path.parents
    }
    rows = dict(Artifact.objects.values_list("path", "size"))
    found += [f"the file {path} has no row" for path in sorted(files.keys() - rows.keys())]
    found += [f"the row {path} has no file" for path in sorted(rows.keys() - files.keys())]
    found += [
        f"{path} has another size than its row"
        for path in sorted(files.keys() & rows.keys())
        if files[path] != rows[path]
    ]
    return found


def scores() -> dict[tuple[str, str, str], float]:
    from leaderboard.models import Score

    return {row[:3]: row[3] for row in Score.objects.values_list("task", "language", "metric", "value")}


def disturb(around: Surroundings, draw: random.Random, kinds: list[str], done: Counter[str]) -> None:
    """Let the kinds happen one after the other, at random moments, until they have or the study is done."""
    from django.db import Error, connection

    from leaderboard.models import Stage

    for kind in kinds:
        time.sleep(draw.uniform(0.2, CALM_SECONDS))
        try:
            if not Stage.objects.exclude(status="done").exists():
                return
            done[kind] += DISTURBANCES[kind](around, draw)
        except Error:
            connection.close()


def trial(
    around: Surroundings, number: int, draw: random.Random, expected: Mapping, kinds: list[str]
) -> tuple[Counter, list[str]]:
    """One study with these disturbances; what happened, and what is wrong afterwards."""
    happened: Counter[str] = Counter()
    begin(around, number)
    try:
        disturb(around, draw, kinds, happened)
        finish(around)
    except TimeoutError as error:
        return happened, [str(error)]
    finally:
        around.stop_workers()
    return happened, faults(expected)


# The programme.


def prepare(folder: Path, database: str, broker: str) -> Surroundings:
    """Private servers, an encoder, a data mirror, and Django on them."""
    from tests.brokers import BROKERS
    from tests.postgresql import PrivatePostgresql

    around = Surroundings(folder)
    os.environ.update(TIMES, VAR_DIR=str(folder), SECRET_KEY="for trials only", DATA_DIR=str(folder / "mirror"))
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.chaos.settings"
    for name in ("DATABASE_URL", "CELERY_BROKER_URL", "ARTIFACT_DIR", "GPUS", "LANES"):
        os.environ.pop(name, None)
    if database == "postgresql":
        around.postgresql = PrivatePostgresql()
        os.environ["DATABASE_URL"] = around.postgresql.url
    if broker != "folder":
        around.broker = BROKERS[broker]()
        around.broker.start()
        os.environ["CELERY_BROKER_URL"] = around.broker.url
    import django

    django.setup()
    from django.core.management import call_command

    from tests.runner.factories import make_encoder, tagged_rows, write_split

    call_command("migrate", verbosity=0)
    make_encoder(folder / "encoder")
    mirror = folder / "mirror"
    for config, split, count in (("English", "train", 96), ("English", "validation", 8), ("English", "test", 20)):
        write_split(mirror, "google/xtreme", f"udpos.{config}", split, tagged_rows(count))
    write_split(mirror, "google/xtreme", "udpos.German", "test", tagged_rows(12, shift=3))
    sentences = dict.fromkeys(" ".join(row["tokens"]) for row in tagged_rows(60))
    rows = [{"source_sentence": text, "target_sentence": text} for text in sentences]
    write_split(mirror, "google/xtreme", "tatoeba.deu", "validation", rows)
    return around


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="postgresql")
    parser.add_argument("--broker", choices=["folder", "redis", "rabbitmq"], default="redis")
    options = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="leaderboard-chaos-"))
    around = prepare(folder, options.database, options.broker)
    failures, total = 0, Counter()
    try:
        _, wrong = trial(around, 0, random.Random(0), {}, [])
        expected = scores()
        if wrong or not expected:
            print(f"The undisturbed run is not well: {wrong}")
            return 2
        print(f"{options.database} and {options.broker}; undisturbed: {len(expected)} scores", flush=True)
        for number in range(1, options.trials + 1):
            draw = random.Random(f"{options.seed} {number}")
            kinds = draw.sample(list(DISTURBANCES), k=min(DISTURBANCES_A_TRIAL, len(DISTURBANCES)))
            begun = time.monotonic()
            happened, wrong = trial(around, number, draw, expected, kinds)
            total += happened
            failures += bool(wrong)
            words = ", ".join(kind for kind in kinds if happened[kind])
            print(
                f"trial {number}, {time.monotonic() - begun:.0f} s: {words}: {'; '.join(wrong) or 'well'}", flush=True
            )
            if not wrong:
                shutil.rmtree(folder / f"artifacts-{number}", ignore_errors=True)
        print(f"{options.trials} trials, {failures} failures; {dict(sorted(total.items()))}")
        return 1 if failures else 0
    finally:
        around.stop_workers()
        if failures:
            print(f"The folders of trials that failed, and the workers' log, are in {folder}.")
        else:
            shutil.rmtree(folder, ignore_errors=True)
        for server in (around.broker, around.postgresql):
            if server:
                server.stop()


if __name__ == "__main__":
    sys.exit(main())
