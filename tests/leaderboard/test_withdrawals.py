"""Withdrawals: a run leaves the tables and stays on record with the reason."""

from __future__ import annotations

import io

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.urls import reverse

from leaderboard.models import Artifact, Run
from leaderboard.services import withdrawals
from leaderboard.standings.filters import Filters
from leaderboard.standings.listing import every_score
from leaderboard.standings.query import load
from runner.errors import RecipeError
from tests import uploads as made_up
from tests.leaderboard.test_uploads import staff

pytestmark = pytest.mark.django_db


def test_a_withdrawn_run_leaves_the_tables_and_stays_on_record(client):
    maker = User.objects.create_user("maker")
    run = withdrawals.withdraw(made_up.stored(), "Trained on test data.", maker)

    assert load(Filters()).rows == ()
    assert list(every_score()) == []
    assert run.scores.count() == 7
    assert Artifact.objects.count() == 1
    text = client.get(run.get_absolute_url()).content.decode()
    assert "Trained on test data." in text


def test_a_withdrawal_needs_a_reason():
    run = made_up.stored()
    with pytest.raises(RecipeError, match="needs a reason"):
        withdrawals.withdraw(run, " ")
    with pytest.raises(IntegrityError), transaction.atomic():
        Run.objects.filter(pk=run.pk).update(withdrawn=run.created)


def test_a_run_is_withdrawn_once():
    run = withdrawals.withdraw(made_up.stored(), "A mistake.")
    with pytest.raises(RecipeError, match=rf"Run {run.pk} was withdrawn already: A mistake\."):
        withdrawals.withdraw(run, "Another.")


def test_the_admin_withdraws_with_the_reason_that_is_given(client):
    run = made_up.stored()
    staff(client, "view_run", "withdraw_run")
    action = {"action": "withdraw_runs", "_selected_action": [run.pk]}
    changelist = reverse("admin:leaderboard_run_changelist")

    response = client.post(changelist, action, follow=True)
    assert "A withdrawal needs a reason" in response.content.decode()
    client.post(changelist, {**action, "reason": "Wrong encoder."})
    run.refresh_from_db()
    assert (run.withdrawal, run.withdrawn_by.username) == ("Wrong encoder.", "staff")


def test_the_admin_offers_no_withdrawal_to_who_may_not(client):
    run = made_up.stored()
    staff(client, "view_run", "change_run")
    client.post(
        reverse("admin:leaderboard_run_changelist"),
        {"action": "withdraw_runs", "_selected_action": [run.pk], "reason": "Mine is better."},
    )
    run.refresh_from_db()
    assert run.withdrawn is None


def test_the_command_withdraws_all_or_none():
    first, second = made_up.stored(), made_up.stored()
    with pytest.raises(CommandError, match="There is no run 999999"):
        call_command("withdraw", first.pk, 999_999, reason="A mistake.")
    withdrawals.withdraw(second, "Earlier.")
    with pytest.raises(CommandError, match="was withdrawn already"):
        call_command("withdraw", first.pk, second.pk, reason="A mistake.")
    first.refresh_from_db()
    assert first.withdrawn is None
    call_command("withdraw", first.pk, reason="A mistake.", stdout=io.StringIO())
    first.refresh_from_db()
    assert first.withdrawal == "A mistake."
