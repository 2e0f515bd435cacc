"""Who takes a stage, which one, and by whose clock."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connections
from django.utils import timezone

from leaderboard.models import Stage
from leaderboard.services import leases, progress, sweeping
from leaderboard.services.leases import Lease
from tests.stages import make_training, running, status

pytestmark = [pytest.mark.django_db, pytest.mark.queue, pytest.mark.usefixtures("no_messages")]


# Claiming.


@pytest.mark.parametrize("state", ["waiting", "running", "done", "cancelled"])
def test_only_a_queued_stage_can_be_claimed(state: str) -> None:
    stage = make_training(status=state, lease_until=timezone.now())
    assert leases.claim(stage.pk, "one") is None
    assert status(stage) == [state]


def test_a_stage_whose_parent_is_not_done_cannot_be_claimed() -> None:
    stage = make_training(make_training(status="queued"), status="queued")
    assert leases.claim(stage.pk, "one") is None


def test_a_stage_that_does_not_exist_cannot_be_claimed() -> None:
    assert leases.claim(10**9, "one") is None


@pytest.mark.django_db(transaction=True)
def test_of_many_who_claim_at_once_one_wins() -> None:
    stages = [make_training(status="queued") for _ in range(10)]
    claimers = 4
    start = threading.Barrier(claimers)

    def claim_all(name: str) -> list[Lease]:
        try:
            start.wait()
            return [lease for stage in stages if (lease := leases.claim(stage.pk, name))]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(claimers) as pool:
        won_by_all = [lease for won in pool.map(claim_all, "abcd") for lease in won]
    assert sorted(lease.stage_id for lease in won_by_all) == [stage.pk for stage in stages]
    for lease in won_by_all:
        progress.beat(lease)  # and each winner is the one whom the database knows


# Whose turn it is.


def submitter(name: str) -> Any:
    return get_user_model().objects.get_or_create(username=name)[0]


def taken(count: int, lanes: tuple[str, ...] = ("gpu",)) -> list[int]:
    """The stages that a worker gets, one after the other."""
    found = [leases.take(f"worker:{number}", lanes) for number in range(count)]
    return [lease.stage_id for lease in found if lease]


def test_stages_are_taken_in_the_order_of_their_age() -> None:
    stages = [make_training(status="queued") for _ in range(3)]
    assert taken(4) == [stage.pk for stage in stages]
    assert leases.take("late", ("gpu",)) is None


def test_a_worker_takes_from_its_lanes_only() -> None:
    gpu, cpu, short = (make_training(status="queued", lane=lane) for lane in ("gpu", "cpu", "short"))
    assert taken(3, ("cpu",)) == [cpu.pk]
    assert taken(3, ("short", "gpu")) == [gpu.pk, short.pk]


def test_priority_goes_before_age_and_before_shares() -> None:
    ada = submitter("ada")
    low, normal, high = (make_training(status="queued", priority=priority, submitted_by=ada) for priority in (-1, 0, 1))
    other = make_training(status="queued")
    assert taken(4) == [high.pk, other.pk, normal.pk, low.pk]


def test_a_submitter_with_a_thousand_stages_does_not_block_another() -> None:
    ada, bob = submitter("ada"), submitter("bob")
    many = [make_training(status="queued", submitted_by=ada) for _ in range(6)]
    few = [make_training(status="queued", submitted_by=bob) for _ in range(2)]
    assert taken(5) == [many[0].pk, few[0].pk, many[1].pk, few[1].pk, many[2].pk]


def test_a_submitter_has_at_most_so_many_running(settings) -> None:
    settings.SUBMITTER_STAGE_LIMIT = 2
    ada = submitter("ada")
    mine = [make_training(status="queued", submitted_by=ada) for _ in range(3)]
    assert taken(4) == [stage.pk for stage in mine[:2]]
    other = make_training(status="queued")
    assert taken(1) == [other.pk]
    progress.release(Lease(mine[0].pk, 1, "worker:0"))
    assert len(taken(2)) == 1


def test_a_stage_in_its_pause_is_passed_over() -> None:
    paused = make_training(status="queued", not_before=timezone.now() + timedelta(seconds=60))
    assert taken(1) == []
    assert leases.claim(paused.pk, "one") is None
    assert sweeping.sweep().sent == 0
    Stage.objects.update(not_before=timezone.now() - timedelta(seconds=1))
    assert taken(1) == [paused.pk]


@pytest.mark.django_db(transaction=True)
def test_many_who_take_at_once_get_all_and_none_twice() -> None:
    stages = [make_training(status="queued", submitted_by=submitter("ada" if n % 2 else "bob")) for n in range(24)]
    start = threading.Barrier(4)

    def take_all(name: str) -> list[int]:
        try:
            start.wait()
            return taken(len(stages))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        got = [pk for pks in pool.map(take_all, "abcd") for pk in pks]
    assert sorted(got) == [stage.pk for stage in stages]


# Clocks.


def test_a_clock_that_was_put_back_does_not_keep_a_dead_workers_stage() -> None:
    stage, paused = make_training(), make_training(status="queued", not_before=timezone.now() + timedelta(days=1))
    running(stage)
    Stage.objects.filter(pk=stage.pk).update(lease_until=timezone.now() + timedelta(hours=1))
    sweeping.sweep()
    stage.refresh_from_db()
    paused.refresh_from_db()
    assert stage.status == "running"  # its worker may live: it has as long as any to say so
    assert stage.lease_until < timezone.now() + timedelta(seconds=settings.LEASE_SECONDS + 1)
    assert paused.not_before is None


def test_a_lease_is_by_the_clock_of_the_database_not_of_the_worker(monkeypatch) -> None:
    stage = make_training()
    true_now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: true_now + timedelta(days=1))
    lease = running(stage)
    progress.beat(lease)
    assert sweeping.sweep().returned == 0
    assert Stage.objects.get(pk=stage.pk).lease_until < true_now + timedelta(hours=1)


def test_a_dead_workers_stage_is_taken_back_within_a_minute_with_the_settings_as_they_are() -> None:
    assert settings.LEASE_SECONDS + settings.SWEEP_SECONDS + progress.pause_after(1) < 60
