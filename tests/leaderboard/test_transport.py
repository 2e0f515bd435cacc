"""The embedded broker: whoever publishes and whoever consumes at the same time, every message arrives once."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu import Connection
from kombu.simple import SimpleQueue

import leaderboard.celery  # noqa: F401 (registers the transport)

PUBLISH = """
import sys
import leaderboard.celery
from kombu import Connection
folder, name, count = sys.argv[1:]
with Connection("folder://localhost", transport_options={"folder": folder}) as connection:
    with connection.SimpleQueue("stages") as queue:
        for number in range(int(count)):
            queue.put(f"{name}{number}")
"""

CONSUME = """
import sys
import leaderboard.celery
from kombu import Connection
options = {"folder": sys.argv[1], "polling_interval": 0.01}
with Connection("folder://localhost", transport_options=options) as connection:
    with connection.SimpleQueue("stages", no_ack=True) as queue:
        while True:
            try:
                print(queue.get(timeout=1.5).payload)
            except queue.Empty:
                break
"""


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[SimpleQueue]:
    options = {"folder": str(tmp_path), "polling_interval": 0.01}
    connection = Connection("folder://localhost", transport_options=options)
    with connection, connection.SimpleQueue("stages", no_ack=True) as queue:
        yield queue


def test_it_works(queue: SimpleQueue) -> None:
    queue.put({"stage": 1})
    assert queue.get(timeout=1).payload == {"stage": 1}
    with pytest.raises(queue.Empty):
        queue.get(timeout=0.05)


def test_messages_keep_their_order(queue: SimpleQueue) -> None:
    for number in range(50):
        queue.put(number)
    assert queue.qsize() == 50
    assert [queue.get(timeout=1).payload for _ in range(50)] == list(range(50))


def test_a_message_outlives_the_processes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", PUBLISH, tmp_path, "a", "1"], check=True, timeout=60)
    found = subprocess.run([sys.executable, "-c", CONSUME, tmp_path], check=True, timeout=60, capture_output=True)
    assert found.stdout.split() == [b"a0"]


def test_a_draft_is_no_message_yet_and_a_torn_message_is_dropped(queue: SimpleQueue, tmp_path: Path, caplog) -> None:
    folder = tmp_path / "stages"
    folder.mkdir(exist_ok=True)
    (folder / "0-a.draft").write_text('{"half": ')
    (folder / "0-b.message").write_text('{"half": ')
    queue.put("whole")
    assert queue.get(timeout=1).payload == "whole"
    assert "0-b.message is not complete" in caplog.text
    assert [path.name for path in folder.iterdir()] == ["0-a.draft"]


def test_a_queue_can_be_emptied(queue: SimpleQueue) -> None:
    queue.put(1)
    queue.put(2)
    assert queue.clear() == 2
    assert queue.qsize() == 0


def test_concurrent_publishers_and_consumers_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    count, names = 200, "abc"
    run = {"stdout": subprocess.PIPE, "text": True}
    consumers = [subprocess.Popen([sys.executable, "-c", CONSUME, tmp_path], **run) for _ in range(3)]
    publishers = [subprocess.Popen([sys.executable, "-c", PUBLISH, tmp_path, name, str(count)]) for name in names]
    begun = time.monotonic()
    assert [publisher.wait(timeout=60) for publisher in publishers] == [0] * len(publishers)
    outputs = [consumer.communicate(timeout=60)[0].split() for consumer in consumers]
    assert [consumer.returncode for consumer in consumers] == [0] * len(consumers)
    assert time.monotonic() - begun < 60
    received = Counter(message for output in outputs for message in output)
    # A consumer may have given up before a slow publisher began: what is left over counts as there.
    left = subprocess.run([sys.executable, "-c", CONSUME, tmp_path], check=True, timeout=60, capture_output=True)
    received.update(left.stdout.decode().split())
    assert received == Counter(f"{name}{number}" for name in names for number in range(count))
