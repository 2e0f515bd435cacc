"""The loop: from a mixture of features to trained weights, on one screen, no hooks in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from safetensors.torch import load_model, save_model
from torch.nn import functional

from runner.data.batches import within_budget
from runner.data.features import IGNORED, Feature
from runner.data.tensors import collate
from runner.errors import Stopped
from runner.events import Emit
from runner.modeling import checkpoint
from runner.modeling.heads import TaskModel
from runner.spec import Training
from runner.training.mixture import Mixture
from runner.training.optimisation import adamw, learning_rate

# Padded tokens of one forward and backward pass; a larger batch is accumulated over several passes.
TOKEN_BUDGET = 8192
RESUME_SECONDS = 300
PROGRESS_SECONDS = 1.0
CURVE_POINTS = 200
DEVELOPMENT_POINTS = 4

# Scores a model in evaluation mode on development data; gives the curve's fields `metric` and `value`.
Development = Callable[[TaskModel], Mapping[str, Any]]


@dataclass(frozen=True)
class Surroundings:
    """What the loop needs besides data and model."""

    folder: Path
    fingerprint: str
    pad: int
    emit: Emit
    should_stop: Callable[[], bool]
    development: Development | None = None


def fit(
    model: TaskModel,
    features: Mapping[str, Sequence[Feature]],
    mixture: Mixture,
    training: Training,
    seed: int,
    accelerator: Accelerator,
    around: Surroundings,
) -> None:
    """Train `model` in place. Raises Stopped after a resume point when asked to stop.

    Everything random in step n depends on (seed, n) alone, so a resumed run repeats an uninterrupted one.
    """
    bare = model
    optimiser = adamw(model, training.learning_rate, training.weight_decay)
    model, optimiser = accelerator.prepare(model, optimiser)
    total = len(mixture)
    start = _resume(bare, optimiser, around) if around.folder.exists() else 0
    clock = _Clock(start, total, around.emit)
    bare.train()
    for step in range(start, total):
        torch.manual_seed(seed * 1_000_003 + step)
        rate = learning_rate(step, total, training.warmup, training.learning_rate)
        for group in optimiser.param_groups:
            group["lr"] = rate
        draw = mixture[step]
        loss, tokens = _backward(model, draw.task, features[draw.task], draw.indices, accelerator, around.pad)
        accelerator.clip_grad_norm_(model.parameters(), training.max_grad_norm)
        optimiser.step()
        optimiser.zero_grad()
        clock.tick(step, loss, rate, tokens)
        if around.development and clock.development_due(step):
            bare.eval()
            around.emit("curve", step=step + 1, **around.development(bare))
            bare.train()
            clock.restart()
        stop = around.should_stop()
        if (stop or clock.resume_due()) and step + 1 < total and accelerator.is_main_process:
            _save_resume(bare, optimiser, step + 1, around)
        if stop and step + 1 < total:
            raise Stopped(f"Stopped after step {step + 1} of {total}.")
    bare.eval()


def _backward(
    model: torch.nn.Module,
    task: str,
    features: Sequence[Feature],
    indices: Sequence[int],
    accelerator: Accelerator,
    pad: int,
) -> tuple[float, int]:
    """Gradients of the mean loss over all labels of the step; returns that loss and the real tokens seen.

    The labels are counted over the whole step, not per pass or device, so that neither the token budget
    nor the number of devices changes the objective.
    """
    labels = sum(label != IGNORED for index in indices for label in features[index].labels)
    mine = list(indices[accelerator.process_index :: accelerator.num_processes])
    # A device without a share of a small last batch still has to take part in the exchange of gradients.
    scale = accelerator.num_processes / max(labels, 1) if mine else 0.0
    passes = within_budget([len(feature) for feature in features], mine or indices[:1], TOKEN_BUDGET)
    loss_total = torch.zeros((), device=accelerator.device)
    tokens = 0
    for number, members in enumerate(passes):
        batch = collate([features[index] for index in members], pad)
        tokens += int(batch["attention_mask"].sum())
        batch = {name: tensor.to(accelerator.device) for name, tensor in batch.items()}
        last = number == len(passes) - 1
        with _sync(accelerator, model, last):
            logits = model(task, batch["input_ids"], batch["attention_mask"])
            loss = loss_sum(logits, batch["labels"]) * scale
            accelerator.backward(loss)
        loss_total += loss.detach()
    return float(loss_total) / accelerator.num_processes, tokens * accelerator.num_processes


def loss_sum(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy summed over all labelled positions, in float32 whatever the precision of the logits."""
    return functional.cross_entropy(
        logits.float().reshape(-1, logits.shape[-1]), labels.reshape(-1), ignore_index=IGNORED, reduction="sum"
    )


def _sync(accelerator: Accelerator, model: torch.nn.Module, last: bool):  # noqa: FBT001
    return torch.enable_grad() if last else accelerator.no_sync(model)


def _save_resume(model: TaskModel, optimiser: torch.optim.Optimizer, step: int, around: Surroundings) -> None:
    def fill(folder: Path) -> None:
        save_model(model, str(folder / "model.safetensors"))
        torch.save(optimiser.state_dict(), folder / "optimiser.pt")

    folder = around.folder / f"resume-{step}"
    checkpoint.write(folder, {"fingerprint": around.fingerprint, "step": step}, fill)
    checkpoint.drop_resumes(around.folder, keep=folder)


def _resume(model: TaskModel, optimiser: torch.optim.Optimizer, around: Surroundings) -> int:
    found = checkpoint.latest_resume(around.folder, around.fingerprint)
    if found is None:
        return 0
    folder, manifest = found
    load_model(model, str(folder / "model.safetensors"))
    optimiser.load_state_dict(torch.load(folder / "optimiser.pt", weights_only=True))
    return int(manifest["step"])


class _Clock:
    """Says when to report, to save and to look at development data."""

    def __init__(self, start: int, total: int, emit: Emit) -> None:
        self.total, self.emit = total, emit
        self.every = max(1, total // CURVE_POINTS)
        self.development = {round(total * point / DEVELOPMENT_POINTS) for point in range(1, DEVELOPMENT_POINTS + 1)}
        self.reported = self.saved = self.begun = time.monotonic()
        self.losses: list[float] = []
        self.tokens = 0
        emit("progress", done=start, total=total, unit="steps", note="training")

    def tick(self, step: int, loss: float, rate: float, tokens: int) -> None:
        now = time.monotonic()
        self.losses.append(loss)
        self.tokens += tokens
        if (step + 1) % self.every == 0 or step + 1 == self.total:
            mean = sum(self.losses) / len(self.losses)
            speed = self.tokens / max(now - self.begun, 1e-9)
            self.emit("curve", step=step + 1, loss=mean, learning_rate=rate, tokens_per_second=round(speed))
            self.losses, self.tokens, self.begun = [], 0, now
        if now - self.reported >= PROGRESS_SECONDS or step + 1 == self.total:
            self.emit("progress", done=step + 1, total=self.total, unit="steps", note="training")
            self.reported = now

    def restart(self) -> None:
        """Keep time that was not training out of the rate."""
        self.begun, self.tokens = time.monotonic(), 0

    def development_due(self, step: int) -> bool:
        return step + 1 in self.development

    def resume_due(self) -> bool:
        if time.monotonic() - self.saved < RESUME_SECONDS:
            return False
        self.saved = time.monotonic()
        return True
