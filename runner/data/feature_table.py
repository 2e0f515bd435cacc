"""Features in memory and on disk: examples as token ids, in flat arrays without padding."""

from __future__ import annotations

import contextlib
import os
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

IGNORED = -100


@dataclass(frozen=True)
class Feature:
    """One input of the model: token ids and what is known about them.

    ids: of all rows, one after the other. labels: one number, or one per token (IGNORED where there is none),
    or the first and last token of an answer. example: the position of the example that it was made from.
    rows: the lengths of its rows, for multiple choice; empty where there is one row. words, heads: positions
    of words in the example (tagging) or of tokens in the passage (spans), and where each begins in `ids`; of a text
    with its translation, `heads` is where the translation begins.
    offsets: spans only, first and last character (exclusive) of each token of the passage.
    """

    ids: Sequence[int]
    labels: Sequence[int]
    example: int
    rows: Sequence[int] = ()
    words: Sequence[int] = ()
    heads: Sequence[int] = ()
    offsets: Sequence[int] = ()

    def __len__(self) -> int:
        """The tokens that it takes in a batch of its own, padding of its rows included."""
        return max(self.rows) * len(self.rows) if len(self.rows) else len(self.ids)


COLUMNS = ("ids", "labels", "rows", "words", "heads", "offsets")


class FeatureTable(Sequence[Feature]):
    """Features as a handful of flat int32 arrays: a million of them cost their tokens, not a million objects."""

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self._arrays = arrays

    @classmethod
    def of(cls, features: Iterable[Feature]) -> FeatureTable:
        flat = {name: array("i") for name in COLUMNS}
        ends = {name: array("q", [0]) for name in COLUMNS}
        examples = array("i")
        for feature in features:
            examples.append(feature.example)
            for name in COLUMNS:
                flat[name].extend(getattr(feature, name))
                ends[name].append(len(flat[name]))
        arrays = {name: np.array(values, dtype=np.int32) for name, values in flat.items()}
        arrays |= {f"{name}_ends": np.array(values, dtype=np.int64) for name, values in ends.items()}
        return cls({**arrays, "examples": np.array(examples, dtype=np.int32)})

    def __len__(self) -> int:
        return len(self._arrays["examples"])

    def __getitem__(self, position: int) -> Feature:
        if not 0 <= position < len(self):
            raise IndexError(position)
        parts = {name: self._slice(name, position) for name in COLUMNS}
        return Feature(example=int(self._arrays["examples"][position]), **parts)

    def _slice(self, name: str, position: int) -> np.ndarray:
        start, end = self._arrays[f"{name}_ends"][position : position + 2]
        return self._arrays[name][start:end]

    @cached_property
    def lengths(self) -> list[int]:
        """`len` of each feature."""
        if not len(self._arrays["rows"]):
            return np.diff(self._arrays["ids_ends"]).tolist()
        return [len(feature) for feature in self]

    @cached_property
    def label_counts(self) -> np.ndarray:
        """How many labels of each feature count towards a loss."""
        counted = np.concatenate([[0], np.cumsum(self._arrays["labels"] != IGNORED)])
        return np.diff(counted[self._arrays["labels_ends"]])

    @property
    def ids(self) -> np.ndarray:
        """The token ids of all features, one after the other."""
        return self._arrays["ids"]

    def with_ids(self, ids: np.ndarray) -> FeatureTable:
        """The same features with other names for their tokens."""
        return FeatureTable({**self._arrays, "ids": ids.astype(np.int32)})

    def save(self, path: Path) -> None:
        """Write to `path`, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        save_file(self._arrays, partial)
        partial.replace(path)

    @classmethod
    def read(cls, path: Path) -> FeatureTable | None:
        """What `save` wrote; None where there is no such file, or a damaged one."""
        with contextlib.suppress(FileNotFoundError, SafetensorError):
            arrays = load_file(path)
            if arrays.keys() == {"examples", *COLUMNS, *(f"{name}_ends" for name in COLUMNS)}:
                return cls(arrays)
        return None
