"""Errors of the API: one object with one sentence, whatever went wrong."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, Throttled, ValidationError

from leaderboard.standings.filters import FilterError
from runner.errors import RecipeError

log = logging.getLogger(__name__)

NO_TOKEN = (
    "This needs a personal token that is neither unknown nor revoked, in the header “Authorization: Bearer …”; "
    "tokens are made in the admin."
)
FAULT = "This is a fault of the program, not of the request; it is in the log."


class Error(Schema):
    """What is wrong, and what would be right."""

    error: str


class Refused(PermissionDenied):
    """The token, or its user, may not do this; the message says what it lacks."""


# Which errors an operation may answer with: those of every reading one, and of every writing one.
READING = {frozenset({400, 401, 404, 422, 429}): Error}
WRITING = {frozenset({400, 401, 403, 404, 422, 429}): Error}


def handle(api: NinjaAPI) -> None:
    """Make the API answer each kind of error with its sentence."""

    def answer(request: HttpRequest, status: int, sentence: str) -> HttpResponse:
        return api.create_response(request, {"error": sentence}, status=status)

    def said(status: int) -> Any:
        return lambda request, error: answer(request, status, str(error))

    def filtered(request: HttpRequest, error: FilterError) -> HttpResponse:
        near = f" Perhaps: {', '.join(map(str, error.suggestions))}." if error.suggestions else ""
        return answer(request, 400, f"{error}{near}")

    def missing(request: HttpRequest, error: Http404) -> HttpResponse:
        return answer(request, 404, str(error) or "There is nothing at this address.")

    def throttled(request: HttpRequest, error: Throttled) -> HttpResponse:
        wait = max(1, int(error.wait or 1))
        response = answer(request, 429, f"Too many requests: try again in {wait} seconds.")
        response["Retry-After"] = str(wait)
        return response

    def refused(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
        response = answer(request, 401, NO_TOKEN)
        response["WWW-Authenticate"] = "Bearer"
        return response

    def fault(request: HttpRequest, error: Exception) -> HttpResponse:
        log.exception("%s %s", request.method, request.path, exc_info=error)
        return answer(request, 500, FAULT)

    api.add_exception_handler(RecipeError, said(400))
    api.add_exception_handler(FilterError, filtered)
    api.add_exception_handler(Http404, missing)
    api.add_exception_handler(Refused, said(403))
    api.add_exception_handler(ValidationError, lambda request, error: answer(request, 422, sentence(error.errors)))
    api.add_exception_handler(AuthenticationError, refused)
    api.add_exception_handler(HttpError, lambda request, error: answer(request, error.status_code, str(error)))
    api.add_exception_handler(Throttled, throttled)
    api.add_exception_handler(Exception, fault)


def sentence(errors: list[dict[str, Any]]) -> str:
    """All that pydantic found, in one sentence: where it is, and what would be right."""
    parts = []
    for error in errors:
        # The first parts say which argument of the program it is.
        place = ".".join(str(part) for part in error["loc"] if part not in ("body", "query", "path", "form", "file"))
        parts.append(f"{place or 'the request'}: {error['msg'][:1].lower()}{error['msg'][1:]}")
    return f"{'; '.join(parts)}."[:1000]
