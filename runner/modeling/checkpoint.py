"""Checkpoints that are whole or absent: the manifest is written last, the folder renamed into place."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
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
        raise CheckpointError(f"{folder.name} has no {MANIFEST}: the checkpoint was never finished.") from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise CheckpointError(f"{folder.name}/{MANIFEST} is not readable: the checkpoint is torn.") from None
    if not isinstance(manifest, dict) or not {"fingerprint", "files"} <= manifest.keys():
        raise CheckpointError(f"{folder.name}/{MANIFEST} is not a checkpoint's manifest.")
    if manifest["fingerprint"] != fingerprint:
        raise CheckpointError(
            f"{folder.name} belongs to stage {manifest['fingerprint'][:12]}, not to {fingerprint[:12]}."
        )
    for name, facts in manifest["files"].items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != facts["size"] or sha256_of(path) != facts["sha256"]:
            raise CheckpointError(f"{folder.name}/{name} is not the file that was written: the checkpoint is damaged.")
    return manifest


def facts(folder: Path) -> dict[str, Any] | None:
    """What the manifest says, whether the files hold or not; None where it cannot be read."""
    try:
        return json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError):
        return None


def latest_resume(folder: Path, fingerprint: str) -> tuple[Path, dict[str, Any]] | None:
    """The newest whole resume point in `folder`; a torn, damaged or foreign one is named in the log and passed over."""
    for path in sorted(_resumes(folder), key=_step, reverse=True):
        try:
            return path, read(path, fingerprint)
        except CheckpointError as error:
            print(f"Not resumed from {path.name}: {error}", file=sys.stderr)
    return None


def drop_resumes(folder: Path, keep: int = 0, upto: int | None = None) -> list[Path]:
    """Remove all resume points but the newest `keep`; returns those, the newest first.

    More than one is worth keeping: the newest may turn out damaged. Points of later steps than `upto` go too: they
    were passed over when this attempt began, and would take the place of good ones.
    """
    kept = [path for path in sorted(_resumes(folder), key=_step, reverse=True) if upto is None or _step(path) <= upto]
    kept = kept[:keep]
    for path in _resumes(folder):
        if path not in kept:
            shutil.rmtree(path)
    return kept


def _resumes(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if RESUME.match(path.name)]


def _step(path: Path) -> int:
    return int(path.name.removeprefix("resume-"))
