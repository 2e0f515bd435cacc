"""Heads, one per kind, and the model that puts them on one shared encoder.

Every head gives logits whose last dimension is what is chosen from; the labels have the other dimensions, so one
cross-entropy serves all kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel

from runner.modeling.layers import last_hidden_state
from runner.tasks.kinds import Kind


class SentenceHead(nn.Module):
    """XLM-R's classification head on the first token: dropout, dense, tanh, dropout, projection.

    Takes hidden states (rows, tokens, width), gives logits (rows, labels).
    """

    def __init__(self, config: PretrainedConfig, labels: int) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.projection = nn.Linear(config.hidden_size, labels)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor | None) -> torch.Tensor:
        first = self.dropout(hidden[:, 0])
        return self.projection(self.dropout(torch.tanh(self.dense(first))))


class ChoiceHead(SentenceHead):
    """The same head with one score per row; `choices` rows make an example: logits (examples, choices)."""

    def __init__(self, config: PretrainedConfig, choices: int) -> None:
        super().__init__(config, 1)
        self.choices = choices

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor | None) -> torch.Tensor:
        return super().forward(hidden, mask, positions).view(-1, self.choices)


class TokenHead(nn.Module):
    """Dropout and a projection on every token: hidden states (rows, tokens, width) to (rows, tokens, labels)."""

    def __init__(self, config: PretrainedConfig, labels: int) -> None:
        super().__init__()
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.projection = nn.Linear(config.hidden_size, labels)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor | None) -> torch.Tensor:
        return self.projection(self.dropout(hidden))


class SpanHead(nn.Module):
    """First and last token of an answer: logits (rows, 2, tokens), padding never chosen (BERT, section 4.2)."""

    def __init__(self, config: PretrainedConfig, labels: int) -> None:
        super().__init__()
        self.projection = nn.Linear(config.hidden_size, 2)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor | None) -> torch.Tensor:
        logits = self.projection(hidden).transpose(1, 2)
        return logits.masked_fill(mask[:, None] == 0, torch.finfo(logits.dtype).min)


class MaskedHead(nn.Module):
    """An encoder's own MLM head on the masked positions alone: logits (positions, vocabulary).

    Scoring every position would cost twice the time of the whole step for nothing.
    """

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor | None) -> torch.Tensor:
        return self.head(hidden.flatten(0, 1)[positions])


# Retrieval has no head; that of masked words comes with the encoder (assembly.masked_words).
HEADS: Mapping[Kind, Callable[[PretrainedConfig, int], nn.Module]] = {
    Kind.SENTENCE_PAIR: SentenceHead,
    Kind.MULTIPLE_CHOICE: ChoiceHead,
    Kind.TAGGING: TokenHead,
    Kind.SPAN: SpanHead,
}


class TaskModel(nn.Module):
    """One encoder and a head per task, keyed by the task's slug."""

    def __init__(self, encoder: PreTrainedModel, heads: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.encoder = encoder
        self.heads = nn.ModuleDict(heads)

    def forward(
        self,
        task: str,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        positions: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Logits of the head of `task`; `positions` index the flattened tokens, for masked words only.

        `position_ids` say where each token stands, in the encoder's own count, where that is not one after the other.
        """
        head = self.heads[task]
        first = isinstance(head, SentenceHead)
        hidden = last_hidden_state(self.encoder, input_ids, attention_mask, position_ids, first=first)
        return head(hidden, attention_mask, positions)


def build_head(kind: Kind, config: PretrainedConfig, labels: int) -> nn.Module:
    """A head with the encoder's own initialisation (normal, `initializer_range`); biases start at zero."""
    head = HEADS[kind](config, labels)
    for module in head.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=config.initializer_range)
            nn.init.zeros_(module.bias)
    return head
