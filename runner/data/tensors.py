"""Padding: a batch of features as tensors."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from runner.data.features import IGNORED, Feature


def collate(features: Sequence[Feature], pad: int) -> dict[str, torch.Tensor]:
    """`input_ids` and `attention_mask`, (batch, tokens); `labels`, (batch,) or (batch, tokens), where there are any."""
    width = max(len(feature) for feature in features)
    ids = torch.full((len(features), width), pad, dtype=torch.long)
    mask = torch.zeros((len(features), width), dtype=torch.long)
    for row, feature in enumerate(features):
        ids[row, : len(feature)] = torch.tensor(feature.ids)
        mask[row, : len(feature)] = 1
    batch = {"input_ids": ids, "attention_mask": mask}
    if features[0].heads:
        labels = torch.full((len(features), width), IGNORED, dtype=torch.long)
        for row, feature in enumerate(features):
            labels[row, : len(feature)] = torch.tensor(feature.labels)
        batch["labels"] = labels
    elif features[0].labels:
        batch["labels"] = torch.tensor([feature.labels[0] for feature in features])
    return batch
