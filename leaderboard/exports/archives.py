"""Files of a run as a zip that is made while it is sent."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any

from leaderboard.standings.artifacts import StoredFile

PIECE_BYTES = 256 * 1024
MANIFEST = "manifest.json"
# Equal files make equal archives, whenever they are asked for.
DATE = (1980, 1, 1, 0, 0, 0)


class _Sink:
    """A file that cannot be sought: keeps what is written until it is taken."""

    def __init__(self) -> None:
        self._held: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._held.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    def take(self) -> bytes:
        held, self._held = b"".join(self._held), []
        return held


def zipped(files: Sequence[StoredFile], about: dict[str, Any]) -> Iterator[bytes]:
    """`files` under their names, then MANIFEST: `about`, and of each file its SHA-256 and size."""
    sink = _Sink()
    listed = [{"name": file.name, "sha256": file.sha256, "size": file.size} for file in files]
    with zipfile.ZipFile(sink, "w") as archive:
        for file in files:
            info = zipfile.ZipInfo(file.name, DATE)
            # Parquet is compressed already.
            info.compress_type = zipfile.ZIP_STORED if file.name.endswith(".parquet") else zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            info.file_size = file.size
            with file.path.open("rb") as source, archive.open(info, "w", force_zip64=file.size >= 2**31) as target:
                while piece := source.read(PIECE_BYTES):
                    target.write(piece)
                    yield sink.take()
        manifest = zipfile.ZipInfo(MANIFEST, DATE)
        manifest.external_attr = 0o644 << 16
        archive.writestr(manifest, json.dumps({**about, "files": listed}, indent=2, ensure_ascii=False) + "\n")
    yield sink.take()
