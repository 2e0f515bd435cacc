"""What a stage reported, kept beside its files when it is complete: so that no stage is computed twice.

An engine can be done and its word be lost, because its supervisor died at that moment or the database was away.
The next attempt finds the record, sees that the files are whole and says the same again.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from runner.events import Emit
from runner.spec import Job

FINISHED = "finished.json"
# What is recorded of a stage; progress and curve are of the moment.
KEPT = ("environment", "data", "score", "diagnostic", "artifact", "done")


class Recorder:
    """An `emit` that passes every event on, and writes the record of the stage before it passes on `done`."""

    def __init__(self, job: Job, emit: Emit) -> None:
        self._job, self._emit = job, emit
        self._events: list[dict[str, Any]] = []

    def __call__(self, event: str, **fields: Any) -> None:
        if event in KEPT:
            self._events.append({"event": event, **fields})
        if event == "done":
            self._write()
            print("The stage is complete.", file=sys.stderr, flush=True)
        self._emit(event, **fields)

    def _write(self) -> None:
        path = Path(self._job.output) / FINISHED
        draft = path.with_suffix(".draft")
        with draft.open("w", encoding="utf-8") as file:
            json.dump({"fingerprint": self._job.stage.fingerprint, "events": self._events}, file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)


def replay(job: Job, emit: Emit) -> bool:
    """Report again what a complete stage reported; False where there is no record or one of its files is not whole."""
    folder = Path(job.output)
    try:
        record = json.loads((folder / FINISHED).read_text(encoding="utf-8"))
        events = record["events"]
        artifacts = [event for event in events if event["event"] == "artifact"]
        if record["fingerprint"] != job.stage.fingerprint or not all(_whole(folder, event) for event in artifacts):
            return False
    except (OSError, ValueError, KeyError, TypeError):
        return False
    print("The stage was complete already; what it reported is reported again.", file=sys.stderr, flush=True)
    for event in events:
        emit(event["event"], **{name: value for name, value in event.items() if name != "event"})
    return True


def _whole(folder: Path, artifact: dict[str, Any]) -> bool:
    path = folder / artifact["path"]
    if not path.is_file() or path.stat().st_size != artifact["size"]:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == artifact["sha256"]
