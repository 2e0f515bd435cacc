"""Mining sentence pairs out of two pools: ratio margin and matching one to one.

The method is Artetxe and Schwenk's (2019, Margin-based Parallel Corpus Mining with Multilingual Sentence Embeddings,
ACL, section 3) as XTREME runs it (third_party/utils_retrieve.py, `mine_bitext` with the ratio margin and `max`).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from runner.evaluation.neighbours import Neighbours, Tick, ignore, neighbours

# XTREME's size of a sentence's neighbourhood.
NEIGHBOURS = 4


@dataclass(frozen=True)
class Candidates:
    """Pairs of a source and a target, best margin first, none of which is in two pairs; three lists of one length."""

    source: list[int]
    target: list[int]
    margin: list[float]


def mine(source: torch.Tensor, target: torch.Tensor, k: int = NEIGHBOURS, tick: Tick = ignore) -> Candidates:
    """Pair rows of `source` (n, width) with rows of `target` (m, width); rows have length 1 (`normalise_`)."""
    return match(*neighbours(source, target, k, tick))


def match(forward: Neighbours, backward: Neighbours) -> Candidates:
    """Pair sources and targets: `forward` are the neighbours of the sources, `backward` those of the targets.

    Every sentence of both sides proposes the one of its neighbours with the highest margin; proposals are taken in
    descending order, each if both its sentences are still free. Of equal margins, the sources' proposals come before
    the targets' and the lower index first. Margins of 0 and below are left out, as in XTREME.
    """
    there, back = _proposals(forward, backward), _proposals(backward, forward)
    sources = torch.cat([torch.arange(len(there.indices), device=back.indices.device), back.indices])
    targets = torch.cat([there.indices, torch.arange(len(back.indices), device=there.indices.device)])
    margins = torch.cat([there.values, back.values])
    order = margins.argsort(descending=True, stable=True)
    return _one_to_one(sources[order].tolist(), targets[order].tolist(), margins[order].tolist())


def _proposals(of: Neighbours, others: Neighbours) -> Neighbours:
    """For each query its neighbour with the highest margin, and that margin, both (queries,).

    The margin of x and y is cos(x, y) / ((r(x) + r(y)) / 2), r being the mean cosine to a sentence's own neighbours.
    """
    margins = of.values / ((of.values.mean(1, keepdim=True) + others.values.mean(1)[of.indices]) / 2)
    # 0 / 0, where all cosines are 0: sorting would put it first.
    margins = margins.nan_to_num(nan=-torch.inf)
    best = margins.argmax(1, keepdim=True)
    return Neighbours(margins.gather(1, best)[:, 0], of.indices.gather(1, best)[:, 0])


def _one_to_one(sources: list[int], targets: list[int], margins: list[float]) -> Candidates:
    """The proposals, best first, without those that name a sentence again."""
    taken = Candidates([], [], [])
    seen_sources: set[int] = set()
    seen_targets: set[int] = set()
    for source, target, margin in zip(sources, targets, margins, strict=True):
        if margin <= 0:
            break
        if source in seen_sources or target in seen_targets:
            continue
        seen_sources.add(source)
        seen_targets.add(target)
        taken.source.append(source)
        taken.target.append(target)
        taken.margin.append(margin)
    return taken
