"""`manage.py runs`: runs with their state, one a line, or one of them until it ends."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from django.core.management.base import CommandParser

from leaderboard.management.scripted import ScriptedCommand, described, run_numbered
from leaderboard.models import Run, Study
from runner.errors import RecipeError

STATUSES = ("queued", "running", "done", "failed", "cancelled")
ENDED = ("done", "failed", "cancelled")
POLL_SECONDS = 2


class Command(ScriptedCommand):
    help = "List runs, the newest first; with --json one object a line. With --wait: exit code 1 unless all are done."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("runs", nargs="*", type=int, metavar="run", help="Their numbers; without: all.")
        parser.add_argument("--status", choices=STATUSES, help="Those in this state alone.")
        parser.add_argument("--origin", choices=Run.Origin.values, help="Those that ran here, or come from outside.")
        parser.add_argument("--study", type=int, help="Those of this study.")
        parser.add_argument("--wait", type=float, metavar="SECONDS", help="Until all have ended, at most so long.")

    def run(self, *, wait: float | None, **options: Any) -> None:
        found = _found(options)
        deadline = time.monotonic() + (wait or 0)
        while wait is not None and any(run.status not in ENDED for run in found):
            if time.monotonic() >= deadline:
                break
            time.sleep(min(POLL_SECONDS, max(0, deadline - time.monotonic())))
            found = _found(options)
        for run in found:
            told = described(run)
            self.stdout.write(json.dumps(told, ensure_ascii=False) if options["json"] else _line(told))
        if wait is not None and (open_ := [run for run in found if run.status != "done"]):
            states = ", ".join(f"{run.pk} {run.status}" for run in open_[:8])
            self.stderr.write(f"Not done: {states}{' and more' if len(open_) > 8 else ''}.")
            sys.exit(1)


def _found(options: dict[str, Any]) -> list[Run]:
    if options["runs"]:
        return [run_numbered(number) for number in options["runs"]]
    found = Run.objects.with_progress().select_related("recipe", "source")
    if options["study"] is not None:
        if not Study.objects.filter(pk=options["study"]).exists():
            raise RecipeError(f"There is no study {options['study']}.")
        found = found.filter(studies=options["study"])
    for name in ("status", "origin"):
        if options[name]:
            found = found.filter(**{name: options[name]})
    return list(found)


def _line(told: dict[str, Any]) -> str:
    state = told["origin"] if told["origin"] != "local" else told["status"]
    progress = f"{told['stages_done']}/{told['stages']}" if told["stages"] else ""
    return f"{told['run']:>6}  {state:<10} {progress:>7}  {told['title']}"
