"""Model selection: on English development data alone, either the last step or the best of several."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import load_model, save_model
from torch import nn

from runner.modeling import checkpoint


@dataclass
class Selection:
    """Early stopping: what was best so far, and for how many evaluations nothing was better.

    With `patience` None nothing is kept and nothing stops: the last step's weights are the result.
    """

    folder: Path
    fingerprint: str
    patience: int | None
    best: float | None = None
    best_step: int = 0
    since: int = 0
    over: bool = field(default=False)

    def state(self) -> dict[str, Any]:
        """What a resume point must say, so that a resumed run selects as one that was never stopped."""
        return {"best": self.best, "best_step": self.best_step, "since": self.since}

    def restore(self, state: dict[str, Any]) -> None:
        self.best, self.best_step, self.since = state["best"], state["best_step"], state["since"]

    def see(self, value: float, step: int, model: nn.Module, *, writes: bool = True) -> None:
        """Look at the development score after `step`; keeps the weights where it is the best yet."""
        if self.patience is None:
            return
        if self.best is None or value > self.best:
            self.best, self.best_step, self.since = value, step, 0
            if writes:
                checkpoint.write(
                    self._place(step),
                    {"fingerprint": self.fingerprint, "step": step, "value": value},
                    lambda folder: save_model(model, str(folder / "model.safetensors")),
                )
        else:
            self.since += 1
            self.over = self.since >= self.patience

    def take_best(self, model: nn.Module) -> None:
        """Put the best weights into `model`, where selection was asked for and ever looked."""
        if self.best is not None:
            folder = self._place(self.best_step)
            checkpoint.read(folder, self.fingerprint)
            load_model(model, str(folder / "model.safetensors"))

    def _place(self, step: int) -> Path:
        return self.folder / f"best-{step}"


def drop_kept(folder: Path, but: Collection[int] = ()) -> None:
    """Remove weights that selection kept, those of the steps in `but` excepted."""
    for path in folder.glob("best-*"):
        if int(path.name.removeprefix("best-")) not in but:
            shutil.rmtree(path)
