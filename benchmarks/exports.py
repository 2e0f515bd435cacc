"""How fast all scores leave, against PostgreSQL's own COPY of the same query, and in how much memory.

`python -m benchmarks.exports [--rows 1000000]`. A private PostgreSQL, as in the tests, holds the rows: runs of one
recipe with scores in XTREME's tasks and languages. Timed in turn, `--repeats` times each: the server's COPY of every
line to a client that throws it away, and the web's own `/scores.csv` and other formats through Django's view. Time
to the first byte counts from the request to the first block with scores in it; memory is what the process grows by.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator

import psutil


def prepare(rows: int) -> None:
    """Fill the database with `rows` scores of runs under one protocol for each task."""
    from django.core.management import call_command
    from django.db import connection

    from leaderboard.models import Encoder, Protocol, Recipe, Run
    from runner.tasks import registry

    call_command("migrate", verbosity=0)
    cells = [(task, language, metric) for task, language in registry.cells() for metric in registry.task(task).metrics]
    count = -(-rows // len(cells))
    encoder = Encoder.objects.first()
    recipes = Recipe.objects.bulk_create(
        Recipe(fingerprint=f"{number:064x}", title=f"Recipe {number}", encoder=encoder, method="baseline")
        for number in range(-(-count // 5))
    )
    runs = Run.objects.bulk_create(Run(recipe=recipes[number // 5], seed=number % 5) for number in range(count))
    protocols = {
        task: Protocol.objects.create(
            fingerprint=f"{number:064x}", task_id=task, split="test", scorer_version="1", label="test split"
        )
        for number, task in enumerate(dict.fromkeys(task for task, _, _ in cells))
    }
    with connection.cursor() as cursor:
        target = (
            "COPY leaderboard_score (run_id, task_id, language_id, metric, value, n, protocol_id, created) FROM STDIN"
        )
        with cursor.cursor.copy(target) as copy:
            for number in range(rows):
                task, language, metric = cells[number % len(cells)]
                run = runs[number // len(cells)]
                value = 20 + 75 * ((number * 2654435761) % 2**32) / 2**32
                copy.write_row(
                    (run.pk, task, language, metric, value, 500, protocols[task].pk, "2026-01-02T03:04:05+00:00")
                )
        cursor.execute("ANALYZE")


def copied() -> Iterator[bytes]:
    """The peer: one COPY of the query that the CSV has, over all rows at once, line by line as the server sends it."""
    yield from _copy("")


def copied_unordered() -> Iterator[bytes]:
    """The same without an order, which spares the server the sorting: the harder peer."""
    yield from _copy("ORDER BY score.id")


def _copy(without: str) -> Iterator[bytes]:
    from django.db import connection

    from leaderboard.standings import bulk

    statement = bulk._statement("csv", unverified=False).replace(without, "")
    values = {"low": 0, "high": 2**62, "starts": list("=+-@\t\r"), "unverified": "unverified"}
    with connection.cursor() as cursor, cursor.cursor.copy(statement, values) as lines:
        yield from lines


def served(path: str) -> Callable[[], Iterator[bytes]]:
    """What a client is sent for `path`, through middleware and view, uncompressed."""
    from django.test import Client

    def blocks() -> Iterator[bytes]:
        response = Client(headers={"host": "localhost"}).get(path)
        assert response.status_code == 200, response.status_code
        yield from response.streaming_content

    return blocks


def measure(blocks: Callable[[], Iterator[bytes]]) -> tuple[float, float, int, float]:
    """Seconds to the first block and to the last, bytes in all, and MiB that the process grew by at most."""
    process = psutil.Process()
    before = peak = process.memory_info().rss
    begun = time.perf_counter()
    first, size = 0.0, 0
    for number, block in enumerate(blocks()):
        first = first or time.perf_counter() - begun
        size += len(block)
        if number % 64 == 0:
            peak = max(peak, process.memory_info().rss)
    return first, time.perf_counter() - begun, size, (peak - before) / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    from tests.postgresql import PrivatePostgresql

    server = PrivatePostgresql()
    try:
        with tempfile.TemporaryDirectory() as folder:
            os.environ |= {
                "DATABASE_URL": server.url,
                "VAR_DIR": folder,
                "DJANGO_SETTINGS_MODULE": "leaderboard.settings",
            }
            os.environ["PUBLISHED_RESULTS"] = "0"
            import django

            django.setup()
            prepare(arguments.rows)
            report(arguments.rows, arguments.repeats)
    finally:
        server.stop()


def report(rows: int, repeats: int) -> None:
    ways = {
        "COPY": copied,
        "COPY, in any order": copied_unordered,
        "/scores.csv": served("/scores.csv"),
        "/scores.jsonl": served("/scores.jsonl"),
        "/scores.parquet": served("/scores.parquet"),
    }
    # The first request of a process also loads the pages' modules.
    sum(len(block) for block in served("/columns.csv")())
    found: dict[str, list[tuple[float, float, int, float]]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, blocks in ways.items():
            found[name].append(measure(blocks))
    peer = statistics.median(total for _, total, _, _ in found["COPY"])
    print(f"{rows:,} rows, median of {repeats}\n")
    print("| way | first byte (ms) | seconds | rows a second | of COPY's rate | MB | growth (MiB) |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, measured in found.items():
        first, total = (statistics.median(values) for values in list(zip(*measured, strict=True))[:2])
        growth = max(growth for _, _, _, growth in measured)
        print(
            f"| {name} | {1000 * first:.0f} | {total:.2f} | {rows / total:,.0f} | {peer / total:.2f} "
            f"| {measured[0][2] / 1e6:.0f} | {growth:.0f} |"
        )


if __name__ == "__main__":
    main()
