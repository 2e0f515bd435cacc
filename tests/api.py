"""Asking the HTTP API as a script does: requests, tokens, and what a refusal looks like."""

from __future__ import annotations

import json

from django.contrib.auth.models import Permission

from leaderboard.services import tokens

API = "/api/v1"
STUDY = {
    "name": "From a script",
    "encoder": "tiny",
    "methods": ["baseline", "intermediate"],
    "intermediate_tasks": ["nli_cad"],
    "targets": [{"task": "tatoeba", "languages": ["de", "sw"]}, {"task": "udpos", "limit": 50}],
    "seeds": [1, 2],
    "target": {"epochs": 1, "train_limit": 100},
}
# What each writing request needs, and something to send.
WRITING = {
    "/studies": ("add_study", STUDY),
    "/studies/forecast": ("add_study", STUDY),
    "/runs/{run}/cancel": ("change_run", None),
    "/runs/{run}/retry": ("change_run", None),
    "/runs/{run}/withdraw": ("withdraw_run", {"reason": "A mistake."}),
    "/snapshots": ("add_snapshot", {"name": "Camera-ready"}),
}


def give(user, *permissions):
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))


def token(user, scope="submit"):
    return {"Authorization": f"Bearer {tokens.make(user, 'scripts', scope)[1]}"}


def get(client, path, **options):
    """The answer to GET as JSON, which has to be 200."""
    response = client.get(f"{API}{path}", **options)
    assert response.status_code == 200, response.content
    return response.json()


def post(client, path, body, headers):
    return client.post(f"{API}{path}", json.dumps(body), content_type="application/json", headers=headers)


def refused(response, status, said):
    """The answer is that status with one sentence that says so."""
    assert response.status_code == status, response.content
    assert set(response.json()) == {"error"}
    assert said in response.json()["error"]
