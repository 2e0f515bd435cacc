"""Where the tests run: a temporary VAR_DIR, the database that was asked for, the local data if it is there.

Settings read the environment once, so it is prepared here, before Django is set up.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parent.parent
VAR_DIR = Path(tempfile.mkdtemp(prefix="leaderboard-tests-"))
SHARED_DATA = ROOT.parent / "shared" / "data"

LONG = {"slow", "e2e", "queue"}

postgresql = pytest.StashKey()
broker = pytest.StashKey()
broker_absent = pytest.StashKey()

# How long an example takes says nothing about it on a machine that others use too.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=["sqlite", "postgresql", "environment"],
        default="sqlite",
        help="sqlite: a temporary file; environment: DATABASE_URL; postgresql: a private server for this session, "
        "and only the tests that touch the database.",
    )
    parser.addoption(
        "--broker",
        choices=["folder", "redis", "rabbitmq"],
        default="folder",
        help="folder: the embedded one; else a private one for this session, and only the tests of the queue.",
    )
    parser.addoption(
        "--once",
        action="store_true",
        help="Of a test with parameters, only the first set: what another database could do otherwise, it does there.",
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: while a test waits for a browser, a server or an engine, the others go on."""
    return (os.cpu_count() or 1) + 1


def pytest_configure(config: pytest.Config) -> None:
    if _only_distributes(config):
        return
    _prepare_environment()
    database = config.getoption("--database")
    if database == "postgresql":
        from tests.postgresql import PrivatePostgresql

        config.stash[postgresql] = PrivatePostgresql()
        os.environ["DATABASE_URL"] = config.stash[postgresql].url
    elif database == "sqlite":
        os.environ.pop("DATABASE_URL", None)
    _start_broker(config)
    _prepare_settings()


def _only_distributes(config: pytest.Config) -> bool:
    """Whether this process hands out tests (`-n`) and runs none: each of those that do has its own servers."""
    return bool(config.getoption("numprocesses", default=None)) and not hasattr(config, "workerinput")


def _prepare_environment() -> None:
    # Not before: a process that hands out tests would bequeath it, and they would read their settings too early.
    os.environ.update(VAR_DIR=str(VAR_DIR), SECRET_KEY="for tests only", DJANGO_SETTINGS_MODULE="leaderboard.settings")
    # Tests begin with an empty board; those of published results load them.
    os.environ["PUBLISHED_RESULTS"] = "0"
    for name in ("ARTIFACT_DIR", "CELERY_BROKER_URL", "HTTPS", "BEHIND_PROXY", "DEBUG"):
        os.environ.pop(name, None)
    if SHARED_DATA.is_dir():
        os.environ.setdefault("DATA_DIR", str(SHARED_DATA))


def _start_broker(config: pytest.Config) -> None:
    from tests.brokers import BROKERS, Absent

    if (name := config.getoption("--broker")) == "folder":
        return
    try:
        config.stash[broker] = BROKERS[name]()
    except Absent as absent:
        config.stash[broker_absent] = str(absent)
        return
    config.stash[broker].start()
    os.environ["CELERY_BROKER_URL"] = config.stash[broker].url


def _prepare_settings() -> None:
    from django.conf import settings

    if settings.DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
        # A file, as in use: an in-memory database has other locks, and another thread cannot share it fairly.
        settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = str(VAR_DIR / "test.sqlite3")
    settings.STATIC_ROOT.mkdir(exist_ok=True)
    # The manifest is written by collectstatic, which tests do not need.
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "testserver"]


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    if _only_distributes(session.config):
        return
    # The fixtures of the queue's tests: they need Django's models, which are there only now.
    session.config.pluginmanager.import_plugin("tests.workers")


def pytest_unconfigure(config: pytest.Config) -> None:
    for key in (postgresql, broker):
        if server := config.stash.get(key, None):
            server.stop()
    shutil.rmtree(VAR_DIR, ignore_errors=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip tests of the real data where it is not there; on PostgreSQL, keep those that touch the database."""
    if not os.environ.get("DATA_DIR"):
        absent = pytest.mark.skip(reason="DATA_DIR is not set and ../shared/data is not there")
        for item in items:
            if "real_data" in item.keywords:
                item.add_marker(absent)
    if config.getoption("--database") == "postgresql":
        _keep(config, items, _touches_database)
    if config.getoption("--once"):
        seen: set[str] = set()
        _keep(config, items, lambda item: not ((name := item.nodeid.partition("[")[0]) in seen or seen.add(name)))
    if config.getoption("--broker") != "folder":
        _keep(config, items, lambda item: item.get_closest_marker("queue") is not None)
    # Files with long tests first: what begins last is what the others wait for at the end.
    long = {item.path for item in items if LONG & {marker.name for marker in item.iter_markers()}}
    items.sort(key=lambda item: item.path not in long)
    if sentence := config.stash.get(broker_absent, ""):
        for item in items:
            item.add_marker(pytest.mark.skip(reason=sentence))


def _keep(config: pytest.Config, items: list[pytest.Item], wanted: Callable[[pytest.Item], bool]) -> None:
    kept = [item for item in items if wanted(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
    items[:] = kept


def _touches_database(item: pytest.Item) -> bool:
    fixtures = {"db", "transactional_db", "live_server"}
    return item.get_closest_marker("django_db") is not None or not fixtures.isdisjoint(item.fixturenames)
