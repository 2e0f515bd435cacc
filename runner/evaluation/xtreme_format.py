"""Files of an evaluation: predictions in XTREME's submission layout, outcomes per item as Parquet."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

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
