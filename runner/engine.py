"""The engine: runs one stage in this process. Torch and transformers, no Django, no Celery."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from accelerate import PartialState

from runner.evaluation.alignment import align
from runner.evaluation.labelled import development
from runner.evaluation.zero_shot import evaluate
from runner.events import Emit, silent
from runner.launch import is_worker
from runner.spec import ENGINE_VERSION, SCORER_VERSION, AlignPlan, Job, TrainPlan
from runner.training.phases import train

# What was installed, if nobody changed it since: the versions of all packages.
LOCK_FILE = Path(__file__).resolve().parent.parent / "requirements.txt"
PACKAGES = (
    "torch",
    "transformers",
    "datasets",
    "tokenizers",
    "accelerate",
    "safetensors",
    "numpy",
    "pyarrow",
)


def run(job: Job, emit: Emit, should_stop: Callable[[], bool]) -> None:
    """Run the job's stage. RecipeError: the submitter can mend it; loop.Stopped: asked to stop, can be resumed."""
    begun = time.monotonic()
    be_deterministic()
    # Several processes without a GPU have to be told that processors are meant.
    state = PartialState(cpu=is_worker() and not torch.cuda.is_available())
    emit = emit if state.is_main_process else silent
    if job.threads:
        torch.set_num_threads(max(1, job.threads // state.num_processes))
    Path(job.output).mkdir(parents=True, exist_ok=True)
    emit("environment", **environment())
    if _precision(job) == "bf16" and not bf16_in_hardware():
        # Measured: ten times slower than fp32.
        note = "this processor has no bf16 instructions: fp32 is many times faster here"
        print(f"Slow: {note}.", file=sys.stderr)
        emit("progress", done=0, total=0, unit="steps", note=note)
    if isinstance(job.stage.plan, TrainPlan):
        train(job, emit, should_stop, development)
    elif state.is_main_process:
        measure = align if isinstance(job.stage.plan, AlignPlan) else evaluate
        measure(job, emit, should_stop)
    emit("done", seconds=time.monotonic() - begun)
    state.destroy_process_group()


def be_deterministic() -> None:
    """The same seed shall give the same weights on a GPU too; what torch cannot promise is named in the log."""
    # Read when CUDA starts (cuBLAS, "Results reproducibility").
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Filling memory that is written anyway costs time and finds nothing here.
    torch.utils.deterministic.fill_uninitialized_memory = False


def _precision(job: Job) -> str:
    plan = job.stage.plan
    return plan.training.precision if isinstance(plan, TrainPlan) else plan.precision


def bf16_in_hardware() -> bool:
    """Whether the device of this process has instructions for bf16; without them a processor emulates it."""
    if PartialState().device.type != "cpu":
        return True
    able = torch.cpu.get_capabilities()
    return any(able.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def environment() -> dict[str, object]:
    """What a reader needs to run the stage again: versions, revision of this program, device."""
    device = PartialState().device
    return {
        "engine_version": ENGINE_VERSION,
        "scorer_version": SCORER_VERSION,
        "git_revision": _git_revision(),
        "lock": hashlib.sha256(LOCK_FILE.read_bytes()).hexdigest() if LOCK_FILE.is_file() else "",
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": torch.get_num_threads(),
        "processes": PartialState().num_processes,
        "bf16": "in hardware" if bf16_in_hardware() else "emulated",
    }


def _git_revision() -> str:
    """The commit of this program, with `+changes` where files differ from it; empty outside a checkout."""
    root = Path(__file__).resolve().parent.parent
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, timeout=10)
        changes = subprocess.run(
            ["git", "status", "--porcelain", "--", "runner"], cwd=root, capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    if commit.returncode:
        return ""
    return commit.stdout.strip() + ("+changes" if changes.stdout.strip() else "")
