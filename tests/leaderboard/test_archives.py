"""Zip files from outside: unpacked within bounds, or refused with one sentence before anything is written."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from pathlib import PurePosixPath

import pytest

from leaderboard.services.archives import Bounds, pack, unpack
from runner.errors import RecipeError
from tests.uploads import zipped

BOUNDS = Bounds(files=4, file_bytes=1 << 20, total_bytes=3 << 20)
FILES = {"xnli/test-de.tsv": "neutral\n", "xnli/test-en.tsv": "neutral\n"}


def refusal(archive, folder, bounds=BOUNDS):
    """What is said; nothing may have been written."""
    with pytest.raises(RecipeError) as caught:
        unpack(archive, folder / "out", bounds, lambda names: None)
    assert not (folder / "out").exists()
    return str(caught.value)


def with_entry(name, content=b"x", *, mode=stat.S_IFREG | 0o644, **fields):
    """A zip with one entry that says of itself what `fields` say."""
    entry = zipfile.ZipInfo("placeholder")
    entry.external_attr = mode << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry.filename = name
        archive.writestr(entry, content)
    raw = bytearray(buffer.getvalue())
    central = raw.rfind(b"PK\x01\x02")
    for offset, form, value in fields.values():
        struct.pack_into(form, raw, central + offset, value)
    return io.BytesIO(bytes(raw))


def test_it_works(tmp_path):
    names = unpack(zipped(FILES), tmp_path, BOUNDS, lambda names: None)
    assert sorted(map(str, names)) == sorted(FILES)
    assert (tmp_path / "xnli/test-de.tsv").read_text() == "neutral\n"


def test_a_folder_that_holds_everything_does_not_count(tmp_path):
    names = unpack(zipped({f"mine/{name}": text for name, text in FILES.items()}), tmp_path, BOUNDS, lambda names: None)
    assert sorted(map(str, names)) == sorted(FILES)


def test_what_file_managers_add_does_not_count(tmp_path):
    added = {"__MACOSX/xnli/._test-de.tsv": "x", "xnli/.DS_Store": "x"}
    names = unpack(zipped({**FILES, **added}), tmp_path, BOUNDS, lambda names: None)
    assert sorted(map(str, names)) == sorted(FILES)


def test_the_same_files_are_packed_into_the_same_bytes(tmp_path):
    unpack(zipped(FILES), tmp_path / "in", BOUNDS, lambda names: None)
    names = [PurePosixPath(name) for name in FILES]
    for target in ("a.zip", "b.zip"):
        pack(tmp_path / "in", names if target == "a.zip" else names[::-1], tmp_path / target)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


@pytest.mark.parametrize(
    "name",
    ["../evil.tsv", "xnli/../../evil.tsv", "/etc/evil.tsv", "xnli\\test-de.tsv", "C:/evil.tsv", "xnli/a\x00b", "a\nb"],
)
def test_a_name_that_leads_out_is_refused(tmp_path, name):
    sentence = refusal(with_entry(name), tmp_path)
    assert sentence.endswith("names are plain paths inside the archive, such as xnli/test-de.tsv.")


def test_a_link_is_refused(tmp_path):
    sentence = refusal(with_entry("xnli/test-de.tsv", b"/etc/passwd", mode=stat.S_IFLNK | 0o777), tmp_path)
    assert sentence == "The zip's entry xnli/test-de.tsv is a link: send plain files."


def test_a_device_is_refused(tmp_path):
    assert "is not a file: send plain files." in refusal(with_entry("xnli/a", mode=stat.S_IFCHR), tmp_path)


def test_an_encrypted_entry_is_refused(tmp_path):
    sentence = refusal(with_entry("xnli/test-de.tsv", flags=(8, "<H", 1)), tmp_path)
    assert sentence == "The zip's entry xnli/test-de.tsv is encrypted: send it without a password."


def test_another_compression_is_refused(tmp_path):
    archive = zipped(FILES, zipfile.ZIP_LZMA)
    assert refusal(archive, tmp_path).endswith("is packed by method 14: use deflate, as zip does.")


def test_a_name_that_is_there_twice_is_refused(tmp_path):
    sentence = refusal(zipped({"xnli/test-de.tsv": "a", "xnli/TEST-de.tsv": "b"}), tmp_path)
    assert sentence == "The zip has two entries named xnli/TEST-de.tsv: each file is there once."


def test_too_many_files_are_refused(tmp_path):
    assert refusal(zipped({f"a/{n}": "" for n in range(5)}), tmp_path) == "The zip has 5 files: at most 4 are taken."


def test_a_list_of_entries_that_is_far_too_long_is_refused_unread(tmp_path):
    assert refusal(zipped({f"a/{n}": "" for n in range(9)}), tmp_path).startswith("The zip lists 9 entries: ")


def test_a_bomb_that_says_so_is_refused(tmp_path):
    archive = zipped({"xnli/test-de.tsv": b"\0" * (2 << 20)})
    assert archive.getbuffer().nbytes < 10_000
    assert refusal(archive, tmp_path) == "The zip's entry xnli/test-de.tsv has 2 MiB: a file has at most 1 MiB."


def test_a_bomb_of_many_files_is_refused(tmp_path):
    archive = zipped({f"xnli/{number}": b"\0" * (1 << 20) for number in range(4)})
    assert refusal(archive, tmp_path) == "The zip unpacks to 4 MiB: at most 3 MiB are taken."


def test_a_bomb_that_says_that_it_is_small_is_stopped(tmp_path):
    """Declared as 10 bytes, in the list of entries and before the data."""
    raw = bytearray(zipped({"xnli/test-de.tsv": b"\0" * (1 << 20)}).getvalue())
    struct.pack_into("<L", raw, 22, 10)
    struct.pack_into("<L", raw, raw.rfind(b"PK\x01\x02") + 24, 10)
    with pytest.raises(RecipeError) as caught:
        unpack(io.BytesIO(bytes(raw)), tmp_path, BOUNDS, lambda names: None)
    assert (
        "damaged" in str(caught.value)
        or "not a zip that can be read" in str(caught.value)
        or "more than" in str(caught.value)
    )
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) <= 10


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x05\x06", b"PK\x03\x04" + b"\0" * 100])
def test_what_is_no_zip_is_refused(tmp_path, content):
    assert "not a zip that can be read" in refusal(io.BytesIO(content), tmp_path)


def test_a_torn_zip_is_refused(tmp_path):
    raw = zipped({**FILES, "xnli/test-fr.tsv": b"1234567" * 1000}).getvalue()
    damaged = raw[:40] + b"\xff" * 8 + raw[48:]
    with pytest.raises(RecipeError):
        unpack(io.BytesIO(damaged), tmp_path, BOUNDS, lambda names: None)


def test_a_zip64_is_refused(tmp_path):
    raw = zipped(FILES).getvalue()
    place = raw.rfind(b"PK\x05\x06")
    archive = io.BytesIO(raw[:place] + struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1) + raw[place:])
    assert "zip64" in refusal(archive, tmp_path)


def test_an_empty_zip_is_refused(tmp_path):
    assert refusal(zipped({}), tmp_path).startswith("The zip has no file in it")


def test_what_the_caller_refuses_is_not_written(tmp_path):
    def check(names):
        raise RecipeError(f"{len(names)} are too many.")

    with pytest.raises(RecipeError, match=r"2 are too many\."):
        unpack(zipped(FILES), tmp_path / "out", BOUNDS, check)
    assert not (tmp_path / "out").exists()
