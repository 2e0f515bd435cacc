"""Tokens of the HTTP API: what they may, how often, and how the admin makes and revokes them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from leaderboard.models import Run, Snapshot, Study, Token
from leaderboard.services import tokens
from tests.api import API, WRITING, get, give, post, refused, token

pytestmark = pytest.mark.django_db


def test_a_secret_is_not_stored():
    row, secret = tokens.make(User.objects.create_user("somebody"), "scripts", "read")
    assert secret not in str(Token.objects.values().get(pk=row.pk))
    assert tokens.find(secret) == row
    assert tokens.find(secret + "x") is None


def test_whose_token_it_is(client, user):
    give(user, "add_study")
    headers = token(user, "read")
    assert get(client, "/me", headers=headers) == {
        "user": "script",
        "token": "scripts",
        "scope": "read",
        "permissions": ["leaderboard.add_study"],
    }
    assert Token.objects.get().last_used is not None


@pytest.mark.parametrize("path", WRITING)
def test_writing_needs_a_token_a_scope_and_a_permission(client, seeded, user, path):
    permission, body = WRITING[path]
    address = path.format(run=seeded.run().pk)
    before = (Study.objects.count(), Run.objects.on_board().count(), Snapshot.objects.count())
    refused(post(client, address, body, {}), 401, "This needs a personal token")
    refused(post(client, address, body, {"Authorization": "Bearer lbt_wrong"}), 401, "unknown nor revoked")
    refused(post(client, address, body, token(user, "read")), 403, "This token may only read")
    refused(post(client, address, body, token(user)), 403, f"lacks the permission leaderboard.{permission}")
    # A browser that is logged in is no token: pages elsewhere could send what they like in its name.
    client.force_login(User.objects.create_superuser("root"))
    refused(post(client, address, body, {}), 401, "This needs a personal token")
    assert (Study.objects.count(), Run.objects.on_board().count(), Snapshot.objects.count()) == before


def test_a_token_that_is_revoked_or_whose_user_left_is_unknown(client, user):
    headers = token(user)
    get(client, "/me", headers=headers)
    User.objects.update(is_active=False)
    refused(client.get(f"{API}/me", headers=headers), 401, "unknown nor revoked")
    User.objects.update(is_active=True)
    tokens.revoke(Token.objects.get())
    refused(client.get(f"{API}/me", headers=headers), 401, "unknown nor revoked")
    # It may not read either: who shows a token means it.
    refused(client.get(f"{API}/tasks", headers=headers), 401, "unknown nor revoked")


def test_rates_are_kept_for_each_token_and_address(client, user, settings):
    settings.API_RATE, settings.API_VISITOR_RATE = "3/h", "2/h"
    mine, other = token(user), token(user)
    assert [client.get(f"{API}/tasks/xnli").status_code for _ in range(3)] == [200, 200, 429]
    assert [client.get(f"{API}/tasks/xnli", headers=mine).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert client.get(f"{API}/tasks/xnli", headers=other).status_code == 200
    response = client.get(f"{API}/tasks/xnli", REMOTE_ADDR="192.0.2.7")
    assert response.status_code == 200
    response = client.get(f"{API}/tasks/xnli")
    refused(response, 429, "Too many requests: try again in")
    assert 0 < int(response["Retry-After"]) <= 3600


def test_an_address_cannot_be_made_up_without_a_proxy(client, settings):
    settings.API_VISITOR_RATE = "1/h"
    client.get(f"{API}/tasks/xnli", REMOTE_ADDR="192.0.2.8", headers={"X-Forwarded-For": "198.51.100.1"})
    again = client.get(f"{API}/tasks/xnli", REMOTE_ADDR="192.0.2.8", headers={"X-Forwarded-For": "198.51.100.2"})
    assert again.status_code == 429


# The admin.


def test_the_admin_makes_a_token_shows_it_once_and_revokes_it(client, user):
    give(user, "add_token")
    client.force_login(user)
    assert f"{API}/docs" in client.get(reverse("admin:leaderboard_token_add")).content.decode()
    response = client.post(reverse("admin:leaderboard_token_add"), {"name": "cluster", "scope": "submit"})
    text = response.content.decode()
    secret = text.partition('<pre id="secret">')[2].partition("<")[0]
    row = Token.objects.get()
    assert (row.name, row.user, tokens.find(secret)) == ("cluster", user, row)
    assert "no-store" in response["Cache-Control"]

    changelist = reverse("admin:leaderboard_token_changelist")
    assert secret not in client.get(changelist).content.decode()
    assert secret not in client.get(reverse("admin:leaderboard_token_change", args=[row.pk])).content.decode()
    client.post(changelist, {"action": "revoke", "_selected_action": [row.pk]})
    row.refresh_from_db()
    assert row.revoked <= timezone.now()
    assert tokens.find(secret) is None


def test_the_admin_shows_and_revokes_nobody_elses_tokens(client, user):
    other, secret = tokens.make(User.objects.create_user("other"), "theirs", "read")
    give(user, "add_token")
    client.force_login(user)
    changelist = reverse("admin:leaderboard_token_changelist")
    assert "theirs" not in client.get(changelist).content.decode()
    client.post(changelist, {"action": "revoke", "_selected_action": [other.pk]})
    assert tokens.find(secret) == other


def test_the_admin_makes_no_token_for_who_may_not(client, user):
    client.force_login(user)
    assert client.post(reverse("admin:leaderboard_token_add"), {"name": "x", "scope": "read"}).status_code == 403
    assert not Token.objects.exists()
