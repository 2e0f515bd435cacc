"""`manage.py up`: the web process and one worker, together, until ctrl-C."""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

HOST = "127.0.0.1"
START_SECONDS = 60
# On top of what the worker gives its engine to write a checkpoint.
STOP_MARGIN_SECONDS = 15
PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Command(BaseCommand):
    help = "Start the leaderboard and one worker, print the address, stop both on ctrl-C."

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.signals = 0
        self.children: dict[str, subprocess.Popen[bytes]] = {}

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", default=os.environ.get("PORT") or "8000", help="Default: PORT, else 8000.")

    def handle(self, *, port: str, **options: Any) -> None:
        number = _free_port(port)
        self._first_administrator()
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, self._count_signal)
        try:
            self._start("web", _web(number))
            self._start("worker", _worker())
            if self._wait_until(lambda: _answers(number), START_SECONDS):
                self._say(f"The leaderboard is at http://{HOST}:{number}/ (ctrl-C stops it and its worker)")
            elif not self.signals:
                raise CommandError(f"The web process did not answer within {START_SECONDS} s; its log is above.")
            self._wait_until(lambda: False, float("inf"))
        finally:
            self._stop()

    def _count_signal(self, number: int, frame: Any) -> None:
        self.signals += 1

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def _first_administrator(self) -> None:
        """Where nobody can log in to submit anything, make an administrator with a password that is shown once."""
        users = get_user_model().objects
        if users.filter(is_superuser=True).exists() or users.filter(username="admin").exists():
            return
        password = secrets.token_urlsafe(12)
        users.create_superuser("admin", password=password)
        self._say(
            f"First start: log in at /admin/ as “admin” with the password {password} (shown this once; change it)"
        )

    def _start(self, name: str, command: Sequence[str]) -> None:
        # A session of its own, because ctrl-C is for this process, which then stops them in order. Their output
        # goes straight where this one's goes.
        self.children[name] = subprocess.Popen(
            command,
            cwd=settings.BASE_DIR,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # safe here: this process has no threads
        )

    def _wait_until(self, holds: Any, seconds: float) -> bool:
        """Wait until `holds()` or a signal; CommandError when a child ends by itself."""
        end = time.monotonic() + seconds
        while not self.signals and time.monotonic() < end:
            for name, child in self.children.items():
                if child.poll() is not None:
                    raise CommandError(
                        f"The {name} process ended by itself with exit code {child.returncode}; its log is above."
                    )
            if holds():
                return True
            time.sleep(0.2)
        return False

    def _stop(self) -> None:
        """TERM to all, KILL to those that do not end in time or on a second ctrl-C; returns when all are gone."""
        asked = self.signals
        running = [child for child in self.children.values() if child.poll() is None]
        if running:
            self._say("Stopping: a running stage writes a checkpoint first (ctrl-C again: at once)")
        for child in running:
            child.terminate()
        end = time.monotonic() + settings.STOP_GRACE_SECONDS + STOP_MARGIN_SECONDS
        while any(child.poll() is None for child in running):
            if time.monotonic() > end or self.signals > asked:
                for child in running:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(child.pid, signal.SIGKILL)
            time.sleep(0.1)


def _free_port(port: str) -> int:
    """The port as a number, if it can be had; CommandError otherwise, before anything is started."""
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise CommandError(f"PORT is a number from 1 to 65535, found {port!r}.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, int(port)))
        except OSError as error:
            raise CommandError(
                f"Port {port} cannot be used ({error.strerror}): stop what uses it, or set PORT to another."
            ) from error
    return int(port)


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


def _web(port: int) -> list[str]:
    serve = ["--bind", f"{HOST}:{port}", "--workers", "2", "--threads", "4", "--no-control-socket"]
    return [sys.executable, "-m", "gunicorn", "leaderboard.wsgi", *serve]


def _worker() -> list[str]:
    # Gossip and mingle are talk among workers, which nothing here listens to.
    quiet = ["--without-gossip", "--without-mingle", "--loglevel", "INFO"]
    return [sys.executable, "-m", "celery", "--app", "leaderboard", "worker", *quiet]


def _die_with_parent() -> None:
    """In the child: ask the kernel for SIGTERM should this command be killed, so that no orphan stays behind."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
