"""The mixture: which task and which of its batches each step takes, as a pure function of the seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from runner.data.batches import epoch_batches
from runner.spec import Sampling


@dataclass(frozen=True)
class Draw:
    """One optimiser step: a task and the positions of its features."""

    task: str
    indices: tuple[int, ...]


class Mixture:
    """All steps of a phase.

    Each step belongs to one task, drawn as `sampling` says; within a task, epochs follow one another, each in a
    new order. The tasks have as many steps together as `epochs` epochs over min(examples, cap) of each. `beside`
    names a member that is no task (masked words): a step is its own with probability `share`, and its steps come
    on top of the tasks'; where it is alone, it has epochs of its own.

    Equal arguments give equal draws, so step n is the same whether a run was interrupted or not.
    """

    def __init__(
        self,
        lengths: Mapping[str, Sequence[int]],
        *,
        batch_size: int,
        epochs: int,
        seed: int,
        sampling: Sampling | None = None,
        beside: str = "",
        share: float = 0.0,
    ) -> None:
        empty = [name for name, of_member in lengths.items() if not of_member]
        if empty:
            raise ValueError(f"No examples for {', '.join(empty)}.")
        self._lengths = dict(lengths)
        self._names = list(lengths)
        self._batch_size = batch_size
        self._seed = seed
        sampling = sampling or Sampling()
        tasks = np.array([name != beside for name in self._names])
        counted = tasks if tasks.any() else ~tasks
        sizes = np.array([min(len(of_member), sampling.cap or len(of_member)) for of_member in lengths.values()])
        steps = int((-(-sizes // batch_size))[counted].sum()) * epochs
        if tasks.any() and beside:
            steps = round(steps / (1 - share))
        self.shares = _shares(sizes, tasks, sampling.exponent, share)
        if len(self._names) == 1:
            self._order = np.zeros(steps, dtype=int)
        else:
            self._order = np.random.default_rng([seed, 1]).choice(len(self._names), size=steps, p=self.shares)
        # How many earlier steps took the same member: it says which of its batches is due.
        self._nth = np.zeros(steps, dtype=int)
        for index in range(len(self._names)):
            mine = self._order == index
            self._nth[mine] = np.arange(mine.sum())
        self._epochs: dict[int, tuple[int, list[list[int]]]] = {}

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, step: int) -> Draw:
        index = int(self._order[step])
        name = self._names[index]
        per_epoch = -(-len(self._lengths[name]) // self._batch_size)
        epoch, position = divmod(int(self._nth[step]), per_epoch)
        cached = self._epochs.get(index)
        if cached is None or cached[0] != epoch:
            cached = (epoch, epoch_batches(self._lengths[name], self._batch_size, (self._seed, 2, index, epoch)))
            self._epochs[index] = cached
        return Draw(name, tuple(cached[1][position]))


def _shares(sizes: np.ndarray, tasks: np.ndarray, exponent: float, share: float) -> np.ndarray:
    """The probability of each member: the tasks' weights, scaled to what the member beside them leaves."""
    weights = np.where(tasks, sizes.astype(float) ** exponent, 0.0)
    if not tasks.any():
        return np.ones(len(sizes))
    shares = weights / weights.sum() * (1 - share if not tasks.all() else 1)
    shares[~tasks] = share
    return shares
