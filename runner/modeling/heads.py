"""Heads, one per kind, and the model that puts them on one shared encoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel

from runner.tasks.kinds import Kind


class SentenceHead(nn.Module):
    """XLM-R's classification head on the first token: dropout, dense, tanh, dropout, projection.

    Takes hidden states (batch, tokens, width), gives logits (batch, labels).
    """

    def __init__(self, config: PretrainedConfig, labels: int) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.projection = nn.Linear(config.hidden_size, labels)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        first = self.dropout(hidden[:, 0])
        return self.projection(self.dropout(torch.tanh(self.dense(first))))


class TokenHead(nn.Module):
    """Dropout and a projection on every token: hidden states (batch, tokens, width) to (batch, tokens, labels)."""

    def __init__(self, config: PretrainedConfig, labels: int) -> None:
        super().__init__()
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.projection = nn.Linear(config.hidden_size, labels)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.projection(self.dropout(hidden))


# Retrieval has no head; multiple choice, span and masked words take their place here.
HEADS: Mapping[Kind, Callable[[PretrainedConfig, int], nn.Module]] = {
    Kind.SENTENCE_PAIR: SentenceHead,
    Kind.TAGGING: TokenHead,
}


class TaskModel(nn.Module):
    """One encoder and a head per task, keyed by the task's slug."""

    def __init__(self, encoder: PreTrainedModel, heads: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.encoder = encoder
        self.heads = nn.ModuleDict(heads)

    def forward(self, task: str, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return self.heads[task](hidden)


def build_head(kind: Kind, config: PretrainedConfig, labels: int) -> nn.Module:
    """A head with the encoder's own initialisation (normal, `initializer_range`); biases start at zero."""
    head = HEADS[kind](config, labels)
    for module in head.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=config.initializer_range)
            nn.init.zeros_(module.bias)
    return head
