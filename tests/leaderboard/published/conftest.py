"""The project's own published results, and who may say that they were checked."""

from __future__ import annotations

import pytest


@pytest.fixture
def loaded():
    # Inside: this file is read before Django is set up.
    from leaderboard.published.tables import own_scores, own_sources
    from leaderboard.services.published import load

    load(own_scores(), own_sources())


@pytest.fixture
def maintainer():
    from django.contrib.auth.models import User

    return User.objects.create_superuser("maintainer", password="secret")
