"""Who asks, what they may do, and how often."""

from __future__ import annotations

import math
import time
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest
from ninja.errors import AuthenticationError
from ninja.security import HttpBearer
from ninja.throttling import BaseThrottle

from leaderboard.api.errors import Refused
from leaderboard.models import Token
from leaderboard.services import tokens

HEADER = "Authorization"
PERIODS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
VISITOR = "visitor"


class Bearer(HttpBearer):
    """A token whose scope allows to submit. It never does more than its user may: see `permitted`."""

    def authenticate(self, request: HttpRequest, token: str) -> Token:
        found = _known(request, token)
        if found.scope != Token.Scope.SUBMIT:
            raise Refused("This token may only read: make one with the scope “submit” in the admin.")
        return found


class AnyBearer(HttpBearer):
    """A token of any scope."""

    def authenticate(self, request: HttpRequest, token: str) -> Token:
        return _known(request, token)


def anybody(request: HttpRequest) -> Token | str:
    """Reading is open, as the pages are; but a token that is shown has to be good. It has a rate of its own."""
    if HEADER not in request.headers:
        return VISITOR
    found = AnyBearer()(request)
    if found is None:
        raise AuthenticationError
    return found


def _known(request: HttpRequest, secret: str) -> Token:
    found = tokens.find(secret)
    if found is None:
        raise AuthenticationError
    request.user = found.user
    return found


def permitted(request: HttpRequest, permission: str) -> Any:
    """The user of the token; Refused where they lack the permission in the admin."""
    if not request.user.has_perm(permission):
        raise Refused(f"The user of this token lacks the permission {permission}, which an administrator gives.")
    return request.user


class Rate(BaseThrottle):
    """At most so many requests in each period, by token or, for visitors, by address.

    `setting` names the rate of tokens and `visitors` that of visitors, such as `600/m`. Counted for each web process.
    It keeps nothing in itself, for threads share it.
    """

    def __init__(self, setting: str, visitors: str = "") -> None:
        self.setting, self.visitors = setting, visitors or setting

    def allow_request(self, request: HttpRequest) -> bool:
        count, period = self._rate(request)
        key = f"{self.setting}-{self._who(request)}-{int(time.time() // period)}"
        counts = caches["rates"]
        if counts.add(key, 1, timeout=2 * period):
            return count >= 1
        try:
            return counts.incr(key) <= count
        except ValueError:
            # Gone since: the period has ended.
            return True

    def wait(self) -> float:
        """Seconds to the end of the shortest period that may be meant."""
        _, period = rate(getattr(settings, self.setting))
        return math.ceil(period - time.time() % period)

    def _rate(self, request: HttpRequest) -> tuple[int, int]:
        visitor = getattr(request, "auth", VISITOR) == VISITOR
        return rate(getattr(settings, self.visitors if visitor else self.setting))

    def _who(self, request: HttpRequest) -> str:
        token = getattr(request, "auth", VISITOR)
        return address(request) if token == VISITOR else f"token-{token.pk}"


def rate(text: str) -> tuple[int, int]:
    """`600/m` as 600 and 60 seconds."""
    count, _, period = text.partition("/")
    return int(count), PERIODS[period]


def address(request: HttpRequest) -> str:
    """Where the request comes from: the last hop that our own proxy names, or who is connected."""
    forwarded = request.headers.get("X-Forwarded-For", "")
    if settings.SECURE_PROXY_SSL_HEADER and forwarded:
        return forwarded.rpartition(",")[2].strip()[:45]
    return request.META.get("REMOTE_ADDR", "")


READ = Rate("API_RATE", visitors="API_VISITOR_RATE")
WRITE = Rate("API_WRITE_RATE")
