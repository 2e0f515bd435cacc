"""Reading what stages wrote: the end of a log, the points of a curve. Never outside the artifact store."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from django.conf import settings

LOG_LINES = 100
# A log's end is read, not the log: it may be long.
LOG_BYTES = 64 * 1024
CURVE_BYTES = 8 * 1024 * 1024
TRACEBACK = "Traceback (most recent call last):"
HIDDEN = "(a traceback is shown to signed-in staff)"
FRAME = re.compile(r"^\s+File \".*\", line \d+")
EXCEPTION_LINE = re.compile(r"^[A-Za-z_][\w.]*(: |$)")


@dataclass(frozen=True)
class Curve:
    """What training wrote as it went: steps with the loss, and steps with a score on development data."""

    losses: tuple[tuple[int, float], ...]
    scores: tuple[tuple[int, float], ...]
    metric: str


def inside(path: str | Path) -> Path | None:
    """The file at `path`, relative to the artifact store; None where there is none or it lies outside.

    Links are followed before the check, so that none leads out.
    """
    root = settings.ARTIFACT_DIR.resolve()
    found = (root / path).resolve()
    return found if found.is_relative_to(root) and found.is_file() else None


def log_tail(path: str | Path, *, tracebacks: bool) -> list[str]:
    """The last lines of a log; without `tracebacks`, a placeholder stands for each."""
    found = inside(path)
    if found is None:
        return []
    with found.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - LOG_BYTES))
        text = file.read().decode(errors="replace")
    lines = [line.rpartition("\r")[2] for line in text.replace("\r\n", "\n").split("\n")]
    if size > LOG_BYTES:
        # The first line is a torn one.
        lines = lines[1:]
    if not tracebacks:
        lines = list(without_tracebacks(lines))
    return [line for line in lines if line.strip()][-LOG_LINES:]


def without_tracebacks(lines: Iterable[str]) -> Iterator[str]:
    """`lines` with a placeholder for each traceback, from its head to the line that names the exception."""
    lines = list(lines)
    # The end of a log may begin in the middle of a traceback: frames come before any head of one.
    hiding = any(FRAME.match(line) for line in takewhile(lambda line: TRACEBACK not in line, lines))
    if hiding:
        yield HIDDEN
    for line in lines:
        if TRACEBACK in line:
            if not hiding:
                yield HIDDEN
            hiding = True
        elif hiding:
            hiding = not EXCEPTION_LINE.match(line)
        else:
            yield line


def curve(path: str | Path) -> Curve:
    """The points of a curve file, JSON lines; a torn or foreign line is skipped."""
    losses: list[tuple[int, float]] = []
    scores: list[tuple[int, float]] = []
    metric = ""
    found = inside(path)
    if found is None or found.stat().st_size > CURVE_BYTES:
        return Curve((), (), "")
    for line in found.read_text(errors="replace").splitlines():
        point = _point(line)
        if "loss" in point:
            losses.append((point["step"], point["loss"]))
        elif "value" in point:
            scores.append((point["step"], point["value"]))
            metric = str(point.get("metric", ""))
    return Curve(tuple(losses), tuple(scores), metric)


def _point(line: str) -> dict:
    try:
        point = json.loads(line)
    except json.JSONDecodeError:
        return {}
    if not isinstance(point, dict) or not isinstance(point.get("step"), int):
        return {}
    numbers = [point[name] for name in ("loss", "value") if name in point]
    return point if all(isinstance(number, int | float) for number in numbers) else {}
