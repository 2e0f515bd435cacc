"""Why a stage waits: its position is the order in which stages are really taken, and each reason has its sentence."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.utils import timezone

from leaderboard.models import Stage, Worker
from leaderboard.services import leases, waiting, workers
from tests.stages import make_training

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_glance() -> None:
    cache.clear()


def users(*names: str) -> list:
    return [get_user_model().objects.get_or_create(username=name)[0] for name in names]


def because(stage: Stage) -> str:
    cache.clear()
    stage = Stage.objects.select_related("parent").get(pk=stage.pk)
    return waiting.reason(stage, {stage.parent_id: stage.parent.title} if stage.parent else {})


@pytest.mark.parametrize("seed", range(5))
def test_it_works(seed: int) -> None:
    """Whatever is queued and running, positions say the order in which a worker gets the stages."""
    draw = random.Random(seed)
    ada, bob, eve = users("ada", "bob", "eve")
    for _ in range(25):
        status = draw.choice(["queued", "queued", "queued", "running"])
        make_training(
            status=status,
            priority=draw.choice([-1, 0, 0, 1]),
            lane=draw.choice(["gpu", "gpu", "cpu"]),
            submitted_by=draw.choice([ada, ada, bob, eve, None]),
            lease_until=timezone.now() + timedelta(hours=1) if status == "running" else None,
        )
    stages = Stage.objects.filter(status="queued", lane="gpu")
    expected = sorted(stages, key=waiting.glance().position)
    taken = []
    while lease := leases.take(f"w{len(taken)}", ("gpu",)):
        taken.append(lease.stage_id)
    assert taken == [stage.pk for stage in expected]


def test_a_stage_waits_for_the_one_it_starts_from() -> None:
    parent = make_training(status="queued", title="Train on MNLI")
    assert because(make_training(parent)) == "Waits for “Train on MNLI”."


def test_a_lane_without_a_worker_is_named() -> None:
    workers.seen("laptop:1", ("cpu",), 1)
    assert because(make_training(status="queued")) == "No worker that takes from the lane “GPU” is there."


def test_a_worker_that_was_silent_for_long_is_not_there() -> None:
    workers.seen("host:1", ("gpu", "short"), 2)
    assert workers.places_by_lane() == {"gpu": 2, "short": 2}
    Worker.objects.update(seen=timezone.now() - timedelta(minutes=5))
    assert workers.places_by_lane() == {}
    Worker.objects.update(seen=timezone.now() - timedelta(days=2))
    workers.seen("host:2", ("gpu",), 1)
    assert list(Worker.objects.values_list("name", flat=True)) == ["host:2"]


def test_the_queue_position_is_told_with_what_is_at_work() -> None:
    workers.seen("host:1", ("gpu",), 1)
    make_training(status="running", lease_until=timezone.now() + timedelta(hours=1))
    first, second = make_training(status="queued"), make_training(status="queued")
    assert because(first) == "Next in the lane “GPU”; 1 of 1 places are at work on it."
    assert because(second) == "1 before it in the lane “GPU”; 1 of 1 places are at work on it."


def test_a_submitters_limit_is_a_reason(settings) -> None:
    settings.SUBMITTER_STAGE_LIMIT = 1
    workers.seen("host:1", ("gpu",), 4)
    (ada,) = users("ada")
    make_training(status="running", lease_until=timezone.now() + timedelta(hours=1), submitted_by=ada)
    assert "has 1 stages running, as many as are allowed" in because(make_training(status="queued", submitted_by=ada))


def test_a_pause_is_a_reason() -> None:
    later = timezone.now() + timedelta(seconds=60)
    text = because(make_training(status="queued", not_before=later, losses=2))
    assert text == f"Tried again at {later:%H:%M:%S} UTC, 2 of 5 losses so far."


def test_what_runs_or_is_over_does_not_wait() -> None:
    stage = make_training(status="running", lease_until=timezone.now())
    assert because(stage) == ""
    Stage.objects.update(cancel_requested=True)
    assert because(stage) == "It is being stopped."
    assert because(make_training(status="done")) == ""


def test_all_pages_together_look_once_in_some_seconds(django_assert_num_queries) -> None:
    stage = make_training(status="queued")
    # queued stages, running by submitter, running by lane, workers
    with django_assert_num_queries(4):
        waiting.reason(stage, {})
    with django_assert_num_queries(0):
        waiting.reason(stage, {})
