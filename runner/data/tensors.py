"""Padding: a batch of features as tensors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from runner.data.feature_table import IGNORED, Feature


def collate(features: Sequence[Feature], pad: int) -> dict[str, torch.Tensor]:
    """`input_ids` and `attention_mask`, (rows, tokens), with a row for each feature, or for each of its choices.

    `labels`, where there are any: (features, tokens) where a feature has one for each token, else (features,), or
    (features, labels) where it has several.
    """
    rows = [row for feature in features for row in _rows(feature)]
    width = max(len(row) for row in rows)
    ids = np.full((len(rows), width), pad, dtype=np.int64)
    mask = np.zeros((len(rows), width), dtype=np.int64)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = row
        mask[number, : len(row)] = 1
    batch = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
    first = features[0]
    if len(first.labels) == len(first.ids):
        labels = np.full((len(features), width), IGNORED, dtype=np.int64)
        for number, feature in enumerate(features):
            labels[number, : len(feature.labels)] = feature.labels
        batch["labels"] = torch.from_numpy(labels)
    elif len(first.labels):
        labels = np.array([feature.labels for feature in features], dtype=np.int64)
        batch["labels"] = torch.from_numpy(labels[:, 0] if labels.shape[1] == 1 else labels)
    return batch


def _rows(feature: Feature) -> list[Sequence[int]]:
    if not len(feature.rows):
        return [feature.ids]
    ends = np.cumsum(feature.rows)
    return np.split(np.asarray(feature.ids), ends[:-1])
