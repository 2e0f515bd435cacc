"""What holds for every test of the leaderboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def empty_shelf():
    """Pages are kept by the state of the database, whose numbers begin anew where a test is rolled back."""
    # Inside: this file is read before Django is set up.
    from leaderboard.standings import presence
    from leaderboard.views import caching

    caching.shelf.clear()
    presence.forget()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    """Studies that are made alike have the same items, whose arrays lie under their hash."""
    return tmp_path_factory.mktemp("prepared")


@pytest.fixture
def prepared_files(settings, prepared) -> Iterator[None]:
    """Artifacts lie where the module has them; nothing is left in the queue."""
    from tests.stages import empty_queue

    settings.ARTIFACT_DIR = prepared
    yield
    empty_queue()
