"""Where data is found: the local mirror in the hub's layout, then the generator of the pocket suite or the hub at a
pinned revision, then a refusal.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from runner.errors import RecipeError
from runner.pocket.tables import is_pocket, table
from runner.tasks.kinds import DataSplit
from runner.tasks.registry import revision_of

HASHED_ROWS = 1000
SHARD = re.compile(r"-(\d{5})-of-(\d{5})\.parquet$")


# Data sets for which the hub did not answer this process: it waits for a minute each time, and an evaluation
# asks for dozens of languages.
_unreachable: set[str] = set()


@dataclass(frozen=True)
class Rows:
    """The columns that were asked for, as Python lists of equal length, and where they come from.

    `sha256` is over the rows' content in order, whatever file or machine they came from; `origin` is
    `mirror`, `generated` or `hub`.
    """

    columns: dict[str, list[Any]]
    sha256: str
    origin: str
    revision: str | None

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))


def read(split: DataSplit, columns: Sequence[str], language: str, data_dir: str, limit: int | None = None) -> Rows:
    """Read `columns` of the rows of `language`, the first `limit` of each part of the split (None: all).

    RecipeError says what is absent and what to do.
    """
    config = split.config_for(language)
    wanted = list(columns)
    filters = [column for column in (split.language_column, split.language_prefix_column) if column]
    tables = []
    origins = set()
    for part in split.parts:
        table, origin = _load(split, config, part, data_dir, limit)
        _require_columns(table, [*wanted, *filters], f"{split.dataset} {config} {part}")
        tables.append(_of_language(table, split, language).select(wanted))
        origins.add(origin)
    table = pa.concat_tables(tables, promote_options="default")
    if not table.num_rows:
        raise RecipeError(f"{split.dataset}, configuration {config}, split {split.split} has no rows for '{language}'.")
    values = {name: table.column(name).to_pylist() for name in wanted}
    return Rows(values, content_hash(values.values()), "+".join(sorted(origins)), revision_of(split))


def content_hash(columns: Iterable[Sequence[Any]]) -> str:
    """SHA-256 over the rows, HASHED_ROWS to a line of JSON: independent of files, chunks and library versions."""
    digest = hashlib.sha256()
    rows = zip(*columns, strict=True)
    # Many rows to a call: the encoder's start costs more than a row does.
    while part := list(islice(rows, HASHED_ROWS)):
        digest.update(json.dumps(part, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        digest.update(b"\n")
    return digest.hexdigest()


def mirror_files(folder: Path, split: str) -> list[Path]:
    """The files of `split` in a mirror's configuration folder: `<split>.parquet`, or all its shards in order.

    Empty where the split is not there; RecipeError where shards are missing.
    """
    whole = folder / f"{split}.parquet"
    if whole.is_file():
        return [whole]
    shards = sorted(path for path in folder.glob(f"{split}-*.parquet") if SHARD.search(path.name))
    if not shards:
        return []
    count = int(SHARD.search(shards[0].name)[2])
    expected = [folder / f"{split}-{index:05d}-of-{count:05d}.parquet" for index in range(count)]
    missing = [path.name for path in expected if path not in shards]
    if missing:
        where = "/".join(("DATA_DIR", *folder.parts[-3:]))
        raise RecipeError(f"{where} lacks {', '.join(missing)}: copy all {count} files of the split '{split}'.")
    return expected


def _load(split: DataSplit, config: str, part: str, data_dir: str, limit: int | None) -> tuple[pa.Table, str]:
    if data_dir:
        files = mirror_files(Path(data_dir) / split.dataset / config, part)
        if files:
            return (_from_files(tuple(files)) if limit is None else _first_rows(files, limit)), "mirror"
    if is_pocket(split.dataset):
        return pa.table(table(split.dataset, config, part, limit)), "generated"
    return _from_hub(split, config, part, limit), "hub"


@lru_cache(maxsize=1)
def _from_files(files: tuple[Path, ...]) -> pa.Table:
    """The rows of `files`; the last are kept, because some configurations hold all languages of a task."""
    return pa.concat_tables([pq.read_table(file) for file in files], promote_options="default")


def _first_rows(files: Sequence[Path], limit: int) -> pa.Table:
    """The first `limit` rows, without reading files or row groups after them: Wikipedia has millions."""
    tables = [pq.read_schema(files[0]).empty_table()]
    missing = limit
    for file in files:
        with pq.ParquetFile(file) as parquet:
            for batch in parquet.iter_batches(batch_size=min(missing, 10_000)) if missing else ():
                tables.append(pa.Table.from_batches([batch[:missing]]))
                missing -= tables[-1].num_rows
                if not missing:
                    break
    return pa.concat_tables(tables, promote_options="default")


def _from_hub(split: DataSplit, config: str, part: str, limit: int | None) -> pa.Table:
    revision = revision_of(split)
    where = f"{split.dataset}, configuration {config}, split {part}"
    mirror = f"DATA_DIR/{split.dataset}/{config}/{part}.parquet"
    if split.origin:
        raise RecipeError(
            f"{where} is not in the local mirror, and no hub has it: it is {split.origin}. Put it at {mirror}."
        )
    if revision is None:
        raise RecipeError(
            f"{where} is not in the local mirror, and no revision of it is pinned for the hub. Put the data at "
            f"{mirror}, or pin its commit in runner/tasks/revisions.py."
        )
    # Imported late: it costs seconds, and a machine with a mirror never needs it.
    from datasets import load_dataset

    try:
        if split.dataset in _unreachable:
            raise ConnectionError("the hub did not answer a moment ago")
        if limit is not None:
            rows = load_dataset(split.dataset, config, split=part, revision=revision, streaming=True).take(limit)
            return pa.Table.from_pylist(list(rows))
        return load_dataset(split.dataset, config, split=part, revision=revision).with_format("arrow")[:]
    except Exception as error:
        if isinstance(error, ConnectionError):
            _unreachable.add(split.dataset)
        # The library raises a dozen unrelated classes for an unreachable hub, an unknown name or a broken file.
        raise RecipeError(
            f"{where} is not in the local mirror, and the hub did not give it at revision {revision[:12]} "
            f"({type(error).__name__}: {error}). Put the data at {mirror}, or check the network."
        ) from error


def _require_columns(table: pa.Table, columns: Iterable[str], where: str) -> None:
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        raise RecipeError(f"{where} has the columns {', '.join(table.column_names)}, but not {', '.join(missing)}.")


def _of_language(table: pa.Table, split: DataSplit, language: str) -> pa.Table:
    code = split.code(language)
    if split.language_column:
        keep = pa.array([value == code for value in table.column(split.language_column).to_pylist()])
        return table.filter(keep)
    if split.language_prefix_column:
        prefix = f"{code}-"
        keep = pa.array([value.startswith(prefix) for value in table.column(split.language_prefix_column).to_pylist()])
        return table.filter(keep)
    return table
