"""Zip files from outside: looked at entry by entry, and unpacked within bounds, or refused with one sentence.

Nothing is believed that can be checked: names are checked before anything is written, sizes are those that are declared
and, while unpacking, those that come.
"""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from runner.errors import RecipeError

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 0x1  # bit of the general purpose flags (APPNOTE 4.4.4)
BLOCK = 1 << 20
MIB = 1 << 20
# The end of a zip: its record (APPNOTE 4.3.16), what stands before it in a zip64, and the longest comment after it.
END = struct.Struct("<4s4H2LH")
END_SIGNATURE, ZIP64_SIGNATURE = b"PK\x05\x06", b"PK\x06\x07"
ZIP64_LOCATOR = 20
LONGEST_COMMENT = 0xFFFF
DIRECTORY_BYTES_A_FILE = 1024
# What file managers add without being asked.
IGNORED_FOLDERS = ("__MACOSX",)
IGNORED_FILES = (".DS_Store", "Thumbs.db", "desktop.ini")


@dataclass(frozen=True)
class Bounds:
    """How much an archive may hold: files, and bytes once unpacked, of one file and of all together."""

    files: int
    file_bytes: int
    total_bytes: int


def unpack(
    archive: IO[bytes], folder: Path, bounds: Bounds, check: Callable[[Sequence[PurePosixPath]], None]
) -> list[PurePosixPath]:
    """Write the files of a zip into `folder` and return their names, without a folder that holds all of them.

    `check` is given the names before anything is written. RecipeError for what is no zip, holds too much, is encrypted,
    or has an entry that is not an ordinary file below the archive's root. Then `folder` may hold a part of it: it is to
    be a temporary one.
    """
    try:
        _check_directory(archive, bounds)
        with zipfile.ZipFile(archive) as opened:
            entries = _checked(opened.infolist(), bounds)
            names = _without_common_root([name for name, _ in entries])
            check(names)
            left = bounds.total_bytes
            for name, (_, entry) in zip(names, entries, strict=True):
                left -= _write(opened, entry, folder / name, min(left, bounds.file_bytes))
    except zipfile.BadZipFile as error:
        raise RecipeError(f"The file is not a zip that can be read ({_in_sentence(error)}): send it again.") from None
    except (zlib.error, EOFError, NotImplementedError, RuntimeError, struct.error) as error:
        raise RecipeError(f"The zip is damaged ({_in_sentence(error)}): make it again.") from None
    return names


def _check_directory(archive: IO[bytes], bounds: Bounds) -> None:
    """RecipeError where the list of entries is far too long: `zipfile` reads all of it before anything can be asked."""
    size = archive.seek(0, os.SEEK_END)
    archive.seek(max(0, size - END.size - LONGEST_COMMENT - ZIP64_LOCATOR))
    tail = archive.read()
    place = tail.rfind(END_SIGNATURE)
    if place < 0 or len(tail) - place < END.size:
        raise zipfile.BadZipFile("it has no end record")
    entries, directory = (END.unpack_from(tail, place)[field] for field in (4, 5))
    if ZIP64_SIGNATURE in tail[max(0, place - ZIP64_LOCATOR) : place] or directory > size:
        raise RecipeError("The zip is a zip64, or says that it holds more than it does: an ordinary zip is enough.")
    # As many again for what file managers add.
    if entries > 2 * bounds.files or directory > 2 * bounds.files * DIRECTORY_BYTES_A_FILE:
        raise RecipeError(f"The zip lists {entries} entries: at most {bounds.files} files are taken.")
    archive.seek(0)


def _in_sentence(error: Exception) -> str:
    return str(error).rstrip(".")[:200] or type(error).__name__


def _checked(entries: Sequence[zipfile.ZipInfo], bounds: Bounds) -> list[tuple[PurePosixPath, zipfile.ZipInfo]]:
    """The files with their names, after every check that needs no unpacking."""
    files = [(_name(entry), entry) for entry in entries if not entry.is_dir()]
    files = [(name, entry) for name, entry in files if not _ignored(name)]
    for problem in _problems(files, bounds):
        raise RecipeError(problem)
    return files


def _name(entry: zipfile.ZipInfo) -> PurePosixPath:
    """The entry's name; RecipeError where it leads out of the folder, on this or on another system."""
    # What the archive says: ZipInfo cuts a name at a zero byte.
    written = entry.orig_filename
    name = PurePosixPath(written)
    parts = written.split("/")
    outside = name.is_absolute() or ".." in parts or "\\" in written or ":" in parts[0]
    if outside or not written.isprintable() or not name.parts:
        raise RecipeError(
            f"The zip has an entry named {written[:80]!a}: names are plain paths inside the archive, such as "
            "xnli/test-de.tsv."
        )
    return name


def _ignored(name: PurePosixPath) -> bool:
    return name.parts[0] in IGNORED_FOLDERS or name.name in IGNORED_FILES


def _problems(files: Sequence[tuple[PurePosixPath, zipfile.ZipInfo]], bounds: Bounds) -> Iterator[str]:
    if not files:
        yield "The zip has no file in it: it is to hold a folder for each task, such as xnli with test-de.tsv."
    if len(files) > bounds.files:
        yield f"The zip has {len(files)} files: at most {bounds.files} are taken."
    seen: set[str] = set()
    for name, entry in files:
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            yield f"The zip's entry {name} is {'a link' if kind == stat.S_IFLNK else 'not a file'}: send plain files."
        if entry.flag_bits & ENCRYPTED:
            yield f"The zip's entry {name} is encrypted: send it without a password."
        if entry.compress_type not in METHODS:
            yield f"The zip's entry {name} is packed by method {entry.compress_type}: use deflate, as zip does."
        if entry.file_size > bounds.file_bytes:
            yield f"The zip's entry {name} has {_mib(entry.file_size)}: a file has at most {_mib(bounds.file_bytes)}."
        # Two names that differ in case alone are one file on many systems.
        if str(name).casefold() in seen:
            yield f"The zip has two entries named {name}: each file is there once."
        seen.add(str(name).casefold())
    total = sum(entry.file_size for _, entry in files)
    if total > bounds.total_bytes:
        yield f"The zip unpacks to {_mib(total)}: at most {_mib(bounds.total_bytes)} are taken."


def _mib(size: int) -> str:
    return f"{-(-size // MIB)} MiB"


def _without_common_root(names: Sequence[PurePosixPath]) -> list[PurePosixPath]:
    """`submission/xnli/test-de.tsv` as `xnli/test-de.tsv`, where everything lies in that one folder."""
    roots = {name.parts[0] for name in names}
    if len(roots) == 1 and all(len(name.parts) > 2 for name in names):
        return [PurePosixPath(*name.parts[1:]) for name in names]
    return list(names)


def _write(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, most: int) -> int:
    """Unpack one entry and return its bytes; RecipeError as soon as more come than it declares, or than `most`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with archive.open(entry) as packed, path.open("xb") as file:
        while block := packed.read(BLOCK):
            written += len(block)
            if written > min(entry.file_size, most):
                raise RecipeError(f"The zip's entry {entry.filename} holds more than it declares: make the zip again.")
            file.write(block)
    return written


def pack(folder: Path, names: Sequence[PurePosixPath], target: Path) -> None:
    """A zip of the files `names` of `folder`; the same files give the same bytes."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(names):
            entry = zipfile.ZipInfo(str(name), date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, (folder / name).read_bytes())
