"""The mixture: which task and which of its batches each step takes, as a pure function of the seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from runner.data.batches import epoch_batches


@dataclass(frozen=True)
class Draw:
    """One optimiser step: a task and the positions of its features."""

    task: str
    indices: tuple[int, ...]


class Mixture:
    """All steps of a phase.

    Each step belongs to one task, drawn in proportion to min(examples, `cap`), as jiant's proportional
    sampler with `train_examples_cap` does (configurator.py). Within a task, epochs follow one another, each
    in a new order. Equal arguments give equal draws, so step n is the same whether a run was interrupted or not.
    """

    def __init__(
        self,
        lengths: Mapping[str, Sequence[int]],
        *,
        batch_size: int,
        epochs: int,
        cap: int | None,
        seed: int,
    ) -> None:
        empty = [task for task, of_task in lengths.items() if not of_task]
        if empty:
            raise ValueError(f"No examples for {', '.join(empty)}.")
        self._lengths = dict(lengths)
        self._names = list(lengths)
        self._batch_size = batch_size
        self._seed = seed
        sizes = np.array([min(len(lengths[name]), cap or len(lengths[name])) for name in self._names])
        self.shares = sizes / sizes.sum()
        steps = int(sum(-(-size // batch_size) for size in sizes)) * epochs
        if len(self._names) == 1:
            self._order = np.zeros(steps, dtype=int)
        else:
            self._order = np.random.default_rng([seed, 1]).choice(len(self._names), size=steps, p=self.shares)
        # How many earlier steps took the same task: it says which of the task's batches is due.
        self._nth = np.zeros(steps, dtype=int)
        for index in range(len(self._names)):
            steps_of_task = self._order == index
            self._nth[steps_of_task] = np.arange(steps_of_task.sum())
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
