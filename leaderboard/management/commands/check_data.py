"""`manage.py check_data`: for each task and language, whether its data is here, with sizes and hashes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from runner.tasks import registry
from runner.tasks.kinds import Suite

# What a study cannot be trained or evaluated with; the rest is here, is made here, or has a stand-in.
UNUSABLE = ("missing", "broken")
HUB = "on the hub"
HASH_DIGITS = 12
MIB = 1 << 20


class Command(BaseCommand):
    help = (
        "Say for each task and language which data is here, missing or substituted, with sizes and hashes. Exit code: "
        "0 where all of it can be used, 1 where some cannot."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tasks", nargs="*", metavar="task", help="Slugs, such as xnli udpos. Default: all.")
        parser.add_argument("--suite", choices=[suite.value for suite in Suite], help="The tasks of one suite alone.")
        parser.add_argument("--offline", action="store_true", help="Count what only the hub has as missing.")
        parser.add_argument("--json", action="store_true", help="A JSON list of all splits and languages.")

    def handle(self, *, tasks: list[str], suite: str | None, offline: bool, **options: Any) -> None:
        lines = list(_inventory(tasks, suite))
        if options["json"]:
            self.stdout.write(json.dumps(lines, indent=1, ensure_ascii=False))
        else:
            for text in _report(lines):
                self.stdout.write(text)
        unusable = {*UNUSABLE, HUB} if offline else set(UNUSABLE)
        if absent := sum(line["state"] in unusable for line in lines):
            # To the error stream, so that JSON stays JSON.
            self.stderr.write(f"{absent} of {len(lines)} splits cannot be used.")
            sys.exit(1)


def _inventory(tasks: list[str], suite: str | None) -> Iterator[dict[str, Any]]:
    """The lines of the engine's side, which can read Parquet."""
    if suite:
        tasks = [spec.slug for spec in registry.tasks(suite=Suite(suite)) if not tasks or spec.slug in tasks]
        if not tasks:
            raise CommandError(f"None of these tasks is of the suite {suite}.")
    command = [sys.executable, "-m", "runner.inventory", "--data-dir", settings.DATA_DIR, *tasks]
    found = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False)
    if found.returncode:
        raise CommandError(found.stderr.strip().splitlines()[-1] if found.stderr.strip() else "Nothing was found.")
    return map(json.loads, found.stdout.splitlines())


def _report(lines: list[dict[str, Any]]) -> Iterator[str]:
    """A block for each split of each task: languages of one state together, each with rows, size and hash."""
    for (task, split), members in groupby(lines, key=lambda line: (line["task"], line["split"])):
        found = list(members)
        states = Counter(line["state"] for line in found)
        yield f"{task}, {split}: " + ", ".join(f"{count} {state}" for state, count in states.items())
        for line in found:
            yield f"  {line['language']:<4} {_facts(line)}".rstrip()
    total = Counter(line["state"] for line in lines)
    yield "In all: " + (", ".join(f"{count} {state}" for state, count in total.items()) or "nothing")


def _facts(line: dict[str, Any]) -> str:
    parts = [line["state"]]
    if line["rows"] is not None:
        parts.append(f"{line['rows']:,} rows")
    if line["bytes"] is not None:
        parts.append(f"{line['bytes'] / MIB:.2f} MiB")
    if line["sha256"]:
        parts.append(f"sha256 {line['sha256'][:HASH_DIGITS]}")
    return ", ".join(parts) + (f": {line['note']}" if line["note"] else "")
