"""The API against its own description: whatever is sent, nothing fails, and every answer is one that is described."""

from __future__ import annotations

import logging

import hypothesis
import pytest
import schemathesis
from django.contrib.auth.models import User
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import strategies
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from leaderboard.models import Run
from leaderboard.services import snapshots, tokens
from leaderboard.standings import frozen
from leaderboard.wsgi import application
from tests import factories, uploads

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 6


@pytest.fixture(autouse=True)
def _one_connection():
    """The application would close it after each request, and with it end the test's transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def secret(settings, tmp_path):
    """The token of somebody who may do everything, on a board with something of each kind."""
    settings.ARTIFACT_DIR = tmp_path / "artifacts"
    settings.DATA_DIR = str(tmp_path)
    settings.API_RATE = settings.API_VISITOR_RATE = settings.API_WRITE_RATE = "1000000/m"
    factories.study(tasks=("tatoeba",), languages=("de", "sw"), seeds=(1,))
    factories.published("XLM-R")
    uploads.stored()
    logging.disable(logging.WARNING)
    yield tokens.make(User.objects.create_superuser("root"), "tests", "submit")[1]
    logging.disable(logging.NOTSET)


def test_it_works(secret):
    """Every operation, by generated requests; examples share the board, which they also fill."""
    taken = snapshots.take("First", frozen.board)
    described = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)
    headers = {"Authorization": f"Bearer {secret}", "Accept-Encoding": "identity"}
    run = Run.objects.filter(origin="local").first()
    known = {"pk": run.pk, "slug": "tatoeba", "address": taken.address, "key": "leaderboard.xtreme"}
    operations = [found.ok() for found in described.get_all_operations()]
    assert len(operations) > 20
    for operation in operations:

        @hypothesis.seed(1)
        @hypothesis.settings(
            max_examples=EXAMPLES,
            database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
            phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
        )
        @hypothesis.given(case=operation.as_strategy(), there=strategies.booleans())
        def attempt(case, there):
            if there:
                # Of rows that exist, of which generated numbers name none.
                case.path_parameters.update({name: known[name] for name in case.path_parameters})
            case.call_and_validate(headers=headers, checks=CHECKS)

        attempt()
