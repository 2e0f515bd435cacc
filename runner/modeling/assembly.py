"""Models from checkpoints: where a stage starts from, and what an evaluation looks at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import PreTrainedModel

from runner.modeling import checkpoint
from runner.modeling.encoder import load_encoder, load_masked_encoder
from runner.modeling.heads import MaskedHead, TaskModel, build_head
from runner.spec import Job
from runner.tasks.encoders import BLANK
from runner.tasks.kinds import Kind

MASKED_HEAD = "masked_head.safetensors"


@dataclass(frozen=True)
class HeadFacts:
    """What a checkpoint must say about a head so that it can be built again."""

    kind: Kind
    labels: tuple[str, ...]


def starting_encoder(job: Job) -> PreTrainedModel:
    """The parent's encoder, whose heads are dropped, or the pretrained one where there is no parent."""
    folder = _parent(job)
    return load_encoder(job.stage.encoder, folder / "encoder" if folder else None)


def _parent(job: Job) -> Path | None:
    """The folder of the parent's checkpoint, which is whole; None where there is no parent."""
    if not job.parent_output:
        return None
    folder = Path(job.parent_output) / "checkpoint"
    checkpoint.read(folder, job.stage.parent)
    return folder


def _starting_masked(job: Job) -> tuple[PreTrainedModel, nn.Module]:
    """The same encoder with its MLM head: the parent's, where it was trained with MLM, else the pretrained one's."""
    folder = _parent(job)
    encoder, head = load_masked_encoder(job.stage.encoder, folder / "encoder" if folder else None)
    if folder and (folder / MASKED_HEAD).is_file():
        # Without the weights that it shares with the embeddings.
        head.load_state_dict(load_file(folder / MASKED_HEAD), strict=False)
    return encoder, head


def new_model(job: Job, heads: Mapping[str, HeadFacts]) -> TaskModel:
    """The stage's starting point: its encoder with new heads, initialised from the stage's seed.

    The head of masked words is the pretrained encoder's own, where it has one.
    """
    modules: dict[str, nn.Module] = {}
    masked = [slug for slug, head in heads.items() if head.kind is Kind.MASKED_WORDS]
    if masked:
        # A new head, where the weights lack one, is drawn by the library: from this seed.
        torch.manual_seed(job.stage.seed)
        encoder, head = _starting_masked(job)
        modules = {slug: MaskedHead(head) for slug in masked}
    else:
        encoder = starting_encoder(job)
    torch.manual_seed(job.stage.seed)
    others = {slug: head for slug, head in heads.items() if slug not in modules}
    built = {slug: build_head(head.kind, encoder.config, len(head.labels)) for slug, head in others.items()}
    return TaskModel(encoder, {**built, **modules})


def trained_model(job: Job, head: str) -> tuple[TaskModel, HeadFacts]:
    """The parent's encoder with its head of the task `head`, ready to predict."""
    folder = Path(job.parent_output or "") / "checkpoint"
    manifest = checkpoint.read(folder, job.stage.parent)
    facts = HeadFacts(Kind(manifest["heads"][head]["kind"]), tuple(manifest["heads"][head]["labels"]))
    encoder = load_encoder(job.stage.encoder, folder / "encoder")
    module = build_head(facts.kind, encoder.config, len(facts.labels))
    prefix = f"{head}."
    tensors = load_file(folder / "heads.safetensors")
    module.load_state_dict({name.removeprefix(prefix): one for name, one in tensors.items() if name.startswith(prefix)})
    return TaskModel(encoder, {head: module}).eval(), facts


def save(model: TaskModel, heads: Mapping[str, HeadFacts], job: Job) -> dict:
    """Write the finished checkpoint of the job's stage and return its manifest.

    The encoder lies in a folder of its own in the Hugging Face layout, so other tools can load it. An MLM head is
    kept where the stage made the encoder, so that MLM can go on; no other is read again.
    """
    kept = {slug: head for slug, head in heads.items() if head.kind is not Kind.MASKED_WORDS}

    def fill(path: Path) -> None:
        model.encoder.save_pretrained(path / "encoder")
        tensors = {
            f"{slug}.{name}": value.contiguous()
            for slug in kept
            for name, value in model.heads[slug].state_dict().items()
        }
        save_file(tensors, path / "heads.safetensors")
        if job.stage.encoder.location == BLANK and job.stage.parent is None:
            save_file(_masked_tensors(model, heads), path / MASKED_HEAD)

    facts = {
        "fingerprint": job.stage.fingerprint,
        "stage": job.stage.to_dict(),
        "heads": {slug: {"kind": head.kind.value, "labels": list(head.labels)} for slug, head in kept.items()},
    }
    return checkpoint.write(Path(job.output) / "checkpoint", facts, fill)


def _masked_tensors(model: TaskModel, heads: Mapping[str, HeadFacts]) -> dict[str, torch.Tensor]:
    """The MLM head's own tensors; the embeddings, which it shares, are the encoder's."""
    shared = model.encoder.get_input_embeddings().weight.data_ptr()
    masked = [model.heads[slug].head for slug, head in heads.items() if head.kind is Kind.MASKED_WORDS]
    found = {name: value for head in masked for name, value in head.state_dict().items() if value.data_ptr() != shared}
    # XLM-R's bias stands under two names.
    return {name: value.clone() for name, value in found.items()}
