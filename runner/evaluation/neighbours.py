"""Exact nearest neighbours between two sets of vectors, both directions in one pass over blocks of products.

Each block of products serves its rows and its columns, so that two searches cost one matrix product. What is
sought in a block is small: the largest product of each group of candidates is compared with the worst neighbour
found so far, and only groups that can hold a better one are looked into.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from runner.errors import RecipeError

BLOCK = 4096
# Candidates whose largest product is compared first. BLOCK / GROUP groups are the fewest that may hold k neighbours.
GROUP = 32
# A key holds a product in its upper half and, counted down, the candidate's index in its lower one.
LOWER = 2**32 - 1

Tick = Callable[[int], None]


def ignore(done: int) -> None:
    """The default of `tick`: nobody counts."""


@dataclass(frozen=True)
class Neighbours:
    """For each query its nearest candidates, best first: products (queries, k) in float32, and their indices."""

    values: torch.Tensor
    indices: torch.Tensor


def normalise_(vectors: torch.Tensor) -> torch.Tensor:
    """Divide each row by its length, in place and block by block; RecipeError where a row is not finite."""
    for part in vectors.split(BLOCK):
        length = part.norm(dim=1, keepdim=True)
        if not length.isfinite().all():
            raise RecipeError("Some sentence vectors are not finite: training with a lower learning rate may help.")
        part /= length.clamp(min=torch.finfo(part.dtype).tiny)
    return vectors


def neighbours(
    source: torch.Tensor, target: torch.Tensor, k: int, tick: Tick = ignore, block: int = BLOCK
) -> tuple[Neighbours, Neighbours]:
    """The `k` rows of `target` (m, width) with the largest product for each row of `source` (n, width); the reverse.

    Rows of length 1 make the product a cosine. Ties go to the lowest index; where there are fewer than `k`
    candidates all are neighbours. Needs `block`² products beside the vectors, on their device. `tick` is told how
    many rows of `source` are done, after every block; it may raise to stop the search.
    """
    if not len(source) or not len(target):
        raise ValueError(f"{len(source)} source vectors and {len(target)} target vectors: both sides need some.")
    if block % GROUP or block // GROUP < k:
        raise ValueError(f"A block of {block} is not {k} or more groups of {GROUP}.")
    forward = _Best(len(source), min(k, len(target)), source.device)
    backward = _Best(len(target), min(k, len(source)), source.device)
    products = torch.empty(block, block, dtype=torch.float32, device=source.device)
    for top in range(0, len(source), block):
        rows = source[top : top + block]
        for left in range(0, len(target), block):
            columns = target[left : left + block]
            height, width = len(rows), len(columns)
            if height < block or width < block:
                products.fill_(-torch.inf)
            torch.mm(rows, columns.T, out=products[:height, :width])
            # Group g of a row holds the candidates g, g + groups, g + 2 groups, ...: long runs of memory at a time.
            by_row = products.view(block, GROUP, -1).amax(1)
            by_column = products.view(GROUP, -1, block).amax(0)
            forward.offer(top, left, products[:height], by_row[:height])
            backward.offer(left, top, products[:, :width].T, by_column[:, :width].T)
            tick(top)
        tick(top + len(rows))
    return forward.neighbours(), backward.neighbours()


class _Best:
    """The `k` best candidates of each query so far, as keys in descending order."""

    def __init__(self, queries: int, k: int, device: torch.device) -> None:
        self.k = k
        self.keys = _keys(torch.full((queries, k), -torch.inf), torch.tensor(LOWER)).to(device)

    def offer(self, first: int, offset: int, products: torch.Tensor, maxima: torch.Tensor) -> None:
        """Take what is better than what is there out of `products` (queries, candidates).

        The queries begin at `first`, the candidates at `offset`; `maxima` (queries, groups) are the groups' largest
        products. Candidates are offered in ascending order, so an equal product that comes later has lost.
        """
        worst = _values(self.keys[first : first + len(maxima), -1])
        touched = (maxima.amax(1) > worst).nonzero()[:, 0]
        if not len(touched):
            return
        maxima, worst = maxima[touched], worst[touched, None]
        # k groups reach this product, so each of the k best candidates does.
        least = maxima.topk(self.k).values[:, -1:]
        query, group = ((maxima >= least) & (maxima > worst)).nonzero(as_tuple=True)
        candidate = group[:, None] + maxima.shape[1] * torch.arange(GROUP, device=group.device)
        found = products[touched[query, None], candidate]
        better = (found >= least[query]) & (found > worst[query])
        query = query[:, None].expand_as(better)[better]
        self._merge(first + touched, query, _keys(found[better], offset + candidate[better]))

    def _merge(self, rows: torch.Tensor, query: torch.Tensor, keys: torch.Tensor) -> None:
        """Keep the best of old and new: `query`, in ascending order, says which of `rows` each of `keys` is for."""
        counts = query.bincount(minlength=len(rows))
        place = torch.arange(len(query), device=query.device) - (counts.cumsum(0) - counts)[query]
        table = torch.full((len(rows), self.k + int(counts.max())), torch.iinfo(keys.dtype).min, device=keys.device)
        table[:, : self.k] = self.keys[rows]
        table[query, self.k + place] = keys
        self.keys[rows] = table.topk(self.k).values

    def neighbours(self) -> Neighbours:
        return Neighbours(_values(self.keys), LOWER - (self.keys & LOWER))


def _keys(values: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
    """Integers that are ordered as the float32 `values`, and among equal values by descending index; all different."""
    # Adding zero makes -0.0 equal to 0.0 in its bits too.
    return (_mirrored((values + 0.0).view(torch.int32).long()) << 32) | (LOWER - indices)


def _values(keys: torch.Tensor) -> torch.Tensor:
    return _mirrored(keys >> 32).int().view(torch.float32)


def _mirrored(bits: torch.Tensor) -> torch.Tensor:
    """Negative floats grow with falling bits: turning their lower 31 bits gives integers in the floats' order."""
    return bits ^ ((bits >> 31) & 0x7FFFFFFF)
