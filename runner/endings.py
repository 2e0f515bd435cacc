"""How an engine can end, and the sentence that says so; pure, from what was seen of the process."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from runner.events import (
    EXIT_DONE,
    EXIT_INFRASTRUCTURE,
    EXIT_OUT_OF_MEMORY,
    EXIT_STOPPED,
    EXIT_SUBMITTER,
)


class Ending(StrEnum):
    """How a stage's engine can end."""

    DONE = "done"
    SUBMITTER = "submitter"  # the submitter can mend it (RecipeError)
    BUG = "bug"
    OUT_OF_MEMORY = "out_of_memory"
    TIME_LIMIT = "time_limit"
    CANCELLED = "cancelled"  # the watcher asked for it
    STOPPED = "stopped"  # asked to stop for another reason: the stage can go on elsewhere
    KILLED = "killed"  # from outside, without a word
    HUNG = "hung"  # alive, but without progress
    INFRASTRUCTURE = "infrastructure"  # the machine failed it: a full disk, a file system that went away


@dataclass(frozen=True)
class Stop:
    """Why the engine was asked to stop, with the sentence for it (empty where the watcher wished it)."""

    ending: Ending
    message: str = ""


@dataclass(frozen=True)
class Seen:
    """What is known of an engine that has ended.

    `done` and `error` are its last events of these names; `for_memory` says whether the kernel killed something
    for memory meanwhile, None where it does not tell.
    """

    code: int
    done: Mapping[str, Any] | None
    error: Mapping[str, Any] | None
    for_memory: bool | None


def verdict(seen: Seen, stopped: Stop | None) -> tuple[Ending, str]:
    """The ending and its sentence, from the exit code, the last events and what was asked of the engine."""
    if seen.code == EXIT_DONE and seen.done:
        return Ending.DONE, ""  # even if it was asked to stop a moment before
    if stopped:
        return stopped.ending, stopped.message
    if seen.code in (EXIT_STOPPED, -signal.SIGTERM):
        return Ending.STOPPED, "The engine was asked to stop from outside."
    if seen.code == -signal.SIGKILL:
        return _killed(for_memory=seen.for_memory)
    return _from_words(seen)


def _from_words(seen: Seen) -> tuple[Ending, str]:
    """The ending that the engine itself gave, by its exit code and its error event."""
    family = seen.error.get("family") if seen.error else None
    message = str(seen.error.get("message", "")) if seen.error else ""
    if seen.code == EXIT_OUT_OF_MEMORY or family == "out_of_memory":
        return Ending.OUT_OF_MEMORY, message or "The engine ran out of memory."
    if seen.code == EXIT_INFRASTRUCTURE or family == "infrastructure":
        return Ending.INFRASTRUCTURE, message or "The machine failed the engine; its log says more."
    # The family too, because Python itself exits with 2 where it cannot find its script.
    if seen.code == EXIT_SUBMITTER and family == "submitter":
        return Ending.SUBMITTER, message
    if seen.code == EXIT_DONE:
        return Ending.BUG, "The engine ended without saying that it was done."
    if seen.code < 0:
        return Ending.BUG, message or f"The engine crashed with {_signal_name(-seen.code)}."
    return Ending.BUG, message or f"The engine ended with exit code {seen.code}; its log says more."


def _killed(*, for_memory: bool | None) -> tuple[Ending, str]:
    if for_memory is None:
        return Ending.OUT_OF_MEMORY, "The engine was killed by the system, most likely because memory ran out."
    if for_memory:
        return Ending.OUT_OF_MEMORY, "The engine was killed by the system, because memory ran out."
    return Ending.KILLED, "The engine was killed from outside, not for lack of memory."


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
