"""Tokenised features on disk, named by all that they depend on: the same text is not tokenised twice."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from runner.data.feature_table import FeatureTable
from runner.data.features import FEATURES
from runner.data.readers import Dataset
from runner.spec import ENGINE_VERSION, EncoderRef, fingerprint


def features_of(
    datasets: Sequence[Dataset],
    tokenizer: PreTrainedTokenizerBase,
    encoder: EncoderRef,
    max_length: int,
    cache_dir: str = "",
) -> FeatureTable:
    """The features of several data sets of one task, one after the other; from `cache_dir` where they are there.

    A `Feature.example` counts through all data sets. A part of a data set is tokenised anew: that is quick, and
    would fill the disk with every limit that somebody tries.
    """
    task = datasets[0].task
    examples = [example for dataset in datasets for example in dataset.examples]
    whole = all(len(dataset.examples) == dataset.kept for dataset in datasets)
    path = Path(cache_dir) / f"{_key(datasets, encoder, max_length)}.safetensors" if cache_dir and whole else None
    cached = FeatureTable.read(path) if path else None
    if cached is not None:
        return cached
    table = FeatureTable.of(FEATURES[task.kind](examples, tokenizer, max_length))
    if path:
        table.save(path)
    return table


def _key(datasets: Sequence[Dataset], encoder: EncoderRef, max_length: int) -> str:
    return fingerprint(
        {
            "task": datasets[0].task.slug,
            "labels": datasets[0].labels,
            "data": [(dataset.sha256, dataset.rows) for dataset in datasets],
            "encoder": encoder.identity(),
            "max_length": max_length,
            "engine": ENGINE_VERSION,
            "tokenizers": importlib.metadata.version("tokenizers"),
        }
    )
