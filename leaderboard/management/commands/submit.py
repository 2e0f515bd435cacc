"""`manage.py submit`: a study from a JSON file, the same object that the API takes (docs/numbers.md)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from pydantic import ValidationError

from leaderboard.api.studies import StudyIn
from leaderboard.management.scripted import ScriptedCommand, user_named
from leaderboard.services import submissions
from leaderboard.services.submission_recipes import Submission
from runner.errors import RecipeError


class Command(ScriptedCommand):
    help = "Submit a study that a JSON file describes, as POST /api/v1/studies takes it; `-` reads stdin."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", help="The JSON file, or - for stdin.")
        parser.add_argument("--user", default="", help="Who submits it; empty: nobody.")
        parser.add_argument("--forecast", action="store_true", help="Say what it would take, and submit nothing.")

    def run(self, *, file: str, user: str, forecast: bool, **options: Any) -> dict[str, Any]:
        submission = _submission(_text(file), "stdin" if file == "-" else file)
        if forecast:
            told = submissions.preview(submission)
            return {name: getattr(told, name) for name in ("stages", "done", "under_way", "hours", "unmeasured")}
        study = submissions.submit(submission, user_named(user))
        receipt = submissions.receipt(study)
        runs = list(study.runs.order_by("pk").values_list("pk", flat=True))
        return {"study": study.pk, **vars(receipt), "runs": runs}

    def sentence(self, told: dict[str, Any]) -> str:
        if "study" not in told:
            hours = f"about {told['hours']:.1f} hours" if told["hours"] else "an unknown time"
            done = f"{told['stages']} stages, {told['done']} of them done already"
            return f"It would take {done}: {hours}. Nothing was submitted."
        there = f"{told['shared_runs']} runs and {told['shared_stages']} stages were there already"
        return f"Study {told['study']}: {len(told['runs'])} runs, {told['stages']} stages; {there}."


def _text(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise RecipeError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise RecipeError(f"{file} is not text in UTF-8.") from error


def _submission(text: str, name: str) -> Submission:
    try:
        return StudyIn.model_validate(json.loads(text)).submission()
    except json.JSONDecodeError as error:
        raise RecipeError(f"{name} cannot be read as JSON: {error}.") from error
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc'])) or 'the study'}: {fault['msg']}" for fault in error.errors()]
        raise RecipeError(f"{name} describes no study: {'; '.join(faults[:5])}.") from error
