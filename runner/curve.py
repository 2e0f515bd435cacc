"""The learning curve of a stage: one JSON object a line, steps in ascending order."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CURVE = "curve.jsonl"


class Curve:
    """Appends points to `folder`/curve.jsonl.

    An engine that resumes goes back to its last checkpoint, so the first point of this attempt decides how much
    of the earlier attempt's curve still holds.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / CURVE
        self._resumed = False

    def append(self, point: Mapping[str, Any]) -> None:
        if not self._resumed:
            self._resumed = True
            self._keep_before(point["step"])
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(dict(point)) + "\n")

    def _keep_before(self, step: int) -> None:
        if not self._path.exists():
            return
        kept = []
        for line in self._path.read_text(encoding="utf-8").splitlines():
            try:
                if json.loads(line)["step"] < step:
                    kept.append(line + "\n")
            except (ValueError, KeyError):
                continue  # torn when its writer was killed
        self._path.write_text("".join(kept), encoding="utf-8")
