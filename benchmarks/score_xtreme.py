"""How long `manage.py score_xtreme` takes, against XTREME's own evaluate.py on the same files in the same run.

    python -m benchmarks.score_xtreme --official PATH/TO/xtreme/evaluate.py [--items 400] [--repeats 5]

Makes that many items in each language of all nine tasks, runs both commands in turn as whole processes, with this
interpreter, and prints the seconds of each, the ratio of the medians, and the largest difference between the reports.
Ends with 1 where that is more than 1e-9.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.golden import generator

ROOT = Path(__file__).resolve().parent.parent
COMMIT = "838c13b69daafb9328785d16caae2711e4012123"
FETCH = f"""\
The official evaluator is not part of this repository. To compare with it:

    git clone https://github.com/google-research/xtreme && git -C xtreme checkout {COMMIT}
    python -m benchmarks.score_xtreme --official xtreme/evaluate.py

It needs seqeval, which requirements-dev.txt installs."""


def main() -> int:
    options = arguments()
    if options.official is None or not options.official.is_file():
        found = "" if options.official is None else f"There is no file '{options.official}'.\n"
        print(f"{found}{FETCH}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        generator.write(root, options.items)
        # The evaluator finds its third_party folder beside itself, our command the settings in the checkout.
        commands = {
            "official": (options.official.resolve(), options.official.resolve().parent),
            "ours": (ROOT / "manage.py", ROOT),
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(options.repeats):
            for name, (script, home) in commands.items():
                seconds[name].append(run(script, home, root, root / f"{name}.json"))
        reports = [json.loads((root / f"{name}.json").read_text()) for name in commands]
    print(f"{options.items} items in each language of nine tasks, {options.repeats} runs of each in turn")
    for name, times in seconds.items():
        print(f"{name:>8}: median {statistics.median(times):.2f} s  ({', '.join(f'{one:.2f}' for one in times)})")
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    print(f"   ratio: {medians['official'] / medians['ours']:.1f}")
    worst = largest_difference(*reports)
    print(f"   largest difference between {len(list(figures(reports[0])))} figures: {worst:g}")
    return int(worst > 1e-9)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Times our command against XTREME's evaluate.py.")
    parser.add_argument("--official", type=Path, help="XTREME's evaluate.py, with third_party/ beside it.")
    parser.add_argument("--items", type=int, default=400, help="Items in each language (default: 400).")
    parser.add_argument("--repeats", type=int, default=5, help="Runs of each command (default: 5).")
    return parser.parse_args()


def run(script: Path, home: Path, root: Path, report: Path) -> float:
    """Seconds of one whole process, start included; its output is dropped, its failure is ours."""
    name = ["score_xtreme"] if script.name == "manage.py" else []
    folders = ["--prediction_folder", root / "predictions", "--label_folder", root / "labels"]
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-W", "ignore", script, *name, *folders, "--output_file", report],
        cwd=home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - begun


def figures(report: Any, *path: str) -> Iterator[tuple[tuple[str, ...], float]]:
    if not isinstance(report, dict):
        yield path, report
        return
    for name, value in report.items():
        yield from figures(value, *path, name)


def largest_difference(one: Any, other: Any) -> float:
    """Over all figures; infinite where the reports do not have the same ones."""
    ours, theirs = dict(figures(one)), dict(figures(other))
    if ours.keys() != theirs.keys():
        return float("inf")
    return max(abs(value - theirs[name]) for name, value in ours.items())


if __name__ == "__main__":
    sys.exit(main())
