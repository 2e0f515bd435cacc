"""What holds for every test of the leaderboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def empty_shelf():
    """Pages are kept by the state of the database, whose numbers begin anew where a test is rolled back."""
    # Inside: this file is read before Django is set up.
    from leaderboard.standings import presence
    from leaderboard.views import caching

    caching.shelf.clear()
    presence.forget()


@pytest.fixture
def no_messages() -> Iterator[None]:
    """The broker is empty before a test and after it."""
    from tests.stages import empty_queue

    empty_queue()
    yield
    empty_queue()


@pytest.fixture
def commit(django_capture_on_commit_callbacks) -> Callable[..., Any]:
    """Call a service and then what it wanted done after commit."""

    def call(service: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with django_capture_on_commit_callbacks(execute=True):
            return service(*args, **kwargs)

    return call
