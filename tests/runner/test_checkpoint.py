"""A checkpoint is whole or refused by name; of several resume points the newest whole one is used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.modeling.checkpoint import CheckpointError, drop_resumes, latest_resume, read, write


def save(folder: Path, step: int = 1, fingerprint: str = "mine") -> Path:
    path = folder / f"resume-{step}"
    write(path, {"fingerprint": fingerprint, "step": step}, lambda at: (at / "model").write_bytes(b"weights"))
    return path


def test_it_works(tmp_path: Path) -> None:
    manifest = read(save(tmp_path), "mine")
    assert manifest["step"] == 1
    assert manifest["files"]["model"]["size"] == 7
    assert [path.name for path in tmp_path.iterdir()] == ["resume-1"]


def test_writing_again_replaces(tmp_path: Path) -> None:
    save(tmp_path)
    write(tmp_path / "resume-1", {"fingerprint": "mine"}, lambda at: (at / "other").write_bytes(b"x"))
    assert list(read(tmp_path / "resume-1", "mine")["files"]) == ["other"]


def test_a_failure_while_writing_leaves_no_checkpoint(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "model").write_bytes(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write(tmp_path / "resume-2", {"fingerprint": "mine"}, fail)
    assert not (tmp_path / "resume-2").exists()
    assert latest_resume(tmp_path, "mine") is None


@pytest.mark.parametrize("content", [b"", b"weighty", b"weights and more"])
def test_a_changed_file_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = save(tmp_path)
    (path / "model").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"resume-1/model is not the file that was written"):
        read(path, "mine")


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path)
    (path / "model").unlink()
    with pytest.raises(CheckpointError, match="is not the file"):
        read(path, "mine")


def test_a_torn_or_absent_manifest_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path)
    text = (path / "manifest.json").read_text()
    (path / "manifest.json").write_text(text[:-9])
    with pytest.raises(CheckpointError, match="is torn"):
        read(path, "mine")
    (path / "manifest.json").unlink()
    with pytest.raises(CheckpointError, match="was never finished"):
        read(path, "mine")


def test_a_foreign_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="belongs to stage theirs, not to mine"):
        read(save(tmp_path, fingerprint="theirs"), "mine")


def test_the_newest_whole_resume_point_is_used(tmp_path: Path) -> None:
    good, torn = save(tmp_path, 9), save(tmp_path, 10)
    (torn / "manifest.json").write_text(json.dumps({"fingerprint": "mine"})[:5])
    found = latest_resume(tmp_path, "mine")
    assert found is not None
    assert (found[0], found[1]["step"]) == (good, 9)


def test_old_resume_points_are_dropped(tmp_path: Path) -> None:
    save(tmp_path, 1)
    new = save(tmp_path, 2)
    drop_resumes(tmp_path, keep=new)
    assert [path.name for path in tmp_path.iterdir()] == ["resume-2"]
