"""AdamW and its schedule: linear warm-up, then linear decay to zero."""

from __future__ import annotations

import math

import torch
from torch import nn

from runner.spec import Training


def learning_rate(step: int, total: int, warmup: float, peak: float) -> float:
    """The rate of optimiser step `step` (from 0) of `total`: up over the `warmup` share, then down to 0."""
    rise = max(1, round(warmup * total))
    if step < rise:
        return peak * (step + 1) / rise
    return peak * (total - step) / max(1, total - rise)


def adamw(model: nn.Module, rate: float, weight_decay: float) -> torch.optim.AdamW:
    """AdamW with eps 1e-8 (benchmark defaults); biases and normalisations are not decayed."""
    decayed, kept = [], []
    for name, parameter in model.named_parameters():
        plain = parameter.ndim < 2 or "LayerNorm" in name
        (kept if plain else decayed).append(parameter)
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": kept, "weight_decay": 0.0}]
    # One fused kernel: the embedding table dominates these encoders, and unfused passes over it cost more
    # than the backward of a small batch.
    return torch.optim.AdamW(groups, lr=rate, eps=1e-8, fused=True)


def decay_of_the_unmoved(steps: int, total: int, training: Training) -> float:
    """What AdamW's weight decay alone makes of a weight in the first `steps` of `total`."""
    rates = (learning_rate(step, total, training.warmup, training.learning_rate) for step in range(steps))
    return math.prod(1 - rate * training.weight_decay for rate in rates)
