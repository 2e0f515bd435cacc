"""`python -m runner.columnar`: tables between CSV and Parquet, for processes that must not load pyarrow.

`write TYPES` reads CSV with a header from standard input and writes Parquet to standard output; TYPES is JSON, from a
column to `int64` or `float64`, all others are text. `read NAME=PATH…` writes the rows of Parquet files as lines of
JSON, each with the NAME of its file as `file`.
Both go through the data batch by batch, whatever its size.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import BinaryIO

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

GROUP_ROWS = 64 * 1024
BLOCK_BYTES = 4 * 1024 * 1024


def write(source: BinaryIO, sink: BinaryIO, types: Mapping[str, str]) -> None:
    """CSV to Parquet; an empty cell without quotes is null. pyarrow.ArrowInvalid names a line that does not fit."""
    columns = source.readline().decode().strip().split(",")
    schema = pa.schema([(name, pa.type_for_alias(types.get(name, "string"))) for name in columns])
    reading = pyarrow.csv.ReadOptions(column_names=columns, block_size=BLOCK_BYTES, use_threads=False)
    converting = pyarrow.csv.ConvertOptions(
        column_types=dict(zip(schema.names, schema.types, strict=True)),
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        null_values=[""],
    )
    with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        try:
            table = pyarrow.csv.open_csv(
                pa.PythonFile(source, mode="r"), read_options=reading, convert_options=converting
            )
        except pa.ArrowInvalid as error:
            if "Empty CSV file" in str(error):
                return
            raise
        for batch in table:
            writer.write_batch(batch, row_group_size=GROUP_ROWS)


def read(files: Mapping[str, str], sink: BinaryIO) -> None:
    """The rows of Parquet files, one file after the other, as lines of JSON."""
    for name, path in files.items():
        for batch in pq.ParquetFile(path).iter_batches(GROUP_ROWS):
            for row in batch.to_pylist():
                line = json.dumps({"file": name, **row}, ensure_ascii=False, separators=(",", ":"))
                sink.write(f"{line}\n".encode())


def main(arguments: Sequence[str]) -> int:
    command, *rest = arguments
    if command == "write":
        write(sys.stdin.buffer, sys.stdout.buffer, json.loads(rest[0]))
    else:
        read(dict(argument.split("=", 1) for argument in rest), sys.stdout.buffer)
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
