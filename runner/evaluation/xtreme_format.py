"""Files of an evaluation: predictions in XTREME's submission layout, outcomes per item as Parquet."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from runner.evaluation.outcomes import Outcome
from runner.events import Emit
from runner.scoring.layout import file_of


def write_predictions(root: Path, task: str, language: str, predictions: Sequence[str] | Mapping[str, str]) -> Path:
    """`<root>/predictions/<task>/test-<language>.tsv`, one prediction a line, or `.json` for answers by id.

    A blank line stands where `predictions` has an empty one: between the sentences of a tagging task.
    """
    path = root / "predictions" / file_of(task, language)
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(predictions, Mapping):
        text = json.dumps(predictions, ensure_ascii=False, indent=0) + "\n"
    else:
        text = "".join(f"{line}\n" for line in predictions)
    path.write_text(text, encoding="utf-8")
    return path


def write_items(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """All languages' outcomes in one Parquet file; columns are those of the rows."""
    pq.write_table(pa.Table.from_pylist(list(rows)), path, compression="zstd")
    return path


def item_rows(language: str, outcome: Outcome, source_items: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Rows of such a file: language, position, the name that parallel languages share, and the kind's columns."""
    names = source_items or [None] * len(outcome.items)
    for position, (name, item) in enumerate(zip(names, outcome.items, strict=True)):
        yield {"language": language, "item": position, "source_item": name, **item}


def announce(kind: str, path: Path, root: Path, emit: Emit) -> None:
    """An `artifact` event for a file in the folder `root`."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    emit("artifact", kind=kind, path=str(path.relative_to(root)), sha256=digest, size=path.stat().st_size)
