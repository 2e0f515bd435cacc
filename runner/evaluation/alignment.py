"""Alignment of a checkpoint: every layer's sentence vectors from one pass, measured language by language."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from runner.data.features import sentences
from runner.data.parallel import ParallelText, load_parallel
from runner.errors import RecipeError
from runner.evaluation.predict import layer_vectors
from runner.evaluation.progress import Progress
from runner.events import Emit
from runner.modeling.assembly import starting_encoder
from runner.modeling.checkpoint import sha256_of
from runner.modeling.encoder import load_tokenizer, on_device
from runner.scoring.alignment import Alignment, measure
from runner.spec import AlignPlan, Job
from runner.tasks.registry import task as find_task


def align(job: Job, emit: Emit, should_stop: Callable[[], bool]) -> None:
    """Run an AlignPlan: a diagnostic event for each language and layer, and what became of every sentence.

    RecipeError where data is missing or a vector is not finite. Memory: the vectors of one language and of the pivot in
    all layers.
    """
    plan = job.stage.plan
    assert isinstance(plan, AlignPlan)
    emit("progress", done=0, total=0, unit="items", note="reading data")
    texts = _texts(plan, job, emit)
    tokenizer = load_tokenizer(job.stage.encoder)
    encoder = starting_encoder(job)
    on_device(encoder.eval())
    distinct = {(text.language, side): len(set(getattr(text, side))) for text in texts for side in ("source", "target")}
    progress = Progress(sum(distinct.values()), emit, should_stop)

    def vectors(text: ParallelText, side: str) -> np.ndarray:
        """(layers + 1, sentences, width); a sentence that recurs is encoded once."""
        position = {sentence: index for index, sentence in enumerate(dict.fromkeys(getattr(text, side)))}
        progress.open_part(len(position))
        features = sentences(list(position), tokenizer, plan.max_length)
        found = layer_vectors(encoder, features, tokenizer.pad_token_id, plan.pooling, plan.precision, progress)
        return found.numpy()[:, [position[sentence] for sentence in getattr(text, side)]]

    tables: list[pa.Table] = []
    pivot: tuple[Sequence[str], np.ndarray] = ((), np.empty(0))
    for text in texts:
        source = vectors(text, "source")
        if text.target != pivot[0]:
            # The pivot's sentences serve language after language in texts that are parallel throughout.
            pivot = (text.target, vectors(text, "target"))
        for layer, (own, other) in enumerate(zip(source, pivot[1], strict=True)):
            try:
                found = measure(own, other)
            except ValueError as error:
                raise RecipeError(f"{text.language}, layer {layer}: {error} Was the learning rate too high?") from error
            emit(
                "diagnostic", task=plan.task, language=text.language, layer=layer, n=found.n, values=dict(found.values)
            )
            tables.append(_items(text.language, layer, found))
    path = Path(job.output) / "alignment.parquet"
    pq.write_table(pa.concat_tables(tables), path, compression="zstd")
    emit("artifact", kind="alignment", path=path.name, sha256=sha256_of(path), size=path.stat().st_size)


def _texts(plan: AlignPlan, job: Job, emit: Emit) -> list[ParallelText]:
    """The sentences of all languages; all that is missing is named at once, before any computing."""
    task = find_task(plan.task)
    found: list[ParallelText] = []
    missing: list[str] = []
    seen: set[str] = set()
    for language in plan.languages:
        try:
            text = load_parallel(task, plan.split, language, job.data_dir, plan.limit)
        except RecipeError as error:
            missing.append(f"{language} ({error})")
            continue
        for event in _new(text, seen):
            emit("data", **event)
        found.append(text)
    if missing:
        raise RecipeError(
            f"Alignment cannot be measured on {task.title} in {len(missing)} of {len(plan.languages)} languages; "
            f"submit it without them, or provide the data: {'; '.join(missing)}"
        )
    return found


def _new(text: ParallelText, seen: set[str]) -> Iterator[dict]:
    """The tables that no language before has read."""
    for event in text.events:
        if event["sha256"] not in seen:
            seen.add(event["sha256"])
            yield event


def _items(language: str, layer: int, found: Alignment) -> pa.Table:
    """One row for each pair: whether it was found in either direction, and its cosine."""
    n = found.n
    return pa.table(
        {
            "language": pa.array([language] * n).dictionary_encode(),
            "layer": pa.array(np.full(n, layer, dtype=np.int16)),
            "item": pa.array(np.arange(n, dtype=np.int32)),
            "into_pivot": pa.array(found.into_pivot),
            "from_pivot": pa.array(found.from_pivot),
            "cosine": pa.array(found.cosine.astype(np.float32)),
        }
    )
