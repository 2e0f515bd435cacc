"""`manage.py upload`: predictions of a folder or a zip become a run, as in the admin (docs/uploads.md)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from leaderboard.services import uploads
from runner.errors import RecipeError


class Command(BaseCommand):
    help = "Score predictions in XTREME's submission layout and put them on the board (docs/uploads.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("predictions", type=Path, help="A folder with a sub-folder for each task, or a zip of it.")
        parser.add_argument("--system", required=True, help="The name of the row.")
        parser.add_argument("--note", default="")
        parser.add_argument("--link", default="", help="A paper or a page about the system.")
        parser.add_argument("--corrects", type=int, help="The run of an earlier upload, which is then withdrawn.")
        parser.add_argument("--user", default="", help="Who sends it; empty: nobody.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object instead of a sentence.")

    def handle(self, *, predictions: Path, user: str, **options: Any) -> None:
        offer = uploads.Offer(options["system"], options["note"], options["link"], options["corrects"])
        try:
            receipt = _receive(predictions, offer, _user(user))
        except RecipeError as error:
            raise CommandError(str(error)) from error
        run = receipt.run
        if options["json"]:
            self.stdout.write(json.dumps({"run": run.pk, "created": receipt.created, "url": run.get_absolute_url()}))
        elif receipt.created:
            self.stdout.write(f"Scored: run {run.pk}, {run.scores.count()} scores, at {run.get_absolute_url()}")
        else:
            self.stdout.write(f"These predictions are there already: run {run.pk}, at {run.get_absolute_url()}")


def _receive(predictions: Path, offer: uploads.Offer, user: Any) -> uploads.Receipt:
    if predictions.is_dir():
        return uploads.receive_folder(predictions, offer, user)
    try:
        with predictions.open("rb") as archive:
            return uploads.receive(archive, predictions.name, offer, user)
    except FileNotFoundError:
        raise RecipeError(f"There is neither a folder nor a file '{predictions}'.") from None


def _user(name: str) -> Any:
    if not name:
        return None
    user = get_user_model().objects.filter(username=name).first()
    if user is None:
        raise CommandError(f"There is no user '{name}'.")
    return user
