"""The loop: from a mixture of features to trained weights, on one screen, no hooks in between."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from safetensors.torch import load_model, save_model
from torch.nn import functional

from runner.data.batches import within_budget
from runner.data.feature_table import IGNORED, FeatureTable
from runner.data.tensors import collate
from runner.errors import Stopped
from runner.events import Emit
from runner.modeling import checkpoint
from runner.modeling.heads import TaskModel
from runner.spec import Training
from runner.training.clock import Clock
from runner.training.masking import Masking
from runner.training.mixture import Draw, Mixture
from runner.training.optimisation import adamw, learning_rate
from runner.training.selection import Selection, drop_kept

# Padded tokens of one forward and backward pass; a larger batch is accumulated over several passes.
TOKEN_BUDGET = 8192
# The newest may turn out damaged when it is needed.
RESUMES_KEPT = 2


class Development(Protocol):
    """English development data: scores a model in evaluation mode, and says which tokens it will look at."""

    def __call__(self, model: TaskModel) -> Mapping[str, Any]:
        """The curve's fields `metric` and `value`."""

    def token_ids(self) -> Iterable[np.ndarray]:
        """The token ids of all its features."""


@dataclass(frozen=True)
class Surroundings:
    """What the loop needs besides data and model; `masking` by the names of members that are masked words."""

    folder: Path
    fingerprint: str
    pad: int
    emit: Emit
    should_stop: Callable[[], bool]
    resume_seconds: float
    development: Development | None = None
    masking: Mapping[str, Masking] | None = None


def fit(
    model: TaskModel,
    features: Mapping[str, FeatureTable],
    mixture: Mixture,
    training: Training,
    seed: int,
    accelerator: Accelerator,
    around: Surroundings,
) -> int:
    """Train `model` in place; returns after how many steps its weights are taken. Raises Stopped when asked to stop,
    after a resume point.

    Everything random in step n depends on (seed, n) alone, so a resumed run repeats an uninterrupted one.
    """
    bare = model
    optimiser = adamw(model, training.learning_rate, training.weight_decay)
    model, optimiser = accelerator.prepare(model, optimiser)
    total = len(mixture)
    selection = Selection(around.folder, around.fingerprint, training.patience)
    start = _resume(bare, optimiser, selection, around)
    clock = Clock(start, total, training.evaluate_every, around.resume_seconds, around.emit)
    bare.train()
    for step in range(start, total):
        # Devices see other examples, and draw other dropout for them.
        torch.manual_seed((seed * 1_000_003 + step) * accelerator.num_processes + accelerator.process_index)
        rate = learning_rate(step, total, training.warmup, training.learning_rate)
        for group in optimiser.param_groups:
            group["lr"] = rate
        loss, tokens = _backward(model, mixture[step], step, features, accelerator, around)
        accelerator.clip_grad_norm_(model.parameters(), training.max_grad_norm)
        optimiser.step()
        optimiser.zero_grad()
        clock.tick(step, loss, rate, tokens)
        if around.development and clock.development_due(step):
            bare.eval()
            point = around.development(bare)
            bare.train()
            around.emit("curve", step=step + 1, **point)
            selection.see(_of_main(point["value"], accelerator), step + 1, bare, writes=accelerator.is_main_process)
            clock.restart()
        stop = _agreed(around.should_stop(), accelerator)
        if selection.over or step + 1 == total:
            break
        # Weights that were kept belong to a resume point: without one, a killed run would not know of them.
        if (stop or clock.resume_due() or selection.best_step == step + 1) and accelerator.is_main_process:
            _save_resume(bare, optimiser, step + 1, selection, around)
        if stop:
            # A process that leaves early would have the others ended while they write.
            accelerator.wait_for_everyone()
            raise Stopped(f"Stopped after step {step + 1} of {total}.")
    accelerator.wait_for_everyone()
    selection.take_best(bare)
    bare.eval()
    return selection.best_step or total


def _backward(
    model: torch.nn.Module,
    draw: Draw,
    step: int,
    features: Mapping[str, FeatureTable],
    accelerator: Accelerator,
    around: Surroundings,
) -> tuple[float, int]:
    """Gradients of the mean loss over all labels of the step; returns that loss and the real tokens seen.

    The labels are counted over the whole step, not per pass or device, so that neither the token budget
    nor the number of devices changes the objective.
    """
    table, masking = features[draw.task], (around.masking or {}).get(draw.task)
    mine = list(draw.indices[accelerator.process_index :: accelerator.num_processes])
    # A device without a share of a small last batch still has to take part in the exchange of gradients.
    scale = accelerator.num_processes / max(_label_count(table, draw.indices, masking), 1) if mine else 0.0
    passes = within_budget(table.lengths, mine or draw.indices[:1], TOKEN_BUDGET)
    loss_total = torch.zeros((), device=accelerator.device)
    tokens = 0
    for number, members in enumerate(passes):
        chosen = [table[index] for index in members]
        batch = masking.collate(chosen, members, step, around.pad) if masking else collate(chosen, around.pad)
        tokens += int(batch["attention_mask"].sum())
        batch = {name: tensor.to(accelerator.device) for name, tensor in batch.items()}
        labels = batch.pop("labels")
        with _sync(accelerator, model, last=number == len(passes) - 1):
            loss = loss_sum(model(draw.task, **batch), labels) * scale
            accelerator.backward(loss)
        loss_total += loss.detach()
    if accelerator.num_processes == 1:
        return float(loss_total), tokens
    shares = accelerator.reduce(torch.tensor([float(loss_total) / accelerator.num_processes, tokens]).to(loss_total))
    return float(shares[0]), int(shares[1])


def _label_count(table: FeatureTable, indices: Sequence[int], masking: Masking | None) -> int:
    if masking:
        return sum(masking.count(table[index]) for index in indices)
    return int(table.label_counts[list(indices)].sum())


def loss_sum(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy summed over all labelled positions, in float32 whatever the precision of the logits."""
    return functional.cross_entropy(
        logits.float().reshape(-1, logits.shape[-1]), labels.reshape(-1), ignore_index=IGNORED, reduction="sum"
    )


def _sync(accelerator: Accelerator, model: torch.nn.Module, *, last: bool):
    return torch.enable_grad() if last else accelerator.no_sync(model)


def _agreed(stop: bool, accelerator: Accelerator) -> bool:  # noqa: FBT001
    """Whether any process was asked to stop: they stop after the same step, or would wait for each other for ever."""
    if accelerator.num_processes == 1:
        return stop
    return bool(accelerator.reduce(torch.tensor(float(stop), device=accelerator.device)) > 0)


def _of_main(value: float, accelerator: Accelerator) -> float:
    """The main process's value, so that all processes select alike."""
    return float(broadcast(torch.tensor(value, device=accelerator.device, dtype=torch.float64)))


def _save_resume(
    model: TaskModel, optimiser: torch.optim.Optimizer, step: int, selection: Selection, around: Surroundings
) -> None:
    def fill(folder: Path) -> None:
        save_model(model, str(folder / "model.safetensors"))
        torch.save(optimiser.state_dict(), folder / "optimiser.pt")

    facts = {"fingerprint": around.fingerprint, "step": step, "selection": selection.state()}
    checkpoint.write(around.folder / f"resume-{step}", facts, fill)
    kept = [checkpoint.facts(path) for path in checkpoint.drop_resumes(around.folder, RESUMES_KEPT, upto=step)]
    drop_kept(around.folder, but={manifest["selection"]["best_step"] for manifest in kept if manifest})


def _resume(model: TaskModel, optimiser: torch.optim.Optimizer, selection: Selection, around: Surroundings) -> int:
    found = checkpoint.latest_resume(around.folder, around.fingerprint)
    if found is None:
        return 0
    folder, manifest = found
    load_model(model, str(folder / "model.safetensors"))
    optimiser.load_state_dict(torch.load(folder / "optimiser.pt", weights_only=True))
    selection.restore(manifest["selection"])
    return int(manifest["step"])
