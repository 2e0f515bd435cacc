"""What the commands for scripts share: `--json`, errors as one sentence, and users by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import NON_FIELD_ERRORS
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.forms import ModelForm

from leaderboard.models import Run
from runner.errors import RecipeError


class ScriptedCommand(BaseCommand):
    """A command for scripts: 0 where it was done, 1 with one sentence on stderr where not, 2 for a wrong call.

    Subclasses implement `run`, which returns the values of `--json` and prints nothing; `sentence` says them.
    """

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print one JSON object instead of sentences.")

    def handle(self, **options: Any) -> None:
        try:
            told = self.run(**options)
        except RecipeError as error:
            raise CommandError(" ".join(str(error).split())) from error
        if told is not None:
            self.stdout.write(json.dumps(told, ensure_ascii=False) if options["json"] else self.sentence(told))

    def run(self, **options: Any) -> Mapping[str, Any] | None:
        raise NotImplementedError

    def sentence(self, told: Mapping[str, Any]) -> str:
        raise NotImplementedError


def user_named(name: str) -> Any:
    """The user of that name, None for an empty one; RecipeError where there is none."""
    if not name:
        return None
    user = get_user_model().objects.filter(username=name).first()
    if user is None:
        raise RecipeError(f"There is no user '{name}'.")
    return user


def saved(form: ModelForm) -> Any:
    """The row of a form of the admin, stored; RecipeError with the first thing that is wrong, and its field."""
    if not form.is_valid():
        field, errors = next(iter(form.errors.items()))
        raise RecipeError(f"{'' if field == NON_FIELD_ERRORS else f'{field}: '}{errors[0]}")
    return form.save()


def run_numbered(number: int) -> Run:
    """The run with its progress; RecipeError where there is none."""
    run = Run.objects.with_progress().select_related("recipe", "source").filter(pk=number).first()
    if run is None:
        raise RecipeError(f"There is no run {number}; `manage.py runs` lists them.")
    return run


def described(run: Run) -> dict[str, Any]:
    """A run as scripts see it; `status` and the counts come with `with_progress`."""
    return {
        "run": run.pk,
        "title": str(run),
        "origin": run.origin,
        "status": run.status,
        "stages_done": run.stages_done,
        "stages": run.stage_count,
        "recipe": run.recipe.fingerprint if run.recipe else None,
        "seed": run.seed,
        "source": run.source_id,
        "withdrawn": run.withdrawal or None,
        "url": run.get_absolute_url(),
    }
