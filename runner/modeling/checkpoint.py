"""Checkpoints that are whole or absent: the manifest is written last, the folder renamed into place."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
RESUME = re.compile(r"^resume-(\d+)$")


class CheckpointError(Exception):
    """A checkpoint that must not be loaded; the message names the file and what is wrong with it."""


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(folder: Path, facts: dict[str, Any], fill: Callable[[Path], None]) -> dict[str, Any]:
    """Let `fill` write files into a hidden sibling, add the manifest, rename it to `folder`; return the manifest.

    The manifest holds `facts` and, under `files`, the sha256 and size of every file. A process that dies
    on the way leaves at most a hidden folder, which the next write removes.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    fill(partial)
    files = {
        str(path.relative_to(partial)): {"sha256": sha256_of(path), "size": path.stat().st_size}
        for path in sorted(partial.rglob("*"))
        if path.is_file()
    }
    manifest = {**facts, "files": files}
    with (partial / MANIFEST).open("w") as file:
        json.dump(manifest, file, indent=2, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    if folder.exists():
        shutil.rmtree(folder)
    partial.rename(folder)
    return manifest


def read(folder: Path, fingerprint: str) -> dict[str, Any]:
    """The manifest of a whole checkpoint of the stage `fingerprint`; CheckpointError for any other."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
    except FileNotFoundError:
        raise CheckpointError(f"{folder} has no {MANIFEST}: the checkpoint was never finished.") from None
    except json.JSONDecodeError:
        raise CheckpointError(f"{folder / MANIFEST} is not readable: the checkpoint is torn.") from None
    if manifest["fingerprint"] != fingerprint:
        raise CheckpointError(f"{folder} belongs to stage {manifest['fingerprint'][:12]}, not to {fingerprint[:12]}.")
    for name, facts in manifest["files"].items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != facts["size"] or sha256_of(path) != facts["sha256"]:
            raise CheckpointError(f"{path} is not the file that was written: the checkpoint is damaged.")
    return manifest


def latest_resume(folder: Path, fingerprint: str) -> tuple[Path, dict[str, Any]] | None:
    """The newest whole resume point in `folder`; damaged ones are passed over."""
    found = [(int(match[1]), path) for path in folder.iterdir() if (match := RESUME.match(path.name))]
    for _, path in sorted(found, reverse=True):
        try:
            return path, read(path, fingerprint)
        except CheckpointError:
            continue
    return None


def drop_resumes(folder: Path, keep: Path | None = None) -> None:
    """Remove resume points other than `keep`."""
    for path in folder.iterdir():
        if RESUME.match(path.name) and path != keep:
            shutil.rmtree(path)
