"""What is drawn, the same every time: weights of source items, and seeds of a bootstrap, by the hash of the content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

REPLICATES = 2000
# Probabilities are multiples of 1/65536: a replicate's weight is looked up by 16 bits of a hash.
STEPS = 1 << 16
WEIGHTS_A_WORD = 4
# Rows of weights that exist at one time: 16 MB.
BLOCK = 2048


def generator(*content: object) -> np.random.Generator:
    """A random generator that depends on nothing but `content`, by its text."""
    digest = hashlib.sha256("\0".join(map(str, content)).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))


def keys(names: Iterable[str], scope: str) -> np.ndarray:
    """A 64-bit number (uint64) for each name of a source item in `scope`, such as a task and its split."""
    start = hashlib.blake2b(scope.encode(), digest_size=8)
    found = []
    for name in names:
        one = start.copy()
        one.update(f"\0{name}".encode())
        found.append(one.digest())
    return np.frombuffer(b"".join(found), dtype=">u8").astype(np.uint64)


def _poisson_table() -> np.ndarray:
    """Poisson(1) by 16 uniform bits: how often a source item is drawn in a replicate."""
    probabilities = [np.exp(-1.0)]
    while len(probabilities) < 9:
        probabilities.append(probabilities[-1] / len(probabilities))
    upper = np.round(np.cumsum(probabilities) * STEPS).astype(int)
    upper[-1] = STEPS
    return np.repeat(np.arange(len(upper), dtype=np.uint8), np.diff(upper, prepend=0))


POISSON = _poisson_table()


def weights(items: np.ndarray, replicates: int = REPLICATES) -> np.ndarray:
    """How often each source item is drawn in each replicate: (items, replicates), float32, mean 1.

    `items` are keys (`keys`). An item's weights depend on its key alone: two runs, languages or tasks that share
    an item share its weights, so that their differences are paired, whatever else either of them was evaluated on.
    Independent Poisson(1) weights instead of multinomial ones are the Poisson bootstrap (Hanley and MacGibbon 2006,
    "Creating non-parametric bootstrap samples using Poisson frequencies"); of a ratio of sums, as all our measures are,
    the replicates have the same variance up to O(1/items).
    """
    words = -(-replicates // WEIGHTS_A_WORD)
    positions = _mixed(np.arange(1, words + 1, dtype=np.uint64))
    mixed = _mixed(items.astype(np.uint64)[:, None] ^ positions)
    return POISSON[mixed.view(np.uint16)[:, :replicates]].astype(np.float32)


def _mixed(values: np.ndarray) -> np.ndarray:
    """SplitMix64's finaliser (Steele, Lea and Flood 2014), element by element."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def sums(parts: np.ndarray, items: np.ndarray, replicates: int = REPLICATES) -> np.ndarray:
    """Sums over resampled items: (rows, replicates), float64, from what each item adds, (rows, items), and its keys."""
    total = np.zeros((len(parts), replicates), dtype=np.float64)
    for start in range(0, len(items), BLOCK):
        part = slice(start, start + BLOCK)
        total += parts[:, part].astype(np.float32) @ weights(items[part], replicates)
    return total


def resampled(
    numerators: np.ndarray, denominators: np.ndarray, items: np.ndarray, replicates: int = REPLICATES
) -> np.ndarray:
    """Replicates of the measures 100 x sum of numerators / sum of denominators: (measures, replicates), float32.

    `numerators` and `denominators` are (measures, items), each item's share in each measure (0 where a language has not
    the item); `items` are their keys. A replicate in which a measure has no denominator is the measure itself.
    """
    total = denominators.sum(axis=1)
    if not (total > 0).all():
        raise ValueError("Every measure needs at least one item with a denominator above 0.")
    above, below = np.split(sums(np.concatenate([numerators, denominators]), items, replicates), 2)
    measure = (numerators.sum(axis=1) / total)[:, None]
    return (100 * np.where(below > 0, above / np.where(below > 0, below, 1), measure)).astype(np.float32)
