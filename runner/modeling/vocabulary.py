"""Training with the part of the vocabulary that the data has, exactly as if it were the whole.

Most of a multilingual encoder's weights are rows of its embedding table, and a phase on English data meets a tenth
of them. The others get no gradient: AdamW with zero gradients from the start moves nothing (its moments stay zero)
but decays every weight by the same factor. So the rows that the data has are trained in a smaller table,
and put back at the end beside the others, decayed. What is saved is the optimiser's work and memory for the rest.

Not for MLM: its softmax is over the whole vocabulary, so every row has a gradient.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from transformers import PreTrainedModel


class ReducedEmbedding(nn.Module):
    """An embedding table with the rows of `used` alone; it still takes the whole vocabulary's token ids."""

    def __init__(self, whole: nn.Embedding, used: torch.Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(whole.weight.detach()[used].clone())
        rows = torch.full((whole.num_embeddings,), -1, device=used.device)
        rows[used] = torch.arange(len(used), device=used.device)
        self.register_buffer("rows", rows, persistent=False)
        # Padding has no gradient, as in the table that this one stands for.
        self.padding = None if whole.padding_idx is None else int(rows[whole.padding_idx])

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return functional.embedding(self.rows[ids], self.weight, self.padding)


class Vocabulary:
    """The embedding table of an encoder, reduced to the tokens in `ids` until it is restored."""

    def __init__(self, encoder: PreTrainedModel, ids: Iterable[np.ndarray]) -> None:
        self._encoder = encoder
        self._whole: nn.Embedding = encoder.get_input_embeddings()
        padding = [] if self._whole.padding_idx is None else [np.array([self._whole.padding_idx])]
        self._used = torch.from_numpy(np.unique(np.concatenate([*padding, *ids])).astype(np.int64))
        encoder.set_input_embeddings(ReducedEmbedding(self._whole, self._used))

    def restore(self, decay: float) -> None:
        """Put the whole table back; `decay` is what the phase's weight decay made of a weight without gradient."""
        reduced = self._encoder.get_input_embeddings().weight.detach()
        with torch.no_grad():
            self._whole.weight.mul_(decay)
            self._whole.weight[self._used] = reduced.to(self._whole.weight.device)
        self._encoder.set_input_embeddings(self._whole.to(reduced.device))
