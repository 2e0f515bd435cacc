"""A stage, the unit of work: one training phase or one evaluation, identified by its content.

Standard library only: the web process plans with these values, the engine runs them.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from runner.errors import RecipeError
from runner.tasks.kinds import PIVOTS, Suite

# The language of XTREME's training and development data; other suites have their own (`TaskSpec.pivot`).
PIVOT = PIVOTS[Suite.XTREME]
# Raised whenever a change to the engine changes its numbers; part of every fingerprint.
ENGINE_VERSION = "3"
# Raised whenever a change to a scorer changes its numbers; part of every protocol.
SCORER_VERSION = "1"
# Raised whenever a change to a measure of alignment changes its numbers; part of every plan that asks for them.
ALIGNMENT_VERSION = "1"


def canonical(value: Any) -> str:
    """JSON with sorted keys and no blanks: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def fingerprint(value: Any) -> str:
    """SHA-256 of the canonical JSON of `value`, in hexadecimal."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


@dataclass(frozen=True)
class EncoderRef:
    """A pretrained encoder: `revision` is the hub's commit or the hash of a local folder's files.

    `location` (hub id or folder) says where it lies and is no part of its identity; `layers` counts the
    transformer layers, embeddings not included.
    """

    slug: str
    location: str
    revision: str
    layers: int

    def identity(self) -> dict[str, Any]:
        return {"slug": self.slug, "revision": self.revision}


@dataclass(frozen=True)
class Training:
    """Resolved hyper-parameters of one training phase.

    `batch_size` is in examples per optimiser step; `warmup` is a share of all steps; `train_limit` caps the
    training examples per task (None: all); `precision` is `fp32` or `bf16`. With `patience`, the phase ends
    after so many evaluations on English development data without a gain and keeps the best of them (None: the
    last step's weights); `evaluate_every` counts optimiser steps (None: four evaluations in all).
    """

    learning_rate: float
    epochs: int
    batch_size: int
    max_length: int
    warmup: float
    weight_decay: float
    max_grad_norm: float
    train_limit: int | None
    precision: str
    patience: int | None = None
    evaluate_every: int | None = None


@dataclass(frozen=True)
class Sampling:
    """How a mixture draws the task of each step: p(task) ~ min(examples, cap) ** (1 / temperature).

    `proportional` has the temperature 1; `uniform` draws all tasks alike, whatever their size (jiant's
    task_sampler: ProportionalMultiTaskSampler, TemperatureMultiTaskSampler, UniformMultiTaskSampler).
    """

    strategy: str = "proportional"
    cap: int | None = None
    temperature: float | None = None

    def __post_init__(self) -> None:
        if self.strategy not in SAMPLING:
            raise RecipeError(f"Tasks are sampled {', '.join(SAMPLING)}; found '{self.strategy}'.")
        if (self.strategy == "temperature") != (self.temperature is not None):
            raise RecipeError("A temperature belongs to the sampling 'temperature', and to no other.")
        if self.temperature is not None and not 0 < self.temperature < math.inf:
            raise RecipeError(f"The temperature of sampling is above 0, found {self.temperature}.")
        if self.cap is not None and self.cap < 1:
            raise RecipeError(f"The cap of sampling is 1 or more, found {self.cap}.")

    @property
    def exponent(self) -> float:
        """What min(examples, cap) is raised to: 1 is in proportion to size, 0 is uniform."""
        return {"proportional": 1.0, "uniform": 0.0}.get(self.strategy, 1 / (self.temperature or 1))


SAMPLING = ("proportional", "temperature", "uniform")


@dataclass(frozen=True)
class MaskedWords:
    """Multilingual MLM beside the tasks of a phase (Phang et al. 2020, section 2.3), or alone.

    `text` is the slug of a text of the catalogue, `languages` are read from it, at most `texts` rows of each
    (None: all). A step is MLM with probability `share`; `mask_rate` of a sequence's tokens are predicted.
    """

    text: str
    languages: tuple[str, ...]
    share: float = 0.5
    mask_rate: float = 0.15
    texts: int | None = None

    def __post_init__(self) -> None:
        if not self.languages:
            raise RecipeError("MLM needs at least one language.")
        if not 0 < self.share < 1:
            raise RecipeError(f"The share of MLM steps is between 0 and 1, found {self.share}.")
        if not 0 < self.mask_rate < 1:
            raise RecipeError(f"The share of masked words is between 0 and 1, found {self.mask_rate}.")
        if self.texts is not None and self.texts < 1:
            raise RecipeError(f"The number of texts per language is 1 or more, found {self.texts}.")


@dataclass(frozen=True)
class TrainPlan:
    """Train on `tasks`: one task, a mixture of several, or none where there is MLM alone.

    `languages` are those of the training data: English, or machine translations of it. `sampling` is for
    several tasks only. MLM alone counts as `share` 1, whatever `masked` says.
    """

    tasks: tuple[str, ...]
    training: Training
    languages: tuple[str, ...] = (PIVOT,)
    sampling: Sampling | None = None
    masked: MaskedWords | None = None

    action = "train"


# What noise at test time does to a text (runner.evaluation.noise), in words for titles.
NOISES: Mapping[str, str] = {
    "swaps": "letters change places",
    "drops": "letters are left out",
    "casing": "letters in the other case",
    "punctuation": "punctuation is left out",
    "diacritics": "diacritics are left out",
    "typos": "a neighbouring key is hit",
}


@dataclass(frozen=True)
class Noise:
    """Noise in the test data: each place that can be hit is, with probability `rate`, drawn from `seed`."""

    kind: str
    rate: float = 0.1
    seed: int = 1

    def __post_init__(self) -> None:
        if self.kind not in NOISES:
            raise RecipeError(f"Noise is one of {', '.join(NOISES)}; found '{self.kind}'.")
        if not 0 < self.rate <= 1:
            raise RecipeError(f"The rate of noise is above 0 and at most 1, found {self.rate}.")

    @property
    def label(self) -> str:
        """Such as `typos 10 %`; another seed than the usual one is named."""
        return f"{self.kind} {100 * self.rate:g} %" + (f", seed {self.seed}" if self.seed != 1 else "")


@dataclass(frozen=True)
class EvaluatePlan:
    """Evaluate on `split` of `task`, in each of `languages`, the first `limit` items of each (None: all).

    `layer` and `pooling` are set for retrieval only: an index into `hidden_states`, where 0 is the
    embeddings, and `mean` or `cls`. `noise` disturbs what is evaluated.
    """

    task: str
    split: str
    languages: tuple[str, ...]
    max_length: int
    limit: int | None = None
    layer: int | None = None
    pooling: str = ""
    precision: str = "fp32"
    noise: Noise | None = None

    action = "evaluate"


@dataclass(frozen=True)
class AlignPlan:
    """Measure how well every layer aligns `languages` with the pivot, on the parallel sentences of `task`.

    The first `limit` pairs of each language (None: all). All layers are read in one pass, so none is named. Values of
    two stages are comparable where all but their languages is equal.
    """

    task: str
    split: str
    languages: tuple[str, ...]
    max_length: int
    limit: int | None = None
    pooling: str = "mean"
    precision: str = "fp32"
    measures_version: str = ALIGNMENT_VERSION

    action = "align"


Plan = TrainPlan | EvaluatePlan | AlignPlan


@dataclass(frozen=True)
class Stage:
    """A plan, the encoder it begins with, a seed (None where nothing is drawn) and the stage it starts from."""

    plan: Plan
    encoder: EncoderRef
    seed: int | None
    parent: str | None

    def to_dict(self) -> dict[str, Any]:
        return {
            "action": self.plan.action,
            "plan": plan_fields(self.plan),
            "encoder": asdict(self.encoder),
            "seed": self.seed,
            "parent": self.parent,
            "engine_version": ENGINE_VERSION,
        }

    @property
    def fingerprint(self) -> str:
        return fingerprint({**self.to_dict(), "encoder": self.encoder.identity()})

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Stage:
        """Read what `to_dict` wrote; RecipeError names the part that is absent or unknown."""
        try:
            if raw["engine_version"] != ENGINE_VERSION:
                raise RecipeError(
                    f"This stage was planned for engine version {raw['engine_version']}, this engine is version "
                    f"{ENGINE_VERSION}: submit the run again."
                )
            return cls(
                plan=_plan(raw["action"], raw["plan"]),
                encoder=EncoderRef(**raw["encoder"]),
                seed=raw["seed"],
                parent=raw["parent"],
            )
        except (KeyError, TypeError) as error:
            raise RecipeError(f"The stage file cannot be read: {error}.") from error


def plan_fields(plan: Plan) -> dict[str, Any]:
    """The plan as JSON. Noise is named only where there is some: fingerprints from before it stay what they were."""
    fields = asdict(plan)
    if fields.get("noise", ...) is None:
        del fields["noise"]
    return fields


def _plan(action: str, raw: Mapping[str, Any]) -> Plan:
    if action == "train":
        return TrainPlan(
            tasks=tuple(raw["tasks"]),
            training=Training(**raw["training"]),
            languages=tuple(raw["languages"]),
            sampling=raw["sampling"] and Sampling(**raw["sampling"]),
            masked=raw["masked"] and MaskedWords(**{**raw["masked"], "languages": tuple(raw["masked"]["languages"])}),
        )
    if action == "evaluate":
        noise = raw.get("noise")
        return EvaluatePlan(**{**raw, "languages": tuple(raw["languages"]), "noise": noise and Noise(**noise)})
    if action == "align":
        return AlignPlan(**{**raw, "languages": tuple(raw["languages"])})
    raise RecipeError(f"A stage's action is 'train', 'evaluate' or 'align', not {action!r}.")


@dataclass(frozen=True)
class Job:
    """What `python -m runner STAGE.json` reads: a stage and where things lie on this machine.

    `output` is the folder that the stage fills; `parent_output` that of the stage it starts from; `data_dir`
    the local mirror (empty: hub only); `cache_dir` keeps tokenised features (empty: nowhere), up to `cache_limit`
    MiB (0: any number); `threads` bounds the processor threads (0: the library's choice). None of the rest changes
    what is learnt, up to rounding and the draws of dropout: `processes` is the number of processes, one for each
    device, of a training stage, `gradient_checkpointing` computes activations twice to save memory, `compile` names
    a backend of `torch.compile` (empty: not compiled), and a resume point is written every `resume_seconds`.
    """

    stage: Stage
    output: str
    parent_output: str | None = None
    data_dir: str = ""
    cache_dir: str = ""
    cache_limit: int = 0
    threads: int = 0
    processes: int = 1
    gradient_checkpointing: bool = False
    compile: str = ""
    resume_seconds: float = 300.0

    def to_json(self) -> str:
        return json.dumps({**asdict(self), "stage": self.stage.to_dict()}, indent=2, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Job:
        try:
            raw = json.loads(text)
            return cls(**{**raw, "stage": Stage.from_dict(raw["stage"])})
        except (json.JSONDecodeError, TypeError, KeyError) as error:
            raise RecipeError(f"The stage file cannot be read: {error}.") from error
