"""How long pages take with a large, invented leaderboard, cold and warm, on the real server.

    python -m benchmarks.pages --database sqlite
    python -m benchmarks.pages --database postgresql --scores 1000000

Cold: the first request of a fresh process, and the first after a score has changed, which nothing was kept for. Warm:
the same address again. 304: asked for again by who has it. Prints milliseconds (median and 95 of 100) as the server
takes them, each also in round trips of the same server for the icon's address, which reads nothing: the machine's load
is in both. Then sizes, queries, and how long a new score takes to be seen.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PEER = "/favicon.ico"
PAGES = {
    "leaderboard": "/",
    "sorted by overall": "/?sort=-overall",
    "differences": "/?show=difference&sort=-overall",
    "low-resource": "/?languages=low-size",
    "transfer map": "/transfer/",
    "task": "/tasks/panx/",
    "language": "/languages/sw/",
}


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object) -> None:
        return None


OPENER = urllib.request.build_opener(NoRedirect)


def prepare(folder: Path, database: str, scores: int) -> object | None:
    """An empty leaderboard, filled; returns the database's server where there is one to stop."""
    from tests.postgresql import PrivatePostgresql

    os.environ.update(VAR_DIR=str(folder), SECRET_KEY="for a benchmark", DJANGO_SETTINGS_MODULE="leaderboard.settings")
    os.environ.update(LOG_LEVEL="WARNING", PUBLISHED_RESULTS="0")
    for name in ("DATABASE_URL", "CELERY_BROKER_URL", "ARTIFACT_DIR"):
        os.environ.pop(name, None)
    server = PrivatePostgresql() if database == "postgresql" else None
    if server:
        os.environ["DATABASE_URL"] = server.url
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    call_command("seed_synthetic", scores=scores)
    return server


def start_web(port: int, log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "gunicorn", "leaderboard.wsgi", "--bind", f"127.0.0.1:{port}"]
    with log.open("ab") as output:
        return subprocess.Popen([*command, "--no-control-socket"], cwd=ROOT, stdout=output, stderr=output)


def fetch(port: int, path: str, tag: str = "") -> tuple[float, int, bytes, str]:
    """Milliseconds, status, body as it came, tag."""
    headers = {"Accept-Encoding": "gzip", **({"If-None-Match": tag} if tag else {})}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    begun = time.perf_counter()
    try:
        with OPENER.open(request, timeout=300) as response:
            body = response.read()
            status, found = response.status, response.headers.get("ETag", "")
    except urllib.error.HTTPError as error:
        body, status, found = error.read(), error.code, error.headers.get("ETag", "")
    return 1000 * (time.perf_counter() - begun), status, body, found


def touch(number: int) -> float:
    """Change one cell, all its seeds, so that their mean is what a page shows; returns its new value."""
    from leaderboard.models import Score
    from runner.tasks import registry

    value = 10 + number / 100
    cell = Score.objects.filter(task="panx", language="sw", metric=registry.task("panx").headline)
    first = cell.order_by("pk").values_list("run__recipe", flat=True).first()
    cell.filter(run__recipe=first).update(value=value)
    return value


def measure(port: int, log: Path, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Page -> what -> milliseconds; the peer is asked as often, between them."""
    found: dict[str, dict[str, list[float]]] = {name: {} for name in PAGES}
    peers: list[float] = []
    first = []
    for _ in range(max(3, rounds // 4)):
        web = start_web(port, log)
        _wait(port)
        first.append(fetch(port, PAGES["leaderboard"])[0])
        web.terminate()
        web.wait(timeout=60)
    web = start_web(port, log)
    try:
        _wait(port)
        for path in PAGES.values():
            fetch(port, path)
        for number in range(rounds):
            for name, path in PAGES.items():
                touch(number)
                peers.append(fetch(port, PEER)[0])
                cold, status, _, tag = fetch(port, path)
                assert status == 200, (path, status)
                warm = fetch(port, path)[0]
                unchanged, status, _, _ = fetch(port, path, tag)
                assert status == 304, (path, status)
                for what, value in (("cold", cold), ("warm", warm), ("304", unchanged)):
                    found[name].setdefault(what, []).append(value)
    finally:
        web.terminate()
        web.wait(timeout=60)
    found["leaderboard"]["first of a process"] = first
    found["peer"] = {"": peers}
    return found


def seen_after(port: int, log: Path) -> float:
    """Seconds from a score's commit until the task's page shows it."""
    web = start_web(port, log)
    try:
        _wait(port)
        fetch(port, PAGES["task"])
        value = touch(9000 - int(time.time()) % 1000)
        begun = time.perf_counter()
        while f"{value:.1f}" not in gzip.decompress(fetch(port, "/tasks/panx/?languages=sw")[2]).decode():
            if time.perf_counter() - begun > 30:
                sys.exit("The new score was not seen within 30 s.")
        return time.perf_counter() - begun
    finally:
        web.terminate()
        web.wait(timeout=60)


def queries() -> dict[str, int]:
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from leaderboard.services import headlines
    from leaderboard.views import caching

    counts = {}
    for name, path in PAGES.items():
        headlines.current()
        caching.shelf.clear()
        with CaptureQueriesContext(connection) as captured:
            Client(headers={"host": "localhost"}).get(path)
        counts[name] = len(captured)
    return counts


def _wait(port: int) -> None:
    from tests.brokers import wait_until

    def answers() -> bool:
        try:
            return fetch(port, PEER)[1] in (200, 302)
        except OSError:
            return False

    wait_until(answers, 60)


def shown(values: list[float], peer: float) -> str:
    high = statistics.quantiles(values, n=20)[-1] if len(values) > 1 else values[0]
    middle = statistics.median(values)
    return f"{middle:6.1f} / {high:6.1f} ms  ({middle / peer:5.1f} round trips)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--scores", type=int, default=283_500)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="leaderboard-benchmark-"))
    server = prepare(folder, options.database, options.scores)
    try:
        from leaderboard.models import Recipe, Score
        from tests.brokers import free_port

        port, log = free_port(), folder / "web.log"
        found = measure(port, log, options.rounds)
        peer = statistics.median(found.pop("peer")[""])
        print(f"{options.database}: {Score.objects.count():,} scores, {Recipe.objects.count():,} rows")
        print(f"a round trip that reads nothing: {peer:.1f} ms; below: median / 95 of 100")
        for name, times in found.items():
            for what, values in times.items():
                print(f"{name:18} {what:18} {shown(values, peer)}")
        web = start_web(port, log)
        _wait(port)
        sizes = {name: f"{len(fetch(port, path)[2]) / 1024:.0f} KiB" for name, path in PAGES.items()}
        web.terminate()
        web.wait(timeout=60)
        print("compressed:", json.dumps(sizes))
        print("queries, cold:", json.dumps(queries()))
        print(f"a new score is seen after {1000 * seen_after(port, log):.0f} ms")
    finally:
        if server:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
