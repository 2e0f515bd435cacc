"""Where the tests run: a temporary VAR_DIR, the database that was asked for, the local data if it is there.

Settings read the environment once, so it is prepared here, before Django is set up.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parent.parent
VAR_DIR = Path(tempfile.mkdtemp(prefix="leaderboard-tests-"))
SHARED_DATA = ROOT.parent / "shared" / "data"

os.environ.update(VAR_DIR=str(VAR_DIR), SECRET_KEY="for tests only", DJANGO_SETTINGS_MODULE="leaderboard.settings")
for name in ("ARTIFACT_DIR", "CELERY_BROKER_URL", "HTTPS", "BEHIND_PROXY", "DEBUG"):
    os.environ.pop(name, None)
if SHARED_DATA.is_dir():
    os.environ.setdefault("DATA_DIR", str(SHARED_DATA))

postgresql = pytest.StashKey()

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


def pytest_configure(config: pytest.Config) -> None:
    database = config.getoption("--database")
    if database == "postgresql":
        from tests.postgresql import PrivatePostgresql

        config.stash[postgresql] = PrivatePostgresql()
        os.environ["DATABASE_URL"] = config.stash[postgresql].url
    elif database == "sqlite":
        os.environ.pop("DATABASE_URL", None)
    _prepare_settings()


def _prepare_settings() -> None:
    from django.conf import settings

    if settings.DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
        # A file, as in use: an in-memory database has other locks, and another thread cannot share it fairly.
        settings.DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
    settings.STATIC_ROOT.mkdir(exist_ok=True)
    # The manifest is written by collectstatic, which tests do not need.
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "testserver"]


def pytest_unconfigure(config: pytest.Config) -> None:
    if server := config.stash.get(postgresql, None):
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
        others = [item for item in items if not _touches_database(item)]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if _touches_database(item)]


def _touches_database(item: pytest.Item) -> bool:
    fixtures = {"db", "transactional_db", "live_server"}
    return item.get_closest_marker("django_db") is not None or not fixtures.isdisjoint(item.fixturenames)
