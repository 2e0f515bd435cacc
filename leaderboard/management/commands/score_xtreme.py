"""`manage.py score_xtreme`: scores predictions as XTREME's own evaluate.py does, under the same options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from leaderboard.management.scripted import ScriptedCommand
from runner.scoring.xtreme import evaluate, write


class Command(ScriptedCommand):
    help = "Score predictions in XTREME's layout with XTREME's figures (docs/scoring.md)."
    # Nothing here touches the database or a page.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--prediction_folder", type=Path, required=True, help="A sub-folder for each task.")
        parser.add_argument("--label_folder", type=Path, required=True, help="The same layout, with the right answers.")
        parser.add_argument("--output_file", type=Path, required=True, help="The JSON report; replaced as a whole.")
        parser.add_argument("--xtreme_version", choices=["xtreme"], default="xtreme", help="XTREME-R is not scored.")
        parser.add_argument("--verbose", action="store_true", help="Also print every language, and what was left out.")

    def run(
        self, *, prediction_folder: Path, label_folder: Path, output_file: Path, verbose: bool, **options: Any
    ) -> Mapping[str, Any]:
        """The report, which is what `--json` prints too; with it, what was left out goes to stderr."""
        self._verbose = verbose
        tell = (self.stderr if options["json"] else self.stdout).write if verbose else lambda sentence: None
        report = evaluate(prediction_folder, label_folder, tell)
        write(report, output_file)
        return report

    def sentence(self, told: Mapping[str, Any]) -> str:
        return "\n".join(table(told, verbose=self._verbose))


def table(report: Mapping[str, Any], *, verbose: bool) -> Iterator[str]:
    """The report for a reader: each task's averages, with `verbose` each language's figures too, then the means."""
    tasks = {name: scores for name, scores in report.items() if isinstance(scores, dict)}
    if not tasks:
        yield "No task is in both folders: the report is empty."
    for task, scores in tasks.items():
        if verbose:
            yield f"\n{task}"
            for metric, languages in scores.items():
                if isinstance(languages, dict):
                    yield f"  {metric}: {'  '.join(f'{code} {value:.2f}' for code, value in languages.items())}"
        averages = {name.removeprefix("avg_"): value for name, value in scores.items() if name.startswith("avg_")}
        yield f"{task}: {', '.join(f'{name} {value:.2f}' for name, value in averages.items())}"
    for name, value in report.items():
        if name not in tasks:
            yield f"{name}: {value:.2f}"
