"""`manage.py token`: make a token of the HTTP API for a user, or revoke one, as in the admin."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from leaderboard.management.scripted import ScriptedCommand, user_named
from leaderboard.models import Token
from leaderboard.services import tokens
from runner.errors import RecipeError

NAME_LENGTH = Token._meta.get_field("name").max_length


class Command(ScriptedCommand):
    help = "Make a token, whose secret is printed this once; or revoke one."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("user", help="Whose it is: it may do at most what this user may.")
        parser.add_argument("name", nargs="?", default="", help="What it is for.")
        parser.add_argument("--scope", choices=Token.Scope.values, default=Token.Scope.READ)
        parser.add_argument("--revoke", default="", metavar="BEGINNING", help="Revoke the token that begins like this.")

    def run(self, *, user: str, name: str, scope: str, revoke: str, **options: Any) -> dict[str, Any]:
        owner = user_named(user)
        if owner is None:
            raise RecipeError("A token is somebody's: name the user.")
        if revoke:
            return _revoked(owner, revoke)
        if not 0 < len(name) <= NAME_LENGTH:
            raise RecipeError(f"A token has a name of 1 to {NAME_LENGTH} characters: what it is for.")
        token, secret = tokens.make(owner, name, scope)
        return {"token": token.hint, "name": name, "scope": scope, "secret": secret}

    def sentence(self, told: dict[str, Any]) -> str:
        return told["secret"] if "secret" in told else f"Revoked: {told['name']} ({told['token']}…)."


def _revoked(owner: Any, beginning: str) -> dict[str, Any]:
    found = [token for token in Token.objects.filter(user=owner, revoked=None) if token.hint.startswith(beginning)]
    if len(found) != 1:
        raise RecipeError(f"{len(found)} tokens of {owner} that are not revoked begin with '{beginning}': name one.")
    tokens.revoke(found[0])
    return {"token": found[0].hint, "name": found[0].name, "revoked": True}
