"""Forward passes: labels, answers and sentence vectors for tables of features."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedModel

from runner.data.batches import within_budget
from runner.data.feature_table import Feature, FeatureTable
from runner.data.tensors import collate
from runner.modeling.heads import TaskModel

TOKEN_BUDGET = 4096
# XTREME's run_squad.py: --n_best_size and --max_answer_length.
BEST_ENDS = 20
ANSWER_TOKENS = 30

Tick = Callable[[int], None]


def _nothing(done: int) -> None:
    """The default of `tick`: nobody counts."""


@dataclass(frozen=True)
class Span:
    """The best answer in one window: its score, its characters in the passage, and the score of no answer at all.

    Scores are sums of the logits of the first and the last token; no answer is the window's first token.
    """

    score: float
    first: int
    last: int
    none: float


@dataclass(frozen=True)
class _Batch:
    members: list[int]
    features: list[Feature]
    ids: torch.Tensor
    mask: torch.Tensor
    done: int


def _batches(table: FeatureTable, pad: int, device: torch.device) -> Iterator[_Batch]:
    done = 0
    for members in within_budget(table.lengths, range(len(table)), TOKEN_BUDGET):
        features = [table[index] for index in members]
        batch = collate(features, pad)
        done += len(members)
        yield _Batch(members, features, batch["input_ids"].to(device), batch["attention_mask"].to(device), done)


def autocast(precision: str, device: torch.device) -> torch.autocast:
    """bf16 where asked for, else float32 as it is."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


@torch.inference_mode()
def labels(
    model: TaskModel, task: str, table: FeatureTable, pad: int, precision: str, tick: Tick = _nothing
) -> list[list[int]]:
    """The most probable label of each feature (sentence pair, multiple choice), or of each of its words (tagging)."""
    device = next(model.parameters()).device
    found: list[list[int]] = [[] for _ in range(len(table))]
    for batch in _batches(table, pad, device):
        with autocast(precision, device):
            best = model(task, batch.ids, batch.mask).argmax(-1).cpu()
        for row, (index, feature) in enumerate(zip(batch.members, batch.features, strict=True)):
            found[index] = best[row][feature.heads].tolist() if len(feature.heads) else [int(best[row])]
        tick(batch.done)
    return found


@torch.inference_mode()
def spans(
    model: TaskModel, task: str, table: FeatureTable, pad: int, precision: str, tick: Tick = _nothing
) -> list[Span]:
    """The best span of each window: at most ANSWER_TOKENS tokens, the first where the window sees most around it."""
    device = next(model.parameters()).device
    widest = _widest_windows(table)
    found: list[Span] = [Span(0.0, 0, 0, 0.0)] * len(table)
    for batch in _batches(table, pad, device):
        with autocast(precision, device):
            logits = model(task, batch.ids, batch.mask).float()
        allowed = torch.zeros_like(logits, dtype=torch.bool)
        for row, (index, feature) in enumerate(zip(batch.members, batch.features, strict=True)):
            allowed[row, 0, feature.heads[widest[index]]] = True
            allowed[row, 1, feature.heads] = True
        scores, firsts, lasts = _best_spans(logits.masked_fill(~allowed, -torch.inf))
        none = logits[:, :, 0].sum(1).tolist()
        for row, (index, feature) in enumerate(zip(batch.members, batch.features, strict=True)):
            token = {int(at): number for number, at in enumerate(feature.heads)}
            characters = feature.offsets.reshape(-1, 2)
            # A window whose tokens others all see better has no span of its own, nor has a blank passage.
            places = (
                (int(characters[token[firsts[row]], 0]), int(characters[token[lasts[row]], 1]))
                if scores[row] > -math.inf
                else (0, 0)
            )
            found[index] = Span(scores[row], *places, none[row])
        tick(batch.done)
    return found


def _best_spans(logits: torch.Tensor) -> tuple[list[float], list[int], list[int]]:
    """(windows, 2, tokens) to the best pair of first and last token of each window; -inf where there is none."""
    best = logits.topk(min(BEST_ENDS, logits.shape[-1]), dim=-1)
    first, last = best.indices[:, 0, :, None], best.indices[:, 1, None, :]
    scores = best.values[:, 0, :, None] + best.values[:, 1, None, :]
    scores = scores.masked_fill((last < first) | (last >= first + ANSWER_TOKENS), -torch.inf)
    top = scores.flatten(1).max(1)
    columns = last.shape[-1]
    rows = torch.arange(len(logits), device=logits.device)
    return (
        top.values.tolist(),
        first[rows, top.indices // columns, 0].tolist(),
        last[rows, 0, top.indices % columns].tolist(),
    )


def _widest_windows(table: FeatureTable) -> list[np.ndarray]:
    """For each window, which of its tokens of the passage no other window sees with more on both sides.

    The smaller of the numbers of tokens before and after counts, plus a hundredth of the window's length
    (BERT's run_squad.py, `_check_is_max_context`); of equals, the earlier window.
    """
    best: dict[tuple[int, int], tuple[float, int]] = {}
    for index in range(len(table)):
        feature = table[index]
        count = len(feature.words)
        for number, word in enumerate(feature.words):
            width = min(number, count - 1 - number) + 0.01 * count
            key = (feature.example, int(word))
            if key not in best or width > best[key][0]:
                best[key] = (width, index)
    return [
        np.array([best[table[index].example, int(word)][1] == index for word in table[index].words], dtype=bool)
        for index in range(len(table))
    ]


@torch.inference_mode()
def vectors(
    encoder: PreTrainedModel, table: FeatureTable, pad: int, pooling: str, precision: str, tick: Tick = _nothing
) -> torch.Tensor:
    """Sentence vectors (features, width) in float32: the mean over all tokens, or the first token's (`cls`).

    Special tokens count in the mean, as in XTREME's reference (third_party/utils_retrieve.py).
    """
    device = next(encoder.parameters()).device
    out = torch.empty(len(table), encoder.config.hidden_size)
    for batch in _batches(table, pad, device):
        with autocast(precision, device):
            hidden = encoder(input_ids=batch.ids, attention_mask=batch.mask).last_hidden_state
        out[batch.members] = _pooled(hidden, batch.mask, pooling).cpu()
        tick(batch.done)
    return out


@torch.inference_mode()
def layer_vectors(
    encoder: PreTrainedModel, table: FeatureTable, pad: int, pooling: str, precision: str, tick: Tick = _nothing
) -> torch.Tensor:
    """Sentence vectors of every layer, (layers + 1, features, width) in float32, from one pass; 0 is the embeddings."""
    device = next(encoder.parameters()).device
    out = torch.empty(encoder.config.num_hidden_layers + 1, len(table), encoder.config.hidden_size)
    for batch in _batches(table, pad, device):
        with autocast(precision, device):
            states = encoder(input_ids=batch.ids, attention_mask=batch.mask, output_hidden_states=True).hidden_states
        for layer, hidden in enumerate(states):
            out[layer, batch.members] = _pooled(hidden, batch.mask, pooling).cpu()
        tick(batch.done)
    return out


def _pooled(hidden: torch.Tensor, mask: torch.Tensor, pooling: str) -> torch.Tensor:
    """(sentences, tokens, width) to (sentences, width) in float32."""
    hidden = hidden.float()
    if pooling == "cls":
        return hidden[:, 0]
    weights = mask[..., None].float()
    return (hidden * weights).sum(1) / weights.sum(1)
