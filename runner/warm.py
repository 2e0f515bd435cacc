"""Engines that start at once: forked from a process that has loaded their libraries already.

Loading torch and transformers takes five to seven seconds of processor time, which is longer than a small stage. So a
worker keeps one template process for each of its places (`python -m runner.template`); it computes nothing, and forks
an engine for each stage that it is asked for. Standard library only.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from runner.process import SUPERVISOR

# What a template can start: anything else is a command of its own.
COMMAND = (sys.executable, "-m", "runner")
LOAD_SECONDS = 120


class TemplateLost(Exception):
    """The template ended, or did not answer."""


class Template:
    """One template process and the socket to it. To be used by one thread, which must live as long (PDEATHSIG)."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._heard = b""

    def start(
        self, command: Sequence[str], log: IO[bytes], lock: IO[str], cwd: Path | None, environment: Mapping[str, str]
    ) -> WarmProcess:
        """Start the engine that `command` means, as `subprocess.Popen` would; TemplateLost where that fails."""
        if tuple(command[: len(COMMAND)]) != COMMAND:
            raise TemplateLost("only the engine itself is started warm")
        self._ensure(environment)
        reading, writing = os.pipe()
        request = {
            "arguments": list(command[len(COMMAND) :]),
            "cwd": str(cwd or Path.cwd()),
            "environment": dict(environment),
        }
        try:
            socket.send_fds(self._socket, [_line(request)], [writing, log.fileno(), lock.fileno()])
            answer = self._answer()
        except (OSError, TemplateLost) as error:
            os.close(reading)
            self.close()
            raise TemplateLost(f"the template did not answer: {error}") from error
        finally:
            os.close(writing)
        return WarmProcess(answer["pid"], os.fdopen(reading, "rb", buffering=0), self)

    def poll(self) -> int | None:
        """The exit code of the engine, None while it runs; that of a killed one where the template is lost."""
        return self._receive(wait=False)

    def wait(self) -> int:
        return self._receive(wait=True)

    def close(self) -> None:
        """End the template; an engine that still runs is asked to leave, because its parent dies."""
        if self._socket:
            self._socket.close()
            self._socket = None
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            self._process.wait()
            self._process = None

    def _ensure(self, environment: Mapping[str, str]) -> None:
        if self._process and self._process.poll() is None and self._socket:
            return
        self.close()
        self._heard = b""
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(LOAD_SECONDS)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "runner.template", str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd=Path(__file__).resolve().parent.parent,
            env={**environment, SUPERVISOR: str(os.getpid())},
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
        )
        theirs.close()

    def _answer(self) -> dict[str, int]:
        # An engine that ends at once leaves both of its answers in one piece.
        while b"\n" not in self._heard:
            chunk = self._socket.recv(4096)
            if not chunk:
                raise TemplateLost("it ended")
            self._heard += chunk
        line, _, self._heard = self._heard.partition(b"\n")
        return json.loads(line)

    def _receive(self, *, wait: bool) -> int | None:
        if self._socket is None:
            return -signal.SIGKILL
        self._socket.settimeout(LOAD_SECONDS if wait else 0)
        try:
            return self._answer()["code"]
        except (BlockingIOError, TimeoutError):
            return None
        except (OSError, TemplateLost):
            self.close()
            return -signal.SIGKILL
        finally:
            if self._socket:
                self._socket.settimeout(LOAD_SECONDS)


class WarmProcess:
    """An engine that a template has forked, with what the supervisor needs of `subprocess.Popen`."""

    def __init__(self, pid: int, stdout: IO[bytes], template: Template) -> None:
        self.pid = pid
        self.stdout = stdout
        self.returncode: int | None = None
        self._template = template

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self._template.poll()
        return self.returncode

    def wait(self) -> int:
        while self.returncode is None:
            self.returncode = self._template.wait()
        return self.returncode


def _line(message: Mapping[str, object]) -> bytes:
    return json.dumps(message).encode() + b"\n"
