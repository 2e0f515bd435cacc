"""The follower: intervals and claims are there soon after the scores, and cost a place nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from leaderboard.models import Stage, StoredInterval, Verdict
from leaderboard.services import uncertainty
from runner.jobs.following import Follower
from tests import measured
from tests.leaderboard.test_claims import LANGUAGES, claim, gains
from tests.stages import empty_queue

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_files(settings, tmp_path: Path) -> Iterator[None]:
    settings.ARTIFACT_DIR = tmp_path
    yield
    empty_queue()


def study(name: str, seeds: tuple[int, ...]) -> None:
    asked = {"tasks": ("xnli_cad",), "intermediates": ("nli_cad",), "languages": LANGUAGES}
    measured.study(name, gain=gains(nli_cad=0.25), seeds=seeds, **asked)


def test_it_works() -> None:
    claim({"over": "each", "intermediate": ["nli_cad"]})
    follower = Follower("here")
    follower.follow()
    assert Verdict.objects.latest("pk").decision == "open"
    study("First", (1, 2, 3))
    Stage.objects.update(worker="here:1")
    follower.follow()
    assert Verdict.objects.latest("pk").decision == "holds"
    assert StoredInterval.objects.exists()


def test_a_worker_that_starts_makes_up_for_what_others_left() -> None:
    study("First", (1, 2))
    Stage.objects.update(worker="elsewhere:1")
    Follower("here").follow()
    assert StoredInterval.objects.exists()


def test_what_another_worker_evaluated_is_left_to_it() -> None:
    follower = Follower("here")
    follower.follow()
    study("First", (1, 2))
    Stage.objects.update(worker="elsewhere:1")
    follower.follow()
    assert not StoredInterval.objects.exists()


def test_where_nothing_changed_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    study("First", (1, 2))
    follower = Follower("here")
    follower.follow()
    monkeypatch.setattr(uncertainty, "refresh", lambda stages: pytest.fail("nothing has changed"))
    follower.follow()


def test_what_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    study("First", (1, 2))
    follower = Follower("here")
    with monkeypatch.context() as patched:
        patched.setattr(uncertainty, "refresh", lambda stages: 1 / 0)
        follower.follow()
    assert "could not follow" in caplog.text
    follower.follow()
    assert StoredInterval.objects.exists()
