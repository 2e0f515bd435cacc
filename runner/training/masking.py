"""Masked words: which tokens of a sequence are hidden and what stands in their place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from runner.data.feature_table import Feature
from runner.data.tensors import collate


@dataclass(frozen=True)
class Masking:
    """How a text is masked: BERT's way (Devlin et al. 2019, section 3.1), drawn anew at each step.

    Of the tokens that are not special, `rate` are predicted, at least one. Of these, 80 % become the mask
    token, 10 % a random token, 10 % stay as they are.
    """

    rate: float
    mask_token: int
    vocabulary: int
    seed: int

    def count(self, length: int) -> int:
        """How many tokens are predicted of a sequence of `length` tokens, its two special ones included."""
        return min(max(1, round(self.rate * (length - 2))), length - 2)

    def hide(self, feature: Feature, step: int, index: int) -> tuple[np.ndarray, np.ndarray]:
        """The token ids with some hidden, and the positions of those; a function of (seed, step, index) alone."""
        generator = np.random.default_rng([self.seed, 4, step, index])
        ids = np.array(feature.ids)
        positions = np.sort(generator.choice(len(ids) - 2, size=self.count(len(ids)), replace=False)) + 1
        fate = generator.random(len(positions))
        ids[positions[fate < 0.8]] = self.mask_token
        at_random = positions[fate >= 0.9]
        ids[at_random] = generator.integers(self.vocabulary, size=len(at_random))
        return ids, positions

    def collate(
        self, features: Sequence[Feature], indices: Sequence[int], step: int, pad: int
    ) -> dict[str, torch.Tensor]:
        """A padded batch; `positions` index its flattened tokens, `labels` are what stood there."""
        hidden = [self.hide(feature, step, index) for feature, index in zip(features, indices, strict=True)]
        batch = collate([replace(feature, ids=ids) for feature, (ids, _) in zip(features, hidden, strict=True)], pad)
        width = batch["input_ids"].shape[1]
        places = [row * width + positions for row, (_, positions) in enumerate(hidden)]
        labels = [np.asarray(feature.ids)[at] for feature, (_, at) in zip(features, hidden, strict=True)]
        batch["positions"] = torch.from_numpy(np.concatenate(places))
        batch["labels"] = torch.from_numpy(np.concatenate(labels).astype(np.int64))
        return batch
