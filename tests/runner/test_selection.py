"""The best weights on development data are kept; training ends when nothing was better for a while."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from runner.modeling.checkpoint import CheckpointError
from runner.training.selection import Selection, drop_kept


def model(value: float) -> nn.Module:
    layer = nn.Linear(2, 2)
    nn.init.constant_(layer.weight, value)
    return layer


def see(selection: Selection, values: list[float], start: int = 1) -> None:
    """One score a step; the weights of a step are its number."""
    for step, value in enumerate(values, start):
        selection.see(value, step, model(step))


def best(selection: Selection) -> float:
    taken = model(-1.0)
    selection.take_best(taken)
    assert len(torch.unique(taken.weight)) == 1
    return taken.weight[0, 0].item()


def kept(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_it_works(tmp_path: Path) -> None:
    selection = Selection(tmp_path, "mine", patience=3)
    see(selection, [50.0, 70.0, 60.0])
    assert (selection.best, selection.best_step, selection.since, selection.over) == (70.0, 2, 1, False)
    assert best(selection) == 2


def test_it_is_over_after_so_many_without_gain(tmp_path: Path) -> None:
    selection = Selection(tmp_path, "mine", patience=2)
    see(selection, [50.0, 50.0])
    assert not selection.over
    see(selection, [49.0], start=3)
    assert selection.over
    assert best(selection) == 1


def test_a_gain_starts_the_count_again(tmp_path: Path) -> None:
    selection = Selection(tmp_path, "mine", patience=2)
    see(selection, [50.0, 40.0, 51.0, 40.0])
    assert (selection.since, selection.over, selection.best_step) == (1, False, 3)


def test_without_patience_nothing_is_kept_and_nothing_stops(tmp_path: Path) -> None:
    selection = Selection(tmp_path, "mine", patience=None)
    see(selection, [50.0, 40.0, 30.0, 20.0])
    assert not selection.over
    assert best(selection) == -1.0
    assert kept(tmp_path) == []


def test_a_score_of_nothing_is_a_score(tmp_path: Path) -> None:
    selection = Selection(tmp_path, "mine", patience=2)
    see(selection, [0.0, 0.0])
    assert (selection.best, selection.best_step, selection.since) == (0.0, 1, 1)


def test_a_resumed_selection_goes_on_as_if_never_stopped(tmp_path: Path) -> None:
    values = [50.0, 70.0, 60.0, 65.0, 69.0]
    whole = Selection(tmp_path / "whole", "mine", patience=3)
    see(whole, values)
    for cut in range(len(values)):
        folder = tmp_path / f"cut-{cut}"
        before, after = Selection(folder, "mine", patience=3), Selection(folder, "mine", patience=3)
        see(before, values[:cut])
        after.restore(before.state())
        see(after, values[cut:], start=cut + 1)
        assert after.state() == whole.state()
        assert after.over == whole.over is True
        assert best(after) == 2


def test_a_process_that_does_not_write_selects_alike(tmp_path: Path) -> None:
    selection = Selection(tmp_path, "mine", patience=2)
    selection.see(50.0, 1, model(1), writes=False)
    assert selection.best_step == 1
    assert kept(tmp_path) == []


def test_kept_weights_are_dropped_but_those_that_are_needed(tmp_path: Path) -> None:
    selection = Selection(tmp_path, "mine", patience=9)
    see(selection, [1.0, 2.0, 3.0])
    (tmp_path / "resume-3").mkdir()
    assert kept(tmp_path) == ["best-1", "best-2", "best-3", "resume-3"]
    drop_kept(tmp_path, but={3})
    assert kept(tmp_path) == ["best-3", "resume-3"]
    drop_kept(tmp_path)
    assert kept(tmp_path) == ["resume-3"]


def test_damaged_or_foreign_weights_are_refused(tmp_path: Path) -> None:
    selection = Selection(tmp_path, "mine", patience=9)
    see(selection, [1.0])
    other = Selection(tmp_path, "theirs", patience=9, best=1.0, best_step=1)
    with pytest.raises(CheckpointError, match="best-1 belongs to stage mine, not to theirs"):
        best(other)
    (tmp_path / "best-1" / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(CheckpointError, match="best-1/model.safetensors is not the file that was written"):
        best(selection)
