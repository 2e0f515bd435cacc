"""`manage.py up`: the web process and one worker, together, until ctrl-C; at first start with the pocket study."""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from leaderboard.services import pocket

HOST = "127.0.0.1"
START_SECONDS = 60
# On top of what the worker gives its engine to write a checkpoint.
STOP_MARGIN_SECONDS = 15
# Between two looks at the study, on a terminal and in a log.
TERMINAL_SECONDS, LOG_SECONDS = 2, 30
CLEAR_LINE = "\r\x1b[K"
BAR = 24
# So many stages tell how fast the others will be.
STAGES_TO_JUDGE = 8
# Engines at the same time for the pocket study, at most: each has 400 MB.
PLACES = 4
PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Command(BaseCommand):
    help = "Start the leaderboard and one worker, print the address, stop both on ctrl-C."

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.signals = 0
        self.children: dict[str, subprocess.Popen[bytes]] = {}

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--empty", action="store_true", help="Submit no pocket study at first start.")
        parser.add_argument("--port", default=os.environ.get("PORT") or "8000", help="Default: PORT, else 8000.")

    def handle(self, *, port: str, empty: bool, **options: Any) -> None:
        number = _free_port(port)
        self._first_administrator()
        if not empty and pocket.begin():
            self._say("First start: the pocket study is submitted, and trained on this machine from now on.")
        display = Display(self._say, self.stdout.isatty())
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, self._count_signal)
        try:
            self._start("web", _web(number), _quiet(os.environ))
            self._start("worker", _worker(), _quiet(_for_small_stages(os.environ, pocket.progress())))
            if self._wait_until(lambda: _answers(number), START_SECONDS):
                self._say(f"The leaderboard is at http://{HOST}:{number}/ (ctrl-C stops it and its worker)")
            elif not self.signals:
                raise CommandError(f"The web process did not answer within {START_SECONDS} s; its log is above.")
            self._wait_until(display.show, float("inf"))
        finally:
            self._stop()

    def _count_signal(self, number: int, frame: Any) -> None:
        self.signals += 1

    def _say(self, text: str) -> None:
        # A line that will be written over has no end.
        self.stdout.write(text, ending="" if text.startswith(CLEAR_LINE) else "\n")
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

    def _start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        # A session of its own, because ctrl-C is for this process, which then stops them in order. Their output
        # goes straight where this one's goes.
        self.children[name] = subprocess.Popen(
            command,
            cwd=settings.BASE_DIR,
            env=environment,
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


class Display:
    """How far the pocket study is: one line that is written over on a terminal, else a line now and then."""

    def __init__(self, say: Callable[[str], None], rewrites: bool) -> None:  # noqa: FBT001
        self._say = say
        self._rewrites = rewrites
        self._begun = self._last = time.monotonic()
        self._shown = ""
        self._first: int | None = None
        self._over = False

    def show(self) -> bool:
        """Say what is new, if it is time to; never True: nothing is waited for."""
        now = time.monotonic()
        if self._over or now - self._last < (TERMINAL_SECONDS if self._rewrites else LOG_SECONDS):
            return False
        self._last = now
        found = pocket.progress()
        connection.close()
        if found is None:
            self._over = True
            return False
        if self._first is None and found.done:
            # The first stage, which makes the encoder, is longer than all others: time is counted from its end.
            self._first, self._begun = found.done, now
        line = self._line(found, now - self._begun)
        if line != self._shown:
            self._shown = line
            self._say(f"{CLEAR_LINE}{line[: shutil.get_terminal_size().columns - 1]}" if self._rewrites else line)
        self._over = found.over
        return False

    def _line(self, found: pocket.Progress, seconds: float) -> str:
        failed = f", {found.failed} failed or cancelled" if found.failed else ""
        if found.over:
            return f"The pocket study is complete: {found.done} of {found.total} stages{failed}."
        bar = "#" * round(BAR * found.done / found.total)
        made = found.done - (self._first or 0)
        left = (found.total - found.done) * seconds / max(made, 1)
        when = f", about {max(1, round(left / 60))} min left" if made >= STAGES_TO_JUDGE else ""
        now = f": {found.now[0]}" if found.now else ""
        return f"Pocket study [{bar:<{BAR}}] {found.done}/{found.total} stages{failed}{when}{now}"


def _quiet(environment: Mapping[str, str]) -> dict[str, str]:
    """The processes' own lines would tear the display: they say what goes wrong, unless LOG_LEVEL wants more."""
    return {"LOG_LEVEL": "WARNING", **environment}


def _for_small_stages(environment: Mapping[str, str], found: pocket.Progress | None) -> dict[str, str]:
    """While there is a pocket study to do: as many engines as processors, of one thread each; a setting comes first."""
    if found is None or found.over or settings.GPUS:
        return dict(environment)
    places = min(os.cpu_count() or 1, PLACES)
    return {"WORKER_CONCURRENCY": str(places), "ENGINE_THREADS": "1", **environment}


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
    serve += ["--log-level", os.environ.get("LOG_LEVEL", "WARNING").lower()]
    return [sys.executable, "-m", "gunicorn", "leaderboard.wsgi", *serve]


def _worker() -> list[str]:
    # Gossip and mingle are talk among workers, which nothing here listens to.
    quiet = ["--without-gossip", "--without-mingle", "--loglevel", os.environ.get("LOG_LEVEL", "WARNING")]
    return [sys.executable, "-m", "celery", "--quiet", "--app", "leaderboard", "worker", *quiet]


def _die_with_parent() -> None:
    """In the child: ask the kernel for SIGTERM should this command be killed, so that no orphan stays behind."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
