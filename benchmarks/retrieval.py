"""Mining n x n sentence vectors: our search in blocks against faiss's flat index, in one run.

    python -m benchmarks.retrieval [--size N] [--width D] [--threads T ...] [--only ours|faiss]

faiss searches both directions with IndexFlatIP, as XTREME's script does; margins and matching are the same code for
both. Each measurement has a process of its own, so that its peak of resident memory is its own; the vectors and the
libraries count. Seconds are those of search and matching, without making the vectors.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from runner.evaluation.mining import NEIGHBOURS, Candidates, match, mine
from runner.evaluation.neighbours import Neighbours, normalise_

ROOT = Path(__file__).resolve().parent.parent
PEERS = ("ours", "faiss")
# Every second source has a translation; a sentence shares a direction with all others, as in a real encoder.
TRANSLATED = 2
NOISE = 1.0
PART = 10_000


def vectors(size: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Two sides of `size` unit vectors; target i is source i with noise where i is a multiple of TRANSLATED."""
    generator = torch.Generator().manual_seed(size)
    source = torch.randn(size, width, generator=generator)
    target = torch.randn(size, width, generator=generator)
    for start in range(0, size, PART):
        # Views: nothing of the size of a side is made twice.
        rows, translations = (side[start : start + PART : TRANSLATED] for side in (source, target))
        translations.mul_(NOISE).add_(rows)
    source += 1
    target += 1
    return normalise_(source), normalise_(target)


def by_faiss(source: torch.Tensor, target: torch.Tensor) -> Candidates:
    import faiss

    faiss.omp_set_num_threads(torch.get_num_threads())
    found = []
    for queries, others in ((source, target), (target, source)):
        index = faiss.IndexFlatIP(others.shape[1])
        index.add(others.numpy())
        values, indices = index.search(queries.numpy(), NEIGHBOURS)
        found.append(Neighbours(torch.from_numpy(values), torch.from_numpy(indices)))
        del index
    return match(*found)


def work(arguments: argparse.Namespace) -> None:
    """In a process of its own: measure one of PEERS; the pairs go to a file, the figures to stdout."""
    (threads,) = arguments.threads
    torch.set_num_threads(threads)
    source, target = vectors(arguments.size, arguments.width)
    begun = time.perf_counter()
    found = (mine if arguments.only == "ours" else by_faiss)(source, target)
    seconds = time.perf_counter() - begun
    torch.save({"source": found.source, "target": found.target, "margin": found.margin}, arguments.pairs)
    # Kibibytes on Linux, bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    print(json.dumps({"seconds": seconds, "peak": peak, "pairs": len(found.source)}))


def measure(peer: str, threads: int, arguments: argparse.Namespace, pairs: Path) -> dict[str, float]:
    """Start a process for one of PEERS and read what it measured."""
    command = [sys.executable, "-m", "benchmarks.retrieval", "--work", "--only", peer, "--threads", str(threads)]
    command += ["--pairs", str(pairs)]
    command += ["--size", str(arguments.size), "--width", str(arguments.width)]
    limits = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    environment = {**os.environ, **limits}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    figures = json.loads(done.stdout)
    rate = 2 * arguments.size * arguments.size * arguments.width / figures["seconds"] / 1e9
    print(
        f"  {peer:<6}{figures['seconds']:9.2f} s {arguments.size / figures['seconds']:10.0f} sentences/s a side "
        f"{arguments.size**2 / figures['seconds'] / 1e6:10.1f} M pairs/s {rate:7.0f} GFLOP/s of one product "
        f"{figures['peak'] / 2**30:6.2f} GiB at most, {figures['pairs']} candidates",
        flush=True,
    )
    return figures


def differences(files: list[Path]) -> tuple[int, float]:
    """How many candidates only one of two files has, and the largest margin among them."""
    ours, theirs = (torch.load(file) for file in files)
    pairs = [
        dict(zip(zip(found["source"], found["target"], strict=True), found["margin"], strict=True))
        for found in (ours, theirs)
    ]
    only = pairs[0].keys() ^ pairs[1].keys()
    return len(only), max((pairs[0].get(pair) or pairs[1][pair] for pair in only), default=0.0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=12_000, help="sentences on each side")
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, len(os.sched_getaffinity(0))}))
    parser.add_argument("--only", choices=PEERS, help="measure one of them")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--pairs", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(arguments)
        return 0
    same = True
    for threads in arguments.threads:
        print(f"{arguments.size:,} x {arguments.size:,} x {arguments.width}, {threads} thread{'s' * (threads > 1)}:")
        with tempfile.TemporaryDirectory() as folder:
            peers = [arguments.only] if arguments.only else list(PEERS)
            files = [Path(folder) / f"{peer}.pt" for peer in peers]
            figures = [measure(peer, threads, arguments, file) for peer, file in zip(peers, files, strict=True)]
            if len(peers) == 2:
                count, margin = differences(files)
                # Products are summed in another order, so margins that are equal but for rounding change places.
                same = same and count <= arguments.size / 1000
                print(f"  faiss / ours: {figures[1]['seconds'] / figures[0]['seconds']:.2f} times the seconds")
                print(
                    f"  candidates that only one of them has: {count}" + f" (margin {margin:.6f} at most)" * (count > 0)
                )
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
