"""Mining tasks: embed both pools, mine pairs, fit the threshold on the development pools, score against the gold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import torch

from runner.data.features import sentences as features_of
from runner.data.pools import Pair, Pools, load_pools
from runner.errors import RecipeError
from runner.evaluation.mining import mine
from runner.evaluation.neighbours import normalise_
from runner.evaluation.outcomes import Outcome
from runner.evaluation.predict import vectors
from runner.evaluation.progress import Progress
from runner.events import Emit
from runner.modeling.assembly import starting_encoder
from runner.modeling.encoder import keep_layers, load_tokenizer, on_device
from runner.scoring.mining import best_threshold, extract, scores
from runner.spec import EvaluatePlan, Job
from runner.tasks.kinds import THRESHOLD_SPLIT, TaskSpec

# Sentences that are token ids at one time: whole pools would need more memory than their vectors.
CHUNK = 20_000


def outcomes(
    task: TaskSpec, plan: EvaluatePlan, job: Job, emit: Emit, should_stop: Callable[[], bool]
) -> Iterator[tuple[str, Outcome, Sequence[str]]]:
    """Each language of the plan, its outcome, and no names of source items: no two languages share any.

    The threshold comes from THRESHOLD_SPLIT, whatever split is scored.
    """
    wanted = _all_pools(task, plan, job, emit)
    tokenizer = load_tokenizer(job.stage.encoder)
    encoder = keep_layers(starting_encoder(job), plan.layer)
    on_device(encoder.eval())
    every = [pools for by_split in wanted.values() for pools in by_split.values()]
    total = sum(2 * len(pools.source.sentences) + len(pools.target.sentences) for pools in every)
    progress = Progress(total, emit, should_stop)

    def embed(texts: Sequence[str]) -> torch.Tensor:
        table = torch.empty(len(texts), encoder.config.hidden_size)
        for start in range(0, len(texts), CHUNK):
            features = features_of(texts[start : start + CHUNK], tokenizer, plan.max_length)
            progress.open_part(len(features))
            table[start : start + CHUNK] = vectors(
                encoder, features, tokenizer.pad_token_id, plan.pooling, plan.precision, progress
            )
        return normalise_(table.to(encoder.device))

    def candidates(pools: Pools) -> dict[Pair, float]:
        source, target = embed(pools.source.sentences), embed(pools.target.sentences)
        progress.open_part(len(pools.source.sentences))
        mined = mine(source, target, tick=progress)
        named = (
            ((pools.source.ids[source], pools.target.ids[target]), margin)
            for source, target, margin in zip(mined.source, mined.target, mined.margin, strict=True)
        )
        return {pair: margin for pair, margin in named if None not in pair}

    for language, by_split in wanted.items():
        found = {split: candidates(pools) for split, pools in by_split.items()}
        threshold = best_threshold(found[THRESHOLD_SPLIT], by_split[THRESHOLD_SPLIT].gold)
        yield language, score(by_split[plan.split].gold, found[plan.split], threshold), ()


def score(gold: Sequence[Pair], candidates: Mapping[Pair, float], threshold: float) -> Outcome:
    """F1 in percent of the candidates from `threshold` on.

    One item for each gold pair: its margin (None where it is no candidate), whether it was extracted, and, the same in
    every row, the threshold and how many pairs were extracted: F1 = 2 correct / (gold pairs + extracted).
    """
    extracted = extract(candidates, threshold)
    chosen = set(extracted)
    items = [
        {
            "source_id": pair[0],
            "target_id": pair[1],
            "margin": candidates.get(pair),
            "correct": pair in chosen,
            "extracted": len(extracted),
            "threshold": threshold,
        }
        for pair in gold
    ]
    return Outcome(scores(gold, extracted), len(items), items, ["\t".join(pair) for pair in extracted])


def _all_pools(task: TaskSpec, plan: EvaluatePlan, job: Job, emit: Emit) -> dict[str, dict[str, Pools]]:
    """The pools of all languages by split; all that is missing is named at once, before any computing."""
    found: dict[str, dict[str, Pools]] = {}
    missing: list[str] = []
    for language in plan.languages:
        found[language] = {}
        for split in dict.fromkeys((THRESHOLD_SPLIT, plan.split)):
            try:
                pools = load_pools(task, split, language, job.data_dir, plan.limit)
            except RecipeError as error:
                missing.append(f"{language} ({error})")
                continue
            for event in pools.events:
                emit("data", **event)
            found[language][split] = pools
    if missing:
        raise RecipeError(
            f"{task.title} cannot be evaluated on '{plan.split}': it needs the whole pools of sentences of that split "
            f"and, for the threshold, of '{THRESHOLD_SPLIT}'. Submit it without these languages, or provide the data: "
            f"{'; '.join(missing)}"
        )
    return found
