"""`/api/v1/`: the parts put together. What is here keeps its meaning; a change of meaning is a version 2."""

from __future__ import annotations

from typing import Any

from csp.decorators import csp_update
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI, Schema

from leaderboard.api import catalogue, errors, runs, scores, snapshots, standings, studies, uploads
from leaderboard.api.errors import READING
from leaderboard.api.security import READ, AnyBearer, anybody

DESCRIPTION = (
    "Reading is open, as the pages are, at a rate for each address; with a personal token (made in the admin) at a "
    "higher one. Submitting, cancelling, uploading and taking snapshots need a token with the scope `submit`, whose "
    "user has the permission. Every error is an object with one sentence. Worked examples: docs/api.md."
)

api = NinjaAPI(
    title="Intermediate-task transfer: leaderboard",
    version="1",
    description=DESCRIPTION,
    urls_namespace="api",
    auth=anybody,
    throttle=[READ],
    # Swagger UI sets styles of its own; its scripts are files of the package, served from here.
    docs_decorator=csp_update({"style-src": ["'unsafe-inline'"]}),
)
errors.handle(api)
for part in (catalogue, standings, scores, runs, studies, uploads, snapshots):
    api.add_router("", part.router)


class Me(Schema):
    """Whose token this is, and what it may do."""

    user: str
    token: str
    scope: str
    permissions: list[str]


@api.get("/me", response={200: Me, **READING}, auth=AnyBearer(), operation_id="me", tags=["Token"])
def me(request: HttpRequest) -> dict[str, Any]:
    """Who I am: to try a token."""
    token = request.auth
    held = sorted(name for name in request.user.get_all_permissions() if name.startswith("leaderboard."))
    return {"user": request.user.get_username(), "token": token.name, "scope": token.scope, "permissions": held}


@csrf_exempt
def nothing_here(request: HttpRequest, path: str = "") -> JsonResponse:
    """What the API answers at an address that it has not."""
    sentence = f"There is nothing at '{request.path[:200]}': the addresses are listed at /api/v1/docs."
    return JsonResponse({"error": sentence}, status=404)
