"""The pretrained encoder and its tokenizer, from a folder, the hub, or a checkpoint of ours."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from accelerate import PartialState
from torch import nn
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from runner.errors import RecipeError
from runner.modeling.blank import blank
from runner.spec import EncoderRef
from runner.tasks.encoders import BLANK


def load_tokenizer(encoder: EncoderRef) -> PreTrainedTokenizerBase:
    """The encoder's own tokenizer; training never changes it."""
    tokenizer = _from_pretrained(AutoTokenizer, encoder)
    for name in ("cls_token_id", "sep_token_id", "pad_token_id", "unk_token_id"):
        if getattr(tokenizer, name) is None:
            raise RecipeError(f"The tokenizer of {encoder.slug} has no {name.removesuffix('_id')}: is it an encoder's?")
    return tokenizer


def load_encoder(encoder: EncoderRef, weights: Path | None = None) -> PreTrainedModel:
    """The encoder in float32, without pooling layer; `weights` is a checkpoint's folder to take them from."""
    if weights:
        model = AutoModel.from_pretrained(weights, add_pooling_layer=False, dtype=torch.float32)
    else:
        model = _from_pretrained(AutoModel, encoder, add_pooling_layer=False, dtype=torch.float32)
    _check_layers(model, encoder)
    return model


def load_masked_encoder(encoder: EncoderRef, weights: Path | None = None) -> tuple[PreTrainedModel, nn.Module]:
    """The encoder and its MLM head, tied to its embeddings; a new head where the weights have none.

    `weights` is a checkpoint's folder to take them from, in the stead of the pretrained ones.
    """
    if weights:
        model = AutoModelForMaskedLM.from_pretrained(weights, dtype=torch.float32)
    else:
        model = _from_pretrained(AutoModelForMaskedLM, encoder, dtype=torch.float32)
    _check_layers(model, encoder)
    # The two families of encoders that XTREME has: XLM-R's head is called lm_head, BERT's cls.
    head = getattr(model, "lm_head", None) or getattr(model, "cls", None)
    if head is None:
        raise RecipeError(
            f"{encoder.slug} has no head for masked words ({type(model).__name__}): train it without MLM."
        )
    return model.base_model, head


def _check_layers(model: PreTrainedModel, encoder: EncoderRef) -> None:
    found = model.config.num_hidden_layers
    if found != encoder.layers:
        raise RecipeError(f"{encoder.slug} is registered with {encoder.layers} layers, its weights have {found}.")


def _from_pretrained(factory, encoder: EncoderRef, **options):
    if encoder.location == BLANK:
        return blank(factory)
    folder = Path(encoder.location)
    try:
        if folder.is_dir():
            return factory.from_pretrained(folder, **options)
        return factory.from_pretrained(encoder.location, revision=encoder.revision, **options)
    except (OSError, ValueError) as error:
        # The library's message holds paths of the machine: it belongs into the log, not on a page.
        print(error, file=sys.stderr)
        where = "its folder" if folder.is_absolute() else f"the hub or its local cache as '{encoder.location}'"
        raise RecipeError(f"The encoder {encoder.slug} could not be loaded from {where}; the log says why.") from error


def on_device(model: nn.Module) -> None:
    """Move a model to the device of this process: a GPU where there is one."""
    model.to(PartialState().device)


def keep_layers(model: PreTrainedModel, layers: int) -> PreTrainedModel:
    """The model without the layers above `layers`: its last hidden state is `hidden_states[layers]` of the whole.

    Holds for encoders without a final normalisation after the last layer (BERT, XLM-R): retrieval from a
    middle layer then costs only the layers it reads.
    """
    model.encoder.layer = model.encoder.layer[:layers]
    model.config.num_hidden_layers = layers
    return model
