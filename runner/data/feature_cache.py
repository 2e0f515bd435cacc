"""Tokenised features on disk, named by all that they depend on: the same text is not tokenised twice.

Any number of engines share a folder: a file appears whole and is never changed, and one that is removed while somebody
reads it stays with its reader.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from runner.data.feature_table import FeatureTable
from runner.data.features import FEATURES
from runner.data.readers import Dataset
from runner.spec import ENGINE_VERSION, EncoderRef, fingerprint

MEBIBYTE = 2**20
# What is still being written is younger; what is older was left behind by an engine that was killed.
LEFT_BEHIND_SECONDS = 24 * 3600


@dataclass(frozen=True)
class FeatureCache:
    """A folder of feature tables (empty: nothing is kept), and the MiB that it may hold (0: any number).

    Beyond the limit those go that were not read or written for the longest time.
    """

    folder: str = ""
    limit: int = 0

    def read(self, name: str) -> FeatureTable | None:
        path = Path(self.folder) / name
        table = FeatureTable.read(path)
        if table is not None:
            # When it was last of use. Another engine may have removed it meanwhile.
            with contextlib.suppress(OSError):
                os.utime(path)
        return table

    def save(self, name: str, table: FeatureTable) -> None:
        path = Path(self.folder) / name
        table.save(path)
        self._make_room(path)

    def _make_room(self, newest: Path) -> None:
        """The newest stays, whatever its size: its engine uses it now, and others may be about to."""
        found = [(path, stat) for path in newest.parent.iterdir() if (stat := _stat(path))]
        for path, stat in found:
            if path.name.startswith(".") and stat.st_mtime < time.time() - LEFT_BEHIND_SECONDS:
                path.unlink(missing_ok=True)
        whole = [(path, stat) for path, stat in found if not path.name.startswith(".")]
        total = 0
        for path, stat in sorted(whole, key=lambda one: (one[0] != newest, -one[1].st_mtime)):
            total += stat.st_size
            if path != newest and self.limit and total > self.limit * MEBIBYTE:
                path.unlink(missing_ok=True)


def _stat(path: Path) -> os.stat_result | None:
    """None where another engine has removed it."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


NOT_KEPT = FeatureCache()


def features_of(
    datasets: Sequence[Dataset],
    tokenizer: PreTrainedTokenizerBase,
    encoder: EncoderRef,
    max_length: int,
    cache: FeatureCache = NOT_KEPT,
) -> FeatureTable:
    """The features of several data sets of one task, one after the other; from `cache` where they are there.

    A `Feature.example` counts through all data sets. A part of a data set is tokenised anew: that is quick, and
    would fill the disk with every limit that somebody tries.
    """
    task = datasets[0].task
    examples = [example for dataset in datasets for example in dataset.examples]
    whole = all(len(dataset.examples) == dataset.kept for dataset in datasets)
    name = f"{_key(datasets, encoder, max_length)}.safetensors" if cache.folder and whole else ""
    cached = cache.read(name) if name else None
    if cached is not None:
        return cached
    table = FeatureTable.of(FEATURES[task.kind](examples, tokenizer, max_length))
    if name:
        cache.save(name, table)
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
