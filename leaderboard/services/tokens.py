"""Tokens of the HTTP API: made, found by the secret that is shown, revoked."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from leaderboard.models import Token

# Told apart from other secrets by whoever finds one, and by tools that look for them.
PREFIX = "lbt_"
HINT_LENGTH = len(PREFIX) + 6
USE_RECORDED_EVERY = timedelta(minutes=1)


def make(user: Any, name: str, scope: str) -> tuple[Token, str]:
    """A new token and its secret, which is known to nobody from now on but who is given it here."""
    secret = PREFIX + secrets.token_urlsafe(32)
    row = Token.objects.create(user=user, name=name, scope=scope, digest=digest(secret), hint=secret[:HINT_LENGTH])
    return row, secret


def find(secret: str) -> Token | None:
    """The token of this secret; None where there is none, it was revoked, or its user is no longer active.

    One query, and a second once in a minute, which records the use.
    """
    found = Token.objects.select_related("user").filter(digest=digest(secret), revoked=None, user__is_active=True)
    row = found.first()
    if row is not None:
        now = timezone.now()
        late = Q(last_used=None) | Q(last_used__lt=now - USE_RECORDED_EVERY)
        if row.last_used is None or row.last_used < now - USE_RECORDED_EVERY:
            Token.objects.filter(late, pk=row.pk).update(last_used=now)
    return row


def revoke(token: Token) -> None:
    """From now on nobody may use it; the row stays."""
    Token.objects.filter(pk=token.pk, revoked=None).update(revoked=timezone.now())


def digest(secret: str) -> str:
    """What is stored: SHA-256 is enough for 256 random bits, which nobody guesses."""
    return hashlib.sha256(secret.encode()).hexdigest()
