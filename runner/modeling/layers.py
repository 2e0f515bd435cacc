"""The layers of BERT and XLM-R on a processor: the same function of the weights as the library's, with less work.

- **First token.** A head for sentences reads the first token alone, so of the last layer only its keys and values are
  computed for the others: most of one layer is saved, forwards and backwards.
- **Dropout** takes 16 random bits an element from a fast generator, where the library draws a float for each in one
  thread; its rate is the asked one to 1 in 131,072, its scale that of the rate in use.
- **Attention** scales within the product, and masks only where a batch has padding.

Other encoders, and any on a GPU, whose own kernels are better there, are called as they are.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
from transformers import BertModel, PreTrainedModel, XLMRobertaModel

FAMILY = (BertModel, XLMRobertaModel)


def last_hidden_state(
    encoder: PreTrainedModel,
    input_ids: torch.Tensor,
    attention_mask: torch.Tensor,
    position_ids: torch.Tensor | None = None,
    *,
    first: bool = False,
) -> torch.Tensor:
    """Hidden states (rows, tokens, width) of the last layer; with `first`, those of the first token may be all.

    `position_ids` say where each token stands, in the encoder's own count, where that is not one after the other.
    What stands at padding is not defined.
    """
    places = {} if position_ids is None else {"position_ids": position_ids}
    if not _known(encoder, input_ids):
        return encoder(input_ids=input_ids, attention_mask=attention_mask, **places).last_hidden_state
    hidden = encoder.embeddings(input_ids=input_ids, **places)
    mask = _bias(attention_mask, hidden.dtype, encoder.config.num_attention_heads)
    layers = encoder.encoder.layer
    for number, layer in enumerate(layers, 1):
        of_all = not first or number < len(layers)
        if encoder.training and encoder.is_activation_checkpointing:
            hidden = checkpoint(_layer, layer, hidden, mask, of_all, use_reentrant=False)
        else:
            hidden = _layer(layer, hidden, mask, of_all)
    return hidden


def _known(encoder: PreTrainedModel, input_ids: torch.Tensor) -> bool:
    """Whether its layers are those that are written here, and it is not compiled as it is."""
    plain = type(encoder) in FAMILY and not encoder.config.is_decoder and not encoder.config.chunk_size_feed_forward
    return plain and input_ids.device.type == "cpu" and encoder._compiled_call_impl is None


def _bias(attention_mask: torch.Tensor, dtype: torch.dtype, heads: int) -> torch.Tensor | None:
    """What is added to the scores of each row and head, (rows * heads, 1, tokens); None where nothing is masked."""
    if bool(attention_mask.all()):
        return None
    hidden = torch.zeros(attention_mask.shape, dtype=dtype).masked_fill_(attention_mask == 0, torch.finfo(dtype).min)
    return hidden.repeat_interleave(heads, dim=0)[:, None]


def _layer(layer: nn.Module, hidden: torch.Tensor, mask: torch.Tensor | None, of_all: bool) -> torch.Tensor:  # noqa: FBT001
    """One layer (Vaswani et al. 2017, section 3.1), for all tokens or for the first of each row."""
    drawn = Drawn() if layer.training else None
    attended = _attention(layer.attention.self, hidden, mask, drawn, of_all)
    seen = hidden if of_all else hidden[:, :1]
    seen = _added(layer.attention.output, attended, seen, drawn)
    return _added(layer.output, layer.intermediate(seen), seen, drawn)


def _attention(
    module: nn.Module,
    hidden: torch.Tensor,
    mask: torch.Tensor | None,
    drawn: Drawn | None,
    of_all: bool,  # noqa: FBT001
) -> torch.Tensor:
    heads = module.num_attention_heads
    query = _by_head(module.query(hidden if of_all else hidden[:, :1]), heads)
    key, value = _by_head(module.key(hidden), heads), _by_head(module.value(hidden), heads)
    # Without a mask what is added counts for nothing, and is not read.
    added, beta = (query.new_empty(1, 1, 1), 0) if mask is None else (mask.to(query.dtype), 1)
    scores = torch.baddbmm(added, query, key.transpose(1, 2), beta=beta, alpha=module.scaling)
    shares = functional.softmax(scores, dim=-1)
    if drawn and module.dropout.p:
        shares = shares * drawn.noise(shares, module.dropout.p)
    found = torch.bmm(shares, value)
    return found.view(-1, heads, *found.shape[1:]).transpose(1, 2).flatten(2)


def _by_head(hidden: torch.Tensor, heads: int) -> torch.Tensor:
    """(rows, tokens, width) to (rows * heads, tokens, width / heads)."""
    return hidden.unflatten(2, (heads, -1)).transpose(1, 2).flatten(0, 1)


def _added(module: nn.Module, found: torch.Tensor, seen: torch.Tensor, drawn: Drawn | None) -> torch.Tensor:
    """The projection of `found`, some of it dropped, beside `seen`, normalised."""
    projected = module.dense(found)
    if drawn and module.dropout.p:
        projected = projected.mul_(drawn.noise(projected, module.dropout.p))
    return module.LayerNorm(projected + seen)


class Drawn:
    """Dropout's draws for one layer: a function of PyTorch's generator, from which its seed is drawn."""

    def __init__(self) -> None:
        self._bits = np.random.SFC64(int(torch.randint(2**62, ())))

    def noise(self, like: torch.Tensor, rate: float) -> torch.Tensor:
        """What `like` is multiplied with: 0 with the probability `rate`, else what keeps its mean."""
        dropped = round(rate * 2**16)
        drawn = torch.from_numpy(self._bits.random_raw(-(-like.numel() // 4)).view(np.int16)[: like.numel()])
        kept = drawn.view(like.shape) >= dropped - 2**15
        return kept.to(like.dtype).mul_(2**16 / (2**16 - dropped))
