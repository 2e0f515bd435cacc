"""A stage, the unit of work: one training phase or one evaluation, identified by its content.

Standard library only: the web process plans with these values, the engine runs them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from runner.errors import RecipeError

# Raised whenever a change to the engine changes its numbers; part of every fingerprint.
ENGINE_VERSION = "1"
# Raised whenever a change to a scorer changes its numbers; part of every protocol.
SCORER_VERSION = "1"


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
    training examples per task (None: all); `precision` is `fp32` or `bf16`.
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


@dataclass(frozen=True)
class TrainPlan:
    """Fine-tune on the English data of `tasks`: one task, or a mixture of several.

    A mixture draws tasks in proportion to min(examples, `cap`).
    """

    tasks: tuple[str, ...]
    training: Training
    cap: int | None = None

    action = "train"


@dataclass(frozen=True)
class EvaluatePlan:
    """Evaluate on `split` of `task`, in each of `languages`, the first `limit` items of each (None: all).

    `layer` and `pooling` are set for retrieval only: an index into `hidden_states`, where 0 is the
    embeddings, and `mean` or `cls`.
    """

    task: str
    split: str
    languages: tuple[str, ...]
    max_length: int
    limit: int | None = None
    layer: int | None = None
    pooling: str = ""
    precision: str = "fp32"

    action = "evaluate"


@dataclass(frozen=True)
class Stage:
    """A plan, the encoder it begins with, a seed (None where nothing is drawn) and the stage it starts from."""

    plan: TrainPlan | EvaluatePlan
    encoder: EncoderRef
    seed: int | None
    parent: str | None

    def to_dict(self) -> dict[str, Any]:
        return {
            "action": self.plan.action,
            "plan": asdict(self.plan),
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


def _plan(action: str, raw: Mapping[str, Any]) -> TrainPlan | EvaluatePlan:
    if action == "train":
        return TrainPlan(tuple(raw["tasks"]), Training(**raw["training"]), raw["cap"])
    if action == "evaluate":
        return EvaluatePlan(**{**raw, "languages": tuple(raw["languages"])})
    raise RecipeError(f"A stage's action is 'train' or 'evaluate', not {action!r}.")


@dataclass(frozen=True)
class Job:
    """What `python -m runner STAGE.json` reads: a stage and where things lie on this machine.

    `output` is the folder that the stage fills; `parent_output` that of the stage it starts from; `data_dir`
    the local mirror (empty: hub only); `threads` bounds the processor threads (0: the library's choice).
    """

    stage: Stage
    output: str
    parent_output: str | None = None
    data_dir: str = ""
    threads: int = 0

    def to_json(self) -> str:
        return json.dumps({**asdict(self), "stage": self.stage.to_dict()}, indent=2, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Job:
        try:
            raw = json.loads(text)
            return cls(**{**raw, "stage": Stage.from_dict(raw["stage"])})
        except (json.JSONDecodeError, TypeError, KeyError) as error:
            raise RecipeError(f"The stage file cannot be read: {error}.") from error
