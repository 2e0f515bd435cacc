"""Parquet, which the web process cannot write itself: a process with the engine's libraries makes it from CSV."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from runner.process import without_secrets

PIECE_BYTES = 256 * 1024
COMMAND = (sys.executable, "-m", "runner.columnar")


class ParquetError(RuntimeError):
    """The process that writes Parquet failed; its last line says why."""


def from_csv(blocks: Iterator[bytes], numbers: Mapping[str, str]) -> Iterator[bytes]:
    """A Parquet file of a CSV with a header, piece by piece; `numbers` gives the types of columns that are no text.

    The process is fed and read in turn, so that neither side holds more than a row group.
    """
    process = subprocess.Popen(
        [*COMMAND, "write", json.dumps(dict(numbers))],
        env=without_secrets(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    pieces: queue.Queue[bytes | None] = queue.Queue()
    reader = threading.Thread(target=_read, args=(process.stdout, pieces), daemon=True)
    reader.start()
    try:
        for block in blocks:
            try:
                process.stdin.write(block)
            except BrokenPipeError:
                break
            while not pieces.empty():
                if piece := pieces.get():
                    yield piece
        _close(process.stdin)
        while piece := pieces.get():
            yield piece
        if process.wait() != 0:
            raise ParquetError(process.stderr.read().decode(errors="replace").strip().rpartition("\n")[2])
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            _close(stream)


def as_lines(files: Mapping[str, Path]) -> Iterator[bytes]:
    """The rows of Parquet files as lines of JSON, each with the name of its file; ParquetError where one is none."""
    process = subprocess.Popen(
        [*COMMAND, "read", *(f"{name}={path}" for name, path in files.items())],
        env=without_secrets(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        while piece := process.stdout.read1(PIECE_BYTES):
            yield piece
        if process.wait() != 0:
            raise ParquetError(process.stderr.read().decode(errors="replace").strip().rpartition("\n")[2])
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            stream.close()


def _read(stream: IO[bytes], pieces: queue.Queue[bytes | None]) -> None:
    """Hand on what the process writes, and None at its end."""
    while piece := stream.read1(PIECE_BYTES):
        pieces.put(piece)
    pieces.put(None)


def _close(stream: IO[bytes]) -> None:
    try:
        stream.close()
    except (BrokenPipeError, ValueError):
        # The process is gone, or its stream is being read as it ends: both are told by its exit code.
        return
