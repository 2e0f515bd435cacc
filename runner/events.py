"""Events: what leaves the engine's process, one JSON object a line.

| event       | fields                                                                                   |
| ----------- | ---------------------------------------------------------------------------------------- |
| environment | `packages`, `python`, `device`, `threads`, `processes`, `bf16`, `git_revision`, `platform` |
| data        | `task`, `dataset`, `config`, `split`, `language`, `rows`, `sha256`, `origin`, `revision` |
| progress    | `done`, `total`, `unit`, `note`                                                          |
| curve       | `step`, `loss`, `learning_rate`, `tokens_per_second`; or `step`, `metric`, `value`       |
| score       | `task`, `language`, `metric`, `value` (0..100), `n` (items)                              |
| diagnostic  | `task`, `language`, `layer`, `n` (pairs), `values` (measure -> value)                    |
| artifact    | `kind`, `path` (relative to the stage's folder), `sha256`, `size` (bytes)                |
| error       | `family` (`submitter`, `out_of_memory`, `infrastructure` or `bug`), `message`            |
| done        | `seconds`                                                                                |
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import IO, Any

Emit = Callable[..., None]

# Exit codes of `python -m runner`.
EXIT_DONE = 0
EXIT_BUG = 1
EXIT_SUBMITTER = 2
EXIT_OUT_OF_MEMORY = 3
EXIT_STOPPED = 4  # asked to stop by SIGTERM, after writing a checkpoint
EXIT_INFRASTRUCTURE = 5  # the machine failed it: elsewhere, or later, it may go well

# The exit code of an error's family.
EXIT_OF = {
    "submitter": EXIT_SUBMITTER,
    "out_of_memory": EXIT_OUT_OF_MEMORY,
    "infrastructure": EXIT_INFRASTRUCTURE,
    "bug": EXIT_BUG,
}


def emitter(stream: IO[str]) -> Emit:
    """A function `emit(event, **fields)` that writes one line to `stream` and flushes it."""

    def emit(event: str, **fields: Any) -> None:
        stream.write(json.dumps({"event": event, **fields}, ensure_ascii=False) + "\n")
        stream.flush()

    return emit


def silent(event: str, **fields: Any) -> None:
    """An `emit` that says nothing: all processes of a distributed run but one."""


def parse(line: str) -> dict[str, Any] | None:
    """The event on `line`, or None where the line is no event (a library's print, a torn last line)."""
    try:
        event = json.loads(line)
    except json.JSONDecodeError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None
