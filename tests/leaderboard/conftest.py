"""What holds for every test of the leaderboard."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def empty_shelf():
    """Pages are kept by the state of the database, whose numbers begin anew where a test is rolled back."""
    # Inside: this file is read before Django is set up.
    from leaderboard.standings import presence
    from leaderboard.views import caching

    caching.shelf.clear()
    presence.forget()
