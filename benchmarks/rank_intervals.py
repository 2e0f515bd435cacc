"""Rank intervals of a whole board, and the arithmetic behind them, against ranking every replicate, in one run.

    python -m benchmarks.rank_intervals [--rows N] [--cells N] [--replicates N] [--seeds N] [--threads T]

The board has --rows rows of --cells cells, each with --replicates replicates (float32), as they lie in memory once
they are read; a page weighs the cells by its filters and asks for the ranks. The peer ranks the rows in each replicate
and takes quantiles: what a plain bootstrap of ranks does.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable

REPEATS = 5


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--cells", type=int, default=162)
    parser.add_argument("--replicates", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def best(measured: Callable[[], object]) -> float:
    """Milliseconds of the fastest of some repeats: what others do on the machine only adds."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        measured()
        times.append(1000 * (time.perf_counter() - start))
    return min(times)


def main() -> None:
    asked = arguments()
    os.environ["OPENBLAS_NUM_THREADS"] = str(asked.threads)
    import numpy as np

    from leaderboard.standings.statistics import ranking

    random = np.random.default_rng(0)
    cells = random.standard_normal((asked.rows, asked.cells, asked.replicates), dtype=np.float32)
    measured = [60 + row / 10 + random.normal(0, 0.5, asked.seeds) for row in range(asked.rows)]
    whole = np.full(asked.cells, 1 / asked.cells, dtype=np.float32)
    part = np.where(np.arange(asked.cells) % 3 == 0, 3 / asked.cells, 0).astype(np.float32)
    means = ranking.mean_replicates(cells, whole)

    def replicated_ranks() -> np.ndarray:
        ranks = (-means).argsort(axis=0).argsort(axis=0) + 1
        return np.quantile(ranks, [0.025, 0.975], axis=1)

    ours = best(lambda: ranking.rank(measured, ranking.mean_replicates(cells, whole)))
    filtered = best(lambda: ranking.rank(measured, ranking.mean_replicates(cells, part)))
    plain = best(lambda: (ranking.mean_replicates(cells, whole), replicated_ranks()))
    print(f"{asked.rows} rows x {asked.cells} cells x {asked.replicates} replicates, {asked.threads} threads")
    print(f"rank intervals, all cells    {ours:7.0f} ms")
    print(f"rank intervals, every third  {filtered:7.0f} ms")
    print(f"ranks of every replicate     {plain:7.0f} ms   {plain / ours:.1f} times as long")


if __name__ == "__main__":
    main()
