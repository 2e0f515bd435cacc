"""`manage.py import_published`: published results from the project's own files, or from others (docs/numbers.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from leaderboard.management.scripted import ScriptedCommand
from leaderboard.published.formats import FORMATS
from leaderboard.published.tables import PublishedScore, own_scores, own_sources, scores_of
from leaderboard.services import published
from runner.errors import RecipeError


class Command(ScriptedCommand):
    help = "Store published results: all of them or, where one is wrong, none. Without a file: the project's own."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("files", nargs="*", type=Path, metavar="file", help="Tables, or other tools' results.")
        parser.add_argument("--format", choices=list(FORMATS), default="csv", help="What the files are.")
        parser.add_argument("--source", default="", help="For rows that name no source; it must be there already.")
        parser.add_argument("--system", default="", help="For rows that name no system, as MTEB's do not.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would change, and store nothing.")

    def run(self, *, files: list[Path], dry_run: bool, **options: Any) -> dict[str, Any]:
        sources = [] if files else own_sources()
        left_out: list[str] = []
        scores = [] if files else list(own_scores())
        for file in files:
            read, without = _read(file, options)
            scores += read
            left_out += without
        _once(scores)
        found = published.compare(scores) if dry_run else published.load(scores, sources)
        return {
            "new": found.new,
            "changed": found.changed,
            "unchanged": found.unchanged,
            "left_out": left_out,
            "changes": [change.sentence for change in found.changes],
            "stored": not dry_run,
        }

    def sentence(self, told: dict[str, Any]) -> str:
        done = "Stored" if told["stored"] else "Would store"
        counts = f"{done}: {told['new']} new, {told['changed']} changed, {told['unchanged']} there already."
        left_out = f"Left out, not of the catalogue: {', '.join(told['left_out'])}."
        return "\n".join([*told["changes"], *([left_out] if told["left_out"] else []), counts])


def _read(file: Path, options: dict[str, Any]) -> tuple[list[PublishedScore], tuple[str, ...]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise RecipeError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise RecipeError(f"{file} is not text in UTF-8.") from error
    reading = FORMATS[options["format"]].read(text, file.name)
    filled = {"source": options["source"], "system": options["system"]}
    rows = [{**row, **{name: row.get(name) or value for name, value in filled.items()}} for row in reading.rows]
    if not rows:
        raise RecipeError(f"{file.name} has no score of a task of this catalogue.")
    return scores_of(rows, file.name), reading.left_out


def _once(scores: list[PublishedScore]) -> None:
    """RecipeError where two files have the same score: which of them holds is not for this command to say."""
    seen = set()
    for score in scores:
        if score.identity in seen:
            cell = " ".join(part for part in (score.task, score.language, score.metric) if part)
            raise RecipeError(f"Two files have the score of {score.system} on {cell}.")
        seen.add(score.identity)
