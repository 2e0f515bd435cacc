"""The pretrained encoders of the catalogue."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType

from runner.tasks.languages import POCKET_LANGUAGES
from runner.tasks.revisions import REVISIONS

# The location of an encoder that nobody has trained yet: `runner.modeling.blank` makes it.
BLANK = "pocket"


@dataclass(frozen=True)
class Architecture:
    """XLM-R's shape in small: the arguments of its configuration that differ from XLM-R's."""

    hidden_size: int = 64
    num_hidden_layers: int = 2
    num_attention_heads: int = 4
    intermediate_size: int = 256
    max_position_embeddings: int = 130
    hidden_dropout_prob: float = 0.0
    attention_probs_dropout_prob: float = 0.0
    # 0.02, which is usual, stalls at this width (docs/pocket.md).
    initializer_range: float = 0.1


@dataclass(frozen=True)
class Pretraining:
    """MLM alone on a text of the catalogue, in all its languages: what makes an encoder of a blank one."""

    text: str
    learning_rate: float
    epochs: int
    batch_size: int
    max_length: int
    mask_rate: float
    seed: int = 0


POCKET_ARCHITECTURE = Architecture()
# Raised when what runner.pocket says changes: data of another version is another language family.
POCKET_VERSION = 1


def _pocket_revision() -> str:
    """What the blank encoder is made of, in one hash: the languages and the shape."""
    made_of = {
        "version": POCKET_VERSION,
        "languages": [asdict(language) for language in POCKET_LANGUAGES.values()],
        "architecture": asdict(POCKET_ARCHITECTURE),
    }
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class EncoderSpec:
    """A pretrained encoder: where it lies on the hub, at which commit, and what to cite.

    `slug`, `location`, `revision` and `layers` are what `runner.spec.EncoderRef` is made of. One whose location is
    BLANK is made here, with random weights; `pretraining` is the stage that every run of it begins with.
    """

    slug: str
    title: str
    location: str
    revision: str
    layers: int
    licence: str
    citation: str
    pretraining: Pretraining | None = None


_CONNEAU = "Conneau et al. 2020, Unsupervised Cross-lingual Representation Learning at Scale, ACL"

_ENCODERS = (
    EncoderSpec(
        slug="xlm-roberta-base",
        title="XLM-R base",
        location="FacebookAI/xlm-roberta-base",
        revision=REVISIONS["FacebookAI/xlm-roberta-base"],
        layers=12,
        licence="MIT",
        citation=_CONNEAU,
    ),
    EncoderSpec(
        slug="xlm-roberta-large",
        title="XLM-R large",
        location="FacebookAI/xlm-roberta-large",
        revision=REVISIONS["FacebookAI/xlm-roberta-large"],
        layers=24,
        licence="MIT",
        citation=_CONNEAU,
    ),
    EncoderSpec(
        slug="pocket",
        title="Pocket",
        location=BLANK,
        revision=_pocket_revision(),
        layers=POCKET_ARCHITECTURE.num_hidden_layers,
        licence="Apache-2.0, as this program, which makes it",
        citation="This project, docs/pocket.md",
        pretraining=Pretraining(
            text="pocket_text", learning_rate=3e-3, epochs=5, batch_size=64, max_length=64, mask_rate=0.3
        ),
    ),
)

ENCODERS: Mapping[str, EncoderSpec] = MappingProxyType({encoder.slug: encoder for encoder in _ENCODERS})
