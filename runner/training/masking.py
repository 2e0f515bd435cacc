"""Masked words: which tokens of a sequence are hidden and what stands in their place.

A text with its translation is one sequence in which both hide words, so that what is hidden in one language can be
read in the other: translation language modelling (Lample and Conneau 2019, section 3.3).
"""

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

    `first_position` is the encoder's count for the first token; a translation is counted from there anew.
    """

    rate: float
    mask_token: int
    vocabulary: int
    seed: int
    first_position: int = 0

    def count(self, feature: Feature) -> int:
        """How many tokens of the sequence are predicted."""
        words = len(feature.ids) - (4 if len(feature.heads) else 2)
        return min(max(1, round(self.rate * words)), words)

    def hide(self, feature: Feature, step: int, index: int) -> tuple[np.ndarray, np.ndarray]:
        """The token ids with some hidden, and the positions of those; a function of (seed, step, index) alone."""
        generator = np.random.default_rng([self.seed, 4, step, index])
        ids = np.array(feature.ids)
        words = np.arange(1, len(ids) - 1)
        if len(feature.heads):
            # The two tokens between the texts are special as well.
            words = words[(words < feature.heads[0] - 2) | (words >= feature.heads[0])]
        positions = words[np.sort(generator.choice(len(words), size=self.count(feature), replace=False))]
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
        if any(len(feature.heads) for feature in features):
            batch["position_ids"] = self._places(features, width)
        return batch

    def _places(self, features: Sequence[Feature], width: int) -> torch.Tensor:
        """Where each token stands: its own text's first token, before the words, is `first_position`."""
        places = np.tile(np.arange(width), (len(features), 1))
        for row, feature in enumerate(features):
            if len(feature.heads):
                start = feature.heads[0] - 1
                places[row, start:] -= start
        return torch.from_numpy(places + self.first_position)
