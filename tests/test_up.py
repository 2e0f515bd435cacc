"""`manage.py up`: the address answers, one signal ends everything, nothing stays behind."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MANAGE = [sys.executable, "manage.py"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    """A fresh installation, to be copied: making one takes longer than most of these tests."""
    folder = tmp_path_factory.mktemp("installation")
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment["VAR_DIR"] = str(folder)
    for command in (("migrate", "--verbosity", "0"), ("collectstatic", "--noinput", "--verbosity", "0")):
        subprocess.run([*MANAGE, *command], cwd=ROOT, env=environment, check=True)
    return folder


@pytest.fixture
def environment(installation, tmp_path):
    """An installation of its own, on a port that is free."""
    shutil.copytree(installation, tmp_path, dirs_exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "VAR_DIR": str(tmp_path), "PORT": str(port), "PYTHONUNBUFFERED": "1"}
    environment.pop("DATABASE_URL", None)
    return environment


@pytest.fixture
def up(environment, tmp_path):
    """Starts the command and waits until it says where it is; what a failed test leaves is ended."""
    started = []

    def start(*options):
        log = (tmp_path / "log").open("w+")
        command = [*MANAGE, "up", *(options or ["--empty"])]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
        started.append((process, log))
        wait_until(lambda: "The leaderboard is at" in Path(log.name).read_text() or process.poll() is not None)
        return process, Path(log.name)

    yield start
    for process, log in started:
        for child in (*children_of(process.pid), process.pid):
            if exists(child):
                os.kill(child, signal.SIGKILL)
        process.wait()
        log.close()


def wait_until(holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"still not so after {seconds} s"
        time.sleep(0.1)


def children_of(pid):
    """The processes that `pid` started, and those that they started."""
    children = (
        [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()] if exists(pid) else []
    )
    return [*children, *(grandchild for child in children for grandchild in children_of(child))]


def exists(pid):
    """Whether it still runs; one that waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def assert_all_end(process, number):
    family = children_of(process.pid)
    assert len(family) >= 3  # the web process, its worker, and what these started
    process.send_signal(number)
    assert process.wait(timeout=60) == 0
    assert not any(exists(pid) for pid in family)


def test_the_first_start_trains_the_pocket_study_and_the_next_one_goes_on(environment, up, tmp_path):
    process, log = up("--port", environment["PORT"])
    assert "First start: the pocket study is submitted" in log.read_text()
    assert re.search(r"log in at /admin/ as “admin” with the password \S{16} ", log.read_text())
    address = re.search(r"http://[\d.:]+/", log.read_text()).group()
    with urllib.request.urlopen(f"{address}about/") as response:
        assert response.status == 200
        assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    wait_until(lambda: study(tmp_path)["done"] > 0, seconds=120)  # steps of its first stage
    assert_all_end(process, signal.SIGINT)
    before = study(tmp_path)
    assert list(tmp_path.glob("artifacts/**/resume-*")), "it left a point to go on from"

    process, log = up("--port", environment["PORT"])
    assert "First start" not in log.read_text()
    assert "password" not in log.read_text()
    wait_until(lambda: study(tmp_path)["done"] > before["done"] > 0, seconds=120)
    after = study(tmp_path)
    assert (after["studies"], after["stages"]) == (before["studies"], before["stages"]) == (1, before["stages"])
    assert_all_end(process, signal.SIGTERM)


def study(folder):
    """What the database knows: studies, stages, and the steps of the stage that makes the encoder."""
    with closing(sqlite3.connect(folder / "leaderboard.sqlite3")) as database:
        studies, stages, done = (
            database.execute(f"SELECT {what}").fetchone()[0]
            for what in (
                "count(*) FROM leaderboard_study",
                "count(*) FROM leaderboard_stage",
                "max(done) FROM leaderboard_stage WHERE parent_id IS NULL",
            )
        )
    return {"studies": studies, "stages": stages, "done": done or 0}


def test_it_ends_with_a_sentence_when_one_of_them_dies(up):
    process, log = up()
    family = children_of(process.pid)
    os.kill(family[1], signal.SIGKILL)
    assert process.wait(timeout=60) != 0
    assert "The worker process ended by itself with exit code -9" in log.read_text()
    wait_until(lambda: not any(exists(pid) for pid in family))


def test_no_orphan_stays_when_it_is_killed(up):
    process, _ = up()
    family = children_of(process.pid)
    process.kill()
    process.wait()
    wait_until(lambda: not any(exists(pid) for pid in family))


@pytest.mark.parametrize(
    ("port", "sentence"),
    [("taken", "cannot be used"), ("http", "PORT is a number from 1 to 65535, found 'http'"), ("0", "found '0'")],
)
def test_it_refuses_a_port_that_it_cannot_have(environment, port, sentence):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1]) if port == "taken" else port
        result = subprocess.run(
            [*MANAGE, "up"], cwd=ROOT, env={**environment, "PORT": port}, capture_output=True, text=True, check=False
        )
    assert result.returncode == 1
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
