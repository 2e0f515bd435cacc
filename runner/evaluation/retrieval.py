"""Sentence retrieval by cosine: each source sentence looks for its translation among all targets."""

from __future__ import annotations

import torch
from torch.nn.functional import normalize

from runner.evaluation.outcomes import Outcome

BLOCK = 1024


def nearest(source: torch.Tensor, target: torch.Tensor) -> tuple[list[int], list[float]]:
    """For each row of `source` (n, width) the row of `target` (m, width) with the highest cosine, and that cosine.

    Ties go to the lowest index. Float32 throughout: half precision fails on anisotropic encoders.
    """
    target = normalize(target.float(), dim=-1)
    indices: list[int] = []
    cosines: list[float] = []
    for start in range(0, len(source), BLOCK):
        similarity = normalize(source[start : start + BLOCK].float(), dim=-1) @ target.T
        best = similarity.max(1)
        indices.extend(best.indices.tolist())
        cosines.extend(best.values.tolist())
    return indices, cosines


def score(source: torch.Tensor, target: torch.Tensor) -> Outcome:
    """Tatoeba's accuracy in percent: row i of `source` should find row i of `target` (XTREME section 3.1)."""
    if len(source) != len(target) or not len(source):
        raise ValueError(f"{len(source)} source sentences for {len(target)} translations.")
    indices, cosines = nearest(source, target)
    items = [
        {"predicted": index, "correct": index == position, "cosine": cosine}
        for position, (index, cosine) in enumerate(zip(indices, cosines, strict=True))
    ]
    accuracy = 100 * sum(item["correct"] for item in items) / len(items)
    return Outcome({"accuracy": accuracy}, len(items), items, [str(index) for index in indices])
