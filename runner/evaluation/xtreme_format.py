"""Files of an evaluation: predictions in XTREME's submission layout, outcomes per item as Parquet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from runner.scoring.layout import file_of


def write_predictions(root: Path, task: str, language: str, lines: Sequence[str]) -> Path:
    """`<root>/predictions/<task>/test-<language>.tsv`, one prediction a line, a blank line where `lines` has one."""
    path = root / "predictions" / file_of(task, language)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def write_items(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """All languages' outcomes in one Parquet file; columns are those of the rows."""
    pq.write_table(pa.Table.from_pylist(list(rows)), path, compression="zstd")
    return path
