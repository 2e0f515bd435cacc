"""What an encoder's folder says about itself, so that a maintainer need not type it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from runner.errors import RecipeError

REQUIRED_FILES = ("config.json", "model.safetensors", "tokenizer.json")
HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class EncoderFolder:
    """`layers` from its config.json; `revision` is the hash of its files' names and contents."""

    layers: int
    revision: str


def is_folder(location: str) -> bool:
    """Whether `location` means a folder of this machine, rather than a hub id."""
    return Path(location).is_absolute() or Path(location).is_dir()


def read_folder(location: str) -> EncoderFolder:
    """Read the folder; hashing takes a second or two for each GB. RecipeError names what is absent or wrong."""
    folder = Path(location)
    if not folder.is_dir():
        raise RecipeError(f"There is no folder '{location}'.")
    if absent := [name for name in REQUIRED_FILES if not (folder / name).is_file()]:
        raise RecipeError(f"The folder lacks {', '.join(absent)}: an encoder has {', '.join(REQUIRED_FILES)}.")
    try:
        layers = json.loads((folder / "config.json").read_text())["num_hidden_layers"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecipeError("The folder's config.json does not say num_hidden_layers.") from error
    if not isinstance(layers, int) or layers < 1:
        raise RecipeError(f"The folder's config.json has num_hidden_layers {layers!r}: a whole number from 1 is right.")
    return EncoderFolder(layers, folder_hash(folder))


def folder_hash(folder: Path) -> str:
    """SHA-256 over the relative name and the SHA-256 of every file that is not hidden, in the order of names."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    total = hashlib.sha256()
    for name in sorted(name for name in files if not any(part.startswith(".") for part in name.split("/"))):
        with files[name].open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(f"{content}  {name}\n".encode())
    return total.hexdigest()
