"""`python -m runner.inventory`: which data of the catalogue is here, as lines of JSON; for `manage.py check_data`.

A process of its own, because reading Parquet takes the engine's libraries, which no web process has.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import cache
from pathlib import Path

import pyarrow.parquet as pq

from runner.data.pools import COLUMNS as POOL_COLUMNS
from runner.data.sources import content_hash, mirror_files
from runner.errors import RecipeError
from runner.modeling.checkpoint import sha256_of
from runner.pocket.tables import is_pocket, table
from runner.tasks.kinds import DataSplit, Kind, TaskSpec
from runner.tasks.registry import TASKS, revision_of
from runner.tasks.registry import task as find_task
from runner.tasks.texts import LOCAL_TEXT


class State(StrEnum):
    """Where the data of a split is found, the best first."""

    THERE = "there"
    GENERATED = "generated"
    SUBSTITUTED = "substituted"
    HUB = "on the hub"
    BROKEN = "broken"
    MISSING = "missing"


@dataclass(frozen=True)
class Line:
    """One split of one task in one language. `bytes` and `sha256` are of its files; of generated data, which has no
    file, `sha256` is of its content. `note` says what substitutes it, what is wrong, or where it belongs.
    """

    task: str
    suite: str
    split: str
    language: str
    state: State
    rows: int | None = None
    bytes: int | None = None
    sha256: str = ""
    note: str = ""


def inventory(data_dir: str, tasks: Iterable[TaskSpec]) -> Iterator[Line]:
    """Every split of `tasks` in every language that it is read in; a mixture's are those of its members."""
    for spec in tasks:
        for split, location in _locations(spec):
            for language in _languages(spec, split):
                line = _line(spec, split, location, language, data_dir)
                yield (
                    line if line.state not in (State.HUB, State.MISSING) else _substituted(line, spec, split, data_dir)
                )


def _locations(spec: TaskSpec) -> Iterator[tuple[str, DataSplit]]:
    yield from spec.splits.items()
    for split, location in spec.pools.items():
        yield f"{split} (pools)", location


def _languages(spec: TaskSpec, split: str) -> tuple[str, ...]:
    return (spec.pivot,) if split == "train" and spec.kind is not Kind.MASKED_WORDS else spec.languages


def _line(spec: TaskSpec, split: str, location: DataSplit, language: str, data_dir: str) -> Line:
    config = location.config_for(language)
    here = Line(spec.slug, spec.suite.value, split, language, State.MISSING)
    try:
        parts = [mirror_files(Path(data_dir) / location.dataset / config, part) for part in location.parts]
        files = [file for part in parts for file in part]
        if data_dir and all(parts):
            return _measured(here, files, _columns(spec, location, split, language))
        if is_pocket(location.dataset):
            return _generated(here, location, config)
    except (RecipeError, OSError) as error:
        return replace(here, state=State.BROKEN, note=str(error))
    where = f"{location.dataset}/{config}/{location.split}.parquet"
    state = State.HUB if revision_of(location) and not location.origin else State.MISSING
    return replace(here, state=state, note=where)


def _columns(spec: TaskSpec, location: DataSplit, split: str, language: str) -> set[str]:
    if split.endswith("(pools)"):
        return set(POOL_COLUMNS)
    code = location.code(language)
    names = ",".join(spec.columns.values()).replace("{code}", code).split(",")
    filters = {location.language_column, location.language_prefix_column} - {""}
    return {name.partition(".")[0] for name in names} | filters


def _measured(line: Line, files: list[Path], columns: set[str]) -> Line:
    facts = [_facts(file) for file in files]
    if absent := sorted(columns - frozenset().union(*(names for *_, names in facts))):
        return replace(line, state=State.BROKEN, note=f"the columns {', '.join(absent)} are absent")
    hashes = [sha256 for _, _, sha256, _ in facts]
    return replace(
        line,
        state=State.THERE,
        rows=sum(rows for rows, *_ in facts),
        bytes=sum(size for _, size, *_ in facts),
        sha256=hashes[0] if len(hashes) == 1 else content_hash([hashes]),
    )


@cache
def _facts(file: Path) -> tuple[int, int, str, frozenset[str]]:
    """Rows, bytes, hash and columns; a file that holds all languages of a task is looked at once."""
    metadata = pq.read_metadata(file)
    return metadata.num_rows, file.stat().st_size, sha256_of(file), frozenset(pq.read_schema(file).names)


def _generated(line: Line, location: DataSplit, config: str) -> Line:
    tables = [table(location.dataset, config, part) for part in location.parts]
    columns = [column for made in tables for column in made.values()]
    rows = sum(len(next(iter(made.values()))) for made in tables)
    digest = content_hash([[json.dumps(column, ensure_ascii=False) for column in columns]])
    return replace(line, state=State.GENERATED, rows=rows, sha256=digest)


def _substituted(line: Line, spec: TaskSpec, split: str, data_dir: str) -> Line:
    """The line, marked where a stand-in of the task has the same split, or training data for a task without any."""
    for other in TASKS.values():
        if other.stands_in_for == spec.slug and split in other.splits and line.language in other.languages:
            found = _line(other, split, other.splits[split], line.language, data_dir)
            if found.state is State.THERE:
                return replace(line, state=State.SUBSTITUTED, note=f"by {other.slug}; its own: {line.note}")
    return line


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m runner.inventory", description=__doc__)
    parser.add_argument("--data-dir", default="")
    parser.add_argument("tasks", nargs="*")
    options = parser.parse_args(arguments)
    try:
        # Text of one's own is nobody's lack.
        chosen = [find_task(slug) for slug in options.tasks] or [spec for spec in TASKS.values() if spec != LOCAL_TEXT]
    except RecipeError as error:
        print(error, file=sys.stderr)
        return 2
    for line in inventory(options.data_dir, chosen):
        print(json.dumps(asdict(line)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
