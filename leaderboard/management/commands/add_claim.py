"""`manage.py add_claim`: a claim with its conditions, as in the admin; it is tested at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction
from django.forms import ModelForm

from leaderboard.forms import ClaimForm, ConditionForm
from leaderboard.management.scripted import ScriptedCommand, saved, user_named
from leaderboard.services import claims
from runner.errors import RecipeError


class Command(ScriptedCommand):
    help = (
        'Add a claim from a JSON file: {"key", "statement", "published", "source", "reading", "position", '
        '"conditions": [{"method", "variant", "intermediate", "against", "suite", "targets", "languages", "over", '
        '"quantifier", "margin"}]}. What is left out is as the admin has it at first.'
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path)
        parser.add_argument("--user", default="", help="Who adds it.")

    @transaction.atomic
    def run(self, *, file: Path, user: str, **options: Any) -> dict[str, Any]:
        content = _read(file)
        conditions = content.pop("conditions", [])
        if not isinstance(conditions, list) or not all(isinstance(one, dict) for one in conditions) or not conditions:
            raise RecipeError(f"{file} has no list of 'conditions': a claim has one or more, each an object.")
        found = ClaimForm(_data(ClaimForm, content))
        found.instance.created_by = user_named(user)
        claim = saved(found)
        for position, condition in enumerate(conditions):
            form = ConditionForm(_data(ConditionForm, {"position": position, **condition}))
            form.instance.claim = claim
            saved(form)
        return {"claim": claim.pk, "conditions": len(conditions), "verdicts": claims.test_one(claim)}

    def sentence(self, told: dict[str, Any]) -> str:
        return f"Added: {told['claim']}; conditions: {told['conditions']}; encoders with a verdict: {told['verdicts']}."


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecipeError(f"{file} cannot be read as JSON: {error}.") from error
    if not isinstance(content, dict):
        raise RecipeError(f"{file} holds no JSON object.")
    return content


def _data(form: type[ModelForm], given: Mapping[str, Any]) -> dict[str, Any]:
    """What a browser would send: the fields as they stand at first, and what is given; RecipeError for other fields."""
    known = form._meta.fields
    if other := sorted(given.keys() - set(known)):
        raise RecipeError(f"A {form._meta.model._meta.verbose_name} has no '{other[0]}'; it has {', '.join(known)}.")
    values = {name: form._meta.model._meta.get_field(name).get_default() for name in known} | given
    return {name: json.dumps(value) if isinstance(value, list) else value for name, value in values.items()}
