"""All scores, or all of a run's files, as streams of bytes: nothing here holds more than a block."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from leaderboard.exports import parquet
from leaderboard.exports.columns import SCORES
from leaderboard.exports.files import FORMULA_STARTS, LINES_A_BLOCK, lines
from leaderboard.standings import bulk
from leaderboard.standings.artifacts import StoredFile
from leaderboard.standings.listing import every_score


def scores_csv(*, unverified: bool = False) -> Iterator[bytes]:
    """Every score, a header first; the first block has scores in it, so that what fails fails before it."""
    return started(_scores_csv(unverified=unverified))


def _scores_csv(*, unverified: bool) -> Iterator[bytes]:
    if not bulk.can_copy():
        yield from (block.encode() for block in lines(SCORES, every_score(unverified=unverified)))
        return
    yield (",".join(column.name for column in SCORES) + "\r\n").encode()
    for block in bulk.copied("csv", "".join(FORMULA_STARTS), unverified=unverified):
        # No line feed inside a line: texts are on one line each.
        yield block.replace(b"\n", b"\r\n")


def scores_json(*, unverified: bool = False) -> Iterator[bytes]:
    """Every score as a line of JSON, with the names of the columns; what is empty in CSV is null."""
    if bulk.can_copy():
        return started(bulk.copied("json", "", unverified=unverified))
    return started(json_lines(score._asdict() for score in every_score(unverified=unverified)))


def scores_parquet(*, unverified: bool = False) -> Iterator[bytes]:
    """Every score as Parquet, typed as the columns say; written by a process of the engine's libraries."""
    return parquet.from_csv(_scores_csv(unverified=unverified), numbers=NUMBERS)


NUMBERS = {"run": "int64", "seed": "int64", "n": "int64", "value": "float64"}
FORMATS: dict[str, tuple[str, Callable[..., Iterator[bytes]]]] = {
    "csv": ("text/csv; charset=utf-8", scores_csv),
    "jsonl": ("application/jsonl; charset=utf-8", scores_json),
    "parquet": ("application/vnd.apache.parquet", scores_parquet),
}


def kept(layout: str, scores: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """The scores of a snapshot in one of FORMATS, in today's columns: what it did not know yet is empty."""
    names = [column.name for column in SCORES]
    if layout == "jsonl":
        return json_lines({name: score.get(name, "") for name in names} for score in scores)
    blocks = (block.encode() for block in lines(SCORES, ([score.get(name, "") for name in names] for score in scores)))
    return parquet.from_csv(blocks, numbers=NUMBERS) if layout == "parquet" else blocks


def items_json(files: Sequence[StoredFile]) -> Iterator[bytes]:
    """Outcomes item by item as lines of JSON; `file` says which evaluation a line is of."""
    return started(parquet.as_lines({file.name.removesuffix(".parquet"): file.path for file in files}))


def json_lines(values: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """A line for each of `values`, in blocks; empty texts become null."""
    held: list[str] = []
    for value in values:
        plain = {key: None if item == "" else item for key, item in value.items()}
        held.append(json.dumps(plain, ensure_ascii=False, separators=(",", ":")))
        if len(held) == LINES_A_BLOCK:
            yield ("\n".join(held) + "\n").encode()
            held = []
    if held:
        yield ("\n".join(held) + "\n").encode()


def started(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """`blocks`, the first two of them made at once: a failure at the start is an error, not a torn file."""
    first = next(blocks, b"") + next(blocks, b"")

    def rest() -> Iterator[bytes]:
        if first:
            yield first
        yield from blocks

    return rest()
