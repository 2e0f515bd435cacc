"""What tests of the HTTP API ask: a small board, somebody to ask it, and no limit on how often."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _places(settings, tmp_path):
    settings.ARTIFACT_DIR = tmp_path / "artifacts"
    settings.API_RATE = settings.API_VISITOR_RATE = settings.API_WRITE_RATE = "100000/m"


@pytest.fixture
def seeded():
    from tests import factories

    return factories.study(tasks=("udpos", "tatoeba"), languages=("de", "fi", "et"), seeds=(1,))


@pytest.fixture
def user():
    # Inside: this file is read before Django is set up.
    from django.contrib.auth.models import User

    return User.objects.create_user("script", is_staff=True)
