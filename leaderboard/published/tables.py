"""Tables of published results: what one row says, and how a file of them is read. Standard library only."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

from runner.errors import RecipeError
from runner.spec import fingerprint
from runner.tasks import registry
from runner.tasks.kinds import Role

HERE = Path(__file__).parent
SOURCES = "sources.csv"
# `checked` is no status of a file: only a maintainer's check gives it.
STATUSES = ("quoted", "secondary", "unverified")
SPLITS = ("", "train", "validation", "test")
LONGEST_SYSTEM = 200
LONGEST_PROTOCOL = 140
# What the database's column holds.
MOST_ITEMS = 2_147_483_647


@dataclass(frozen=True)
class PublishedSource:
    """Where numbers come from; `status` is how far they can be trusted, one of STATUSES."""

    key: str
    title: str
    url: str
    status: str
    note: str


@dataclass(frozen=True)
class PublishedScore:
    """One printed number; the fields are the columns of a table of published results, all text but `value` and `n`.

    `language` is empty where the source prints only the mean over languages, `split` where it does not say which.
    `protocol` has in a few words what else the number was measured under, `status` is empty for the source's own.
    `n` is the number of test items, None where it is not printed.
    """

    source: str
    system: str
    task: str
    language: str
    metric: str
    value: float
    split: str
    protocol: str
    status: str
    note: str
    n: int | None = None

    @property
    def protocol_label(self) -> str:
        """In a few words. A printed mean is another quantity than the mean of printed languages, and says so."""
        parts = [f"{self.split} split" if self.split else "split not stated", self.protocol]
        parts.append("as printed" if self.language else "mean over languages, as printed")
        return ", ".join(part for part in parts if part)

    @property
    def protocol_fingerprint(self) -> str:
        """Equal for all published numbers that may stand in one column; never that of a protocol from here."""
        return fingerprint(["published", self.task, self.split, self.protocol, bool(self.language)])

    @property
    def identity(self) -> tuple[str, str, str, str, str]:
        """What makes two rows the same number: a table that has one twice contradicts itself."""
        return self.source, self.system, self.protocol_fingerprint, self.language, self.metric


COLUMNS = tuple(field.name for field in fields(PublishedScore))
REQUIRED = ("source", "system", "task", "metric", "value")


def published_score(row: Mapping[str, str | float | None]) -> PublishedScore:
    """The row of a table, checked against the catalogue; RecipeError says what was found and what would be right."""
    text = {name: str("" if row.get(name) is None else row[name]).strip() for name in COLUMNS}
    if missing := [name for name in REQUIRED if not text[name]]:
        raise RecipeError(f"The row has no {' and no '.join(missing)}.")
    task = registry.task(text["task"])
    if task.role is not Role.TARGET and task.role is not Role.INTERMEDIATE:
        raise RecipeError(f"{task.title} is never scored; published scores are of target and intermediate tasks.")
    if text["language"]:
        language = registry.language(text["language"]).code
        if language not in task.languages:
            raise RecipeError(f"{task.title} has no language '{language}'; it has {', '.join(task.languages)}.")
    if text["metric"] not in task.metrics:
        raise RecipeError(f"{task.title} has no metric '{text['metric']}'; it has {', '.join(task.metrics)}.")
    if text["split"] not in SPLITS:
        raise RecipeError(
            f"The split is {', '.join(SPLITS[1:])} or empty where it is not stated; found '{text['split']}'."
        )
    if text["status"] and text["status"] not in STATUSES:
        raise RecipeError(f"The status is {', '.join(STATUSES)} or empty for the source's; found '{text['status']}'.")
    for name, longest in (("system", LONGEST_SYSTEM), ("protocol", LONGEST_PROTOCOL)):
        if len(text[name]) > longest:
            raise RecipeError(f"The {name} has {len(text[name])} characters; at most {longest} are kept.")
    return PublishedScore(**{**text, "value": _value(text["value"]), "n": _count(text["n"])})


def _value(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise RecipeError(f"The value is a number from 0 to 100, with a point; found '{text[:40]}'.") from None
    if not math.isfinite(value) or not 0 <= value <= 100:
        raise RecipeError(f"The value is a number from 0 to 100; found {text[:40]}.")
    return value


def _count(text: str) -> int | None:
    if text and not (text.isdecimal() and len(text) < 11 and 0 < int(text) <= MOST_ITEMS):
        raise RecipeError(f"n is the number of test items, 1 to {MOST_ITEMS}, or empty; found '{text[:40]}'.")
    return int(text) if text else None


def scores_of(rows: Iterable[Mapping[str, str | float | None]], name: str) -> list[PublishedScore]:
    """The rows of the table `name`, all of them; RecipeError names the first line that is wrong or there twice."""
    found: dict[tuple[str, ...], int] = {}
    scores = []
    for line, row in enumerate(rows, start=2):
        try:
            score = published_score(row)
        except RecipeError as error:
            raise RecipeError(f"{name}, line {line}: {error}") from error
        if score.identity in found:
            raise RecipeError(f"{name}, line {line}: the same score is in line {found[score.identity]} already.")
        found[score.identity] = line
        scores.append(score)
    return scores


def read_scores(text: str, name: str) -> list[PublishedScore]:
    """A table in CSV; RecipeError for a column that is missing or unknown, and as in `scores_of`."""
    return scores_of(rows_of(text, name, COLUMNS, REQUIRED), name)


def rows_of(text: str, name: str, columns: tuple[str, ...], required: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """The rows of a CSV under its header; RecipeError for a column of neither `columns`, or a missing one."""
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    header = reader.fieldnames or []
    if missing := [column for column in required if column not in header]:
        raise RecipeError(f"{name} has no column {' and no '.join(missing)}; a table has {', '.join(columns)}.")
    if unknown := [column for column in header if column not in columns]:
        raise RecipeError(f"{name} has the column {unknown[0]!r}; a table has {', '.join(columns)}.")
    try:
        yield from reader
    except csv.Error as error:
        raise RecipeError(f"{name} cannot be read as CSV: {error}.") from error


@cache
def own_sources() -> tuple[PublishedSource, ...]:
    """The sources that the project's own files quote."""
    names = tuple(field.name for field in fields(PublishedSource))
    text = (HERE / SOURCES).read_text(encoding="utf-8")
    return tuple(PublishedSource(**row) for row in rows_of(text, SOURCES, names, names))


@cache
def own_scores() -> tuple[PublishedScore, ...]:
    """Every score in the project's own files: one file for each source that prints any."""
    files = [HERE / f"{source.key}.csv" for source in own_sources()]
    return tuple(
        score for file in files if file.exists() for score in read_scores(file.read_text(encoding="utf-8"), file.name)
    )
