"""`manage.py add_encoder`: describe a pretrained encoder, as in the admin, so that studies can start from it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from leaderboard.forms import EncoderForm
from leaderboard.management.scripted import ScriptedCommand, saved
from leaderboard.models import Encoder
from runner.errors import RecipeError

DESCRIBED = ("slug", "title", "location", "revision", "layers", "licence", "note")


class Command(ScriptedCommand):
    help = "Add an encoder: a folder of this machine, or a hub id with its commit and its number of layers."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug", help="What studies call it.")
        parser.add_argument("location", help="A folder, or a hub id such as org/model.")
        parser.add_argument("--title", required=True)
        parser.add_argument("--revision", default="", help="The commit of a hub id; a folder's is computed.")
        parser.add_argument("--layers", type=int, help="Transformer layers of a hub id; a folder says its own.")
        parser.add_argument("--licence", default="")
        parser.add_argument("--note", default="")

    def run(self, *, slug: str, **options: Any) -> dict[str, Any]:
        if Encoder.objects.filter(pk=slug).exists():
            raise RecipeError(f"There is an encoder '{slug}' already; the admin changes it.")
        encoder = saved(EncoderForm({"slug": slug, **{name: options[name] for name in DESCRIBED[1:]}}))
        return {name: getattr(encoder, name) for name in DESCRIBED}

    def sentence(self, told: dict[str, Any]) -> str:
        return f"Added: {told['slug']}, {told['title']}, {told['layers']} layers, revision {told['revision'][:12]}."
