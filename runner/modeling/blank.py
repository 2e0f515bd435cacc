"""An encoder of XLM-R's shape with random weights, and a tokenizer whose pieces are the morphemes of the pocket suite.

Nothing is kept on disk: both are made in milliseconds, alike on every machine. A pretraining stage, which is one like
any other, makes an encoder of it (`runner.recipes.pretraining`).
"""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    AutoModelForMaskedLM,
    AutoTokenizer,
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
)

from runner.pocket.grammar import PUNCTUATION
from runner.pocket.lexicon import ALPHABETS, lexicons
from runner.tasks.encoders import POCKET_ARCHITECTURE

# In the order of XLM-R's own vocabulary; the mask token is its last.
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
MASK = "<mask>"
SEED = 0


def blank(factory: Any) -> Any:
    """What `factory`, one of transformers' Auto classes, would load: the tokenizer or a model."""
    if factory is AutoTokenizer:
        return _tokenizer()
    torch.manual_seed(SEED)
    model = XLMRobertaForMaskedLM(_configuration())
    return model if factory is AutoModelForMaskedLM else model.roberta


def _configuration() -> XLMRobertaConfig:
    return XLMRobertaConfig(
        vocab_size=len(_pieces()),
        type_vocab_size=1,
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
        **asdict(POCKET_ARCHITECTURE),
    )


@lru_cache(maxsize=1)
def _pieces() -> dict[str, int]:
    """Every stem, name and ending, and the letters and digits that anything else can be spelt with."""
    letters = sorted({*"".join(ALPHABETS.values()), *"".join(ALPHABETS.values()).upper(), *"0123456789"})
    stems = sorted({piece for lexicon in lexicons().values() for piece in lexicon.morphemes()})
    endings = sorted({ending for lexicon in lexicons().values() for ending in lexicon.endings.values()})
    inner = [f"##{piece}" for piece in (*letters, *endings)]
    names = dict.fromkeys((*SPECIAL, *PUNCTUATION, *letters, *stems, *inner, MASK))
    return {piece: number for number, piece in enumerate(names)}


def _tokenizer() -> PreTrainedTokenizerFast:
    """XLM-R's special tokens around words that are cut into the longest known pieces."""
    tokenizer = Tokenizer(models.WordPiece(_pieces(), unk_token="<unk>", continuing_subword_prefix="##"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        cls_token="<s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token=MASK,
        model_max_length=POCKET_ARCHITECTURE.max_position_embeddings - 2,
    )
