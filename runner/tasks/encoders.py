"""The pretrained encoders of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from runner.tasks.revisions import REVISIONS


@dataclass(frozen=True)
class EncoderSpec:
    """A pretrained encoder: where it lies on the hub, at which commit, and what to cite.

    `slug`, `location`, `revision` and `layers` are what `runner.spec.EncoderRef` is made of.
    """

    slug: str
    title: str
    location: str
    revision: str
    layers: int
    licence: str
    citation: str


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
)

ENCODERS: Mapping[str, EncoderSpec] = MappingProxyType({encoder.slug: encoder for encoder in _ENCODERS})
