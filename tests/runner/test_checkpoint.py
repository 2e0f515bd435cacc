"""A checkpoint is whole or refused by name; of several resume points the newest whole one is used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.modeling.checkpoint import CheckpointError, drop_resumes, facts, latest_resume, read, write


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


@pytest.mark.parametrize("content", ["[]", "{}", '{"fingerprint": "mine"}', "\\x00"])
def test_a_file_that_is_no_manifest_is_refused(tmp_path: Path, content: str) -> None:
    path = save(tmp_path)
    (path / "manifest.json").write_text(content)
    with pytest.raises(CheckpointError, match=r"resume-1/manifest\.json is not"):
        read(path, "mine")


def test_the_newest_whole_resume_point_is_used(tmp_path: Path) -> None:
    save(tmp_path, 8)
    good, torn = save(tmp_path, 9), save(tmp_path, 10)
    (torn / "manifest.json").write_text(json.dumps({"fingerprint": "mine"})[:5])
    found = latest_resume(tmp_path, "mine")
    assert found is not None
    assert (found[0], found[1]["step"]) == (good, 9)


def test_what_is_passed_over_is_named_in_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(tmp_path, 7)
    torn, cut, foreign = save(tmp_path, 8), save(tmp_path, 9), save(tmp_path, 10, fingerprint="theirs")
    (torn / "manifest.json").write_text("{")
    (cut / "model").write_bytes(b"weig")
    found = latest_resume(tmp_path, "mine")
    assert found is not None
    assert found[0].name == "resume-7"
    assert capsys.readouterr().err.splitlines() == [
        "Not resumed from resume-10: resume-10 belongs to stage theirs, not to mine.",
        "Not resumed from resume-9: resume-9/model is not the file that was written: the checkpoint is damaged.",
        "Not resumed from resume-8: resume-8/manifest.json is not readable: the checkpoint is torn.",
    ]
    assert foreign.exists()


def test_without_any_resume_point_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "resume-x").mkdir()
    (tmp_path / ".resume-3.partial").mkdir()
    assert latest_resume(tmp_path, "mine") is None


def test_the_newest_resume_points_are_kept(tmp_path: Path) -> None:
    """By their steps as numbers: 10 is newer than 9."""
    for step in (9, 10, 1, 2):
        save(tmp_path, step)
    (tmp_path / "checkpoint").mkdir()
    assert [path.name for path in drop_resumes(tmp_path, keep=2)] == ["resume-10", "resume-9"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint", "resume-10", "resume-9"]
    assert drop_resumes(tmp_path) == []
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]


def test_a_manifest_can_be_looked_at_whatever_its_files_are(tmp_path: Path) -> None:
    path = save(tmp_path)
    (path / "model").unlink()
    assert facts(path)["step"] == 1
    (path / "manifest.json").write_text("{")
    assert facts(path) is None
    assert facts(tmp_path / "absent") is None
