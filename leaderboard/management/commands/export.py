"""`manage.py export`: what the pages offer as files, into a file or a pipe (docs/numbers.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.http import QueryDict
from django.utils import timezone

from leaderboard.exports import archives, bulk, every_eval_ever, headers
from leaderboard.exports.objects import Origin
from leaderboard.exports.tables import FORMATS
from leaderboard.management.scripted import ScriptedCommand, run_numbered
from leaderboard.standings import filters
from leaderboard.standings.artifacts import FileGone, items_of, predictions_of
from leaderboard.standings.listing import every_score
from leaderboard.standings.query import load
from runner.errors import RecipeError
from runner.tasks import registry

# The formats of each thing, the usual one first.
TABLES = ("leaderboard", "transfer", "task", "language")
NARROWED = ("task", "language")
OF_RUN = {"predictions": predictions_of, "items": items_of}
LAYOUTS = {
    "scores": (*bulk.FORMATS, "every_eval_ever"),
    "columns": ("csv",),
    **dict.fromkeys(TABLES, tuple(FORMATS)),
    "predictions": ("zip",),
    "items": ("zip", "jsonl"),
}


class Command(ScriptedCommand):
    help = "Write scores, a table, the header file, or a run's predictions or items. Without --output: to stdout."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("what", choices=list(LAYOUTS), help="What to write.")
        parser.add_argument("--format", default="", help="csv, jsonl, parquet, every_eval_ever; csv, json, tex, md.")
        parser.add_argument("--output", type=Path, help="The file; it is replaced as a whole when it is complete.")
        parser.add_argument("--run", type=int, help="Of this run alone; needed for predictions and items.")
        parser.add_argument("--task", default="", help="The task of the table `task`.")
        parser.add_argument("--language", default="", help="The language of the table `language`.")
        parser.add_argument("--query", default="", help="The filters of a table, as in the page's address.")
        parser.add_argument("--unverified", action="store_true", help="With scores that nobody has verified.")

    def run(self, *, what: str, output: Path | None, **options: Any) -> dict[str, Any] | None:
        layout = options["format"] or LAYOUTS[what][0]
        if layout not in LAYOUTS[what]:
            raise RecipeError(f"'{what}' is written as {', '.join(LAYOUTS[what])}; found '{layout}'.")
        blocks = _blocks(what, layout, options)
        if output is None:
            self._pipe(blocks)
            return None
        return {"what": what, "format": layout, "file": str(output), "bytes": _write(blocks, output)}

    def sentence(self, told: dict[str, Any]) -> str:
        return f"Wrote {told['what']} as {told['format']}: {told['bytes']:,} bytes in {told['file']}."

    def _pipe(self, blocks: Iterable[bytes]) -> None:
        raw = getattr(self.stdout, "buffer", None)
        for block in blocks:
            if raw:
                raw.write(block)
            else:
                self.stdout.write(block.decode(), ending="")


def _blocks(what: str, layout: str, options: dict[str, Any]) -> Iterator[bytes]:
    if what in OF_RUN:
        return _of_run(what, layout, options["run"])
    if what in TABLES:
        return _table(what, layout, options)
    if what == "columns":
        return (block.encode() for block in headers.dictionary_csv())
    if layout == "every_eval_ever":
        found = every_score(unverified=options["unverified"], run=options["run"], by_run=True)
        return bulk.json_lines(every_eval_ever.records(found))
    if options["run"] is not None:
        raise RecipeError("Scores of one run are written as every_eval_ever alone; leave --run out for the others.")
    return bulk.FORMATS[layout][1](unverified=options["unverified"])


def _of_run(what: str, layout: str, number: int | None) -> Iterator[bytes]:
    if number is None:
        raise RecipeError(f"'{what}' are of one run: name it with --run.")
    run = run_numbered(number)
    try:
        files = OF_RUN[what](run.pk)
    except FileGone as error:
        raise RecipeError(str(error)) from error
    if not files:
        raise RecipeError(f"Run {run.pk} has no {what}.")
    if layout == "jsonl":
        return bulk.items_json(files)
    about = {"run": run.pk, "title": str(run), "recipe": run.recipe.fingerprint if run.recipe else None}
    return archives.zipped(files, {**about, "seed": run.seed})


def _table(what: str, layout: str, options: dict[str, Any]) -> Iterator[bytes]:
    narrowed = {name: options[name] for name in NARROWED if options[name]}
    if set(narrowed) != {what} & set(NARROWED):
        raise RecipeError("The table `task` needs --task, `language` --language, and no other table either of them.")
    titles = {"task": lambda slug: registry.task(slug).title, "language": lambda code: registry.language(code).name}
    title = next((titles[name](slug) for name, slug in narrowed.items()), what.capitalize())
    query = QueryDict(options["query"].removeprefix("?"), mutable=True)
    if options["unverified"]:
        query["unverified"] = "show"
    try:
        standings = load(filters.parse(query, filters.View(what), **narrowed), whole=True)
    except filters.FilterError as error:
        near = f" Known are {', '.join(error.suggestions)}." if error.suggestions else ""
        raise RecipeError(f"{error}{near}") from error
    origin = Origin(title, f"manage.py export {what} --query '{query.urlencode()}'", timezone.now().date())
    return (block.encode() for block in FORMATS[layout].write(standings, origin, what == "transfer"))


def _write(blocks: Iterable[bytes], output: Path) -> int:
    """Write the file as a whole: what is half written never has its name. Returns its bytes."""
    draft = output.with_name(f"{output.name}.part")
    try:
        with draft.open("wb") as file:
            for block in blocks:
                file.write(block)
            size = file.tell()
        draft.replace(output)
    except OSError as error:
        raise RecipeError(f"{output} cannot be written: {error.strerror}.") from error
    finally:
        draft.unlink(missing_ok=True)
    return size
