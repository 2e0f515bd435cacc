"""Forward passes: logits and sentence vectors for lists of features."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from transformers import PreTrainedModel

from runner.data.batches import within_budget
from runner.data.features import Feature
from runner.data.tensors import collate
from runner.modeling.heads import TaskModel

TOKEN_BUDGET = 4096

Tick = Callable[[int], None]


def _nothing(done: int) -> None:
    """The default of `tick`: nobody counts."""


def _batches(features: Sequence[Feature], pad: int, device: torch.device):
    for members in within_budget([len(feature) for feature in features], range(len(features)), TOKEN_BUDGET):
        batch = collate([features[index] for index in members], pad)
        yield members, batch["input_ids"].to(device), batch["attention_mask"].to(device)


def autocast(precision: str, device: torch.device) -> torch.autocast:
    """bf16 where asked for, else float32 as it is."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


@torch.inference_mode()
def choices(
    model: TaskModel, task: str, features: Sequence[Feature], pad: int, precision: str, tick: Tick = _nothing
) -> list[list[int]]:
    """The most probable label of each feature (sentence head), or of each of its words (token head)."""
    device = next(model.parameters()).device
    found: list[list[int]] = [[] for _ in features]
    done = 0
    for members, ids, mask in _batches(features, pad, device):
        with autocast(precision, device):
            best = model(task, ids, mask).argmax(-1).cpu()
        for row, index in enumerate(members):
            heads = features[index].heads
            found[index] = best[row][list(heads)].tolist() if heads else [int(best[row])]
        done += len(members)
        tick(done)
    return found


@torch.inference_mode()
def vectors(
    encoder: PreTrainedModel, features: Sequence[Feature], pad: int, pooling: str, precision: str, tick: Tick = _nothing
) -> torch.Tensor:
    """Sentence vectors (features, width) in float32: the mean over all tokens, or the first token's (`cls`).

    Special tokens count in the mean, as in XTREME's reference (third_party/utils_retrieve.py).
    """
    device = next(encoder.parameters()).device
    out = torch.empty(len(features), encoder.config.hidden_size)
    done = 0
    for members, ids, mask in _batches(features, pad, device):
        with autocast(precision, device):
            hidden = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        hidden = hidden.float()
        if pooling == "cls":
            pooled = hidden[:, 0]
        else:
            weights = mask[..., None].float()
            pooled = (hidden * weights).sum(1) / weights.sum(1)
        out[members] = pooled.cpu()
        done += len(members)
        tick(done)
    return out
