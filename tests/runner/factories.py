"""Small real things for tests of the engine: an encoder of 2 layers with its tokenizer, and a data mirror."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from runner.spec import EncoderRef, Job, Stage, Training
from runner.tasks.encoders import ENCODERS
from runner.tasks.kinds import TaskSpec

if TYPE_CHECKING:
    from runner.data.readers import Dataset

# No test asks the hub, which is waited for; read when the engine's libraries are imported.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

ROOT = Path(__file__).resolve().parents[2]
# The encoder of the pocket suite before its pretraining: every test can have it, on any machine.
POCKET = EncoderRef("pocket", ENCODERS["pocket"].location, ENCODERS["pocket"].revision, ENCODERS["pocket"].layers)
WORDS = ("the", "a", "cat", "dog", "bird", "house", "tree", "sees", "likes", "finds")
WORDS += ("not", "never", "big", "small", "old", "new", "green", "red")

# A model for a test of its parts, made without a file.
PAD = 1
SHAPE = {
    "vocab_size": 50,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 66,
    "pad_token_id": PAD,
    "initializer_range": 0.5,
}


def make_encoder(folder: Path, dropout: float = 0.1, layers: int = 2) -> EncoderRef:
    """An XLM-R of 2 layers and width 32 with random weights and an MLM head, and a tokenizer of whole words."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaForMaskedLM

    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    vocabulary = {token: index for index, token in enumerate([*special, *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
    )
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = XLMRobertaConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=66,
        pad_token_id=1,
        initializer_range=0.1,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
    )
    XLMRobertaForMaskedLM(config).save_pretrained(folder)
    return EncoderRef("tiny", str(folder), "test", layers)


def write_split(mirror: Path, dataset: str, config: str, split: str, rows: list[dict[str, Any]]) -> Path:
    """A split in the mirror's layout."""
    path = mirror / dataset / config / f"{split}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def tagged_rows(count: int, shift: int = 0) -> list[dict[str, Any]]:
    """Sentences whose tags follow from the words, in the shape of `google/xtreme` udpos."""
    rows = []
    for number in range(count):
        positions = [(number * 7 + shift + step * 5) % len(WORDS) for step in range(3 + number % 6)]
        rows.append({"tokens": [WORDS[at] for at in positions], "pos_tags": [at % 17 for at in positions]})
    return rows


def pair_rows(count: int) -> list[dict[str, Any]]:
    """Sentence pairs in the shape of counterfactually augmented NLI: the label follows from the hypothesis."""
    rows = []
    for number in range(count):
        first = " ".join(WORDS[(number + step) % len(WORDS)] for step in range(4 + number % 5))
        rows.append({"premise": first, "hypothesis": f"{WORDS[number % 3]} {first}", "label": number % 3})
    return rows


def dataset_of(task: TaskSpec, examples: Sequence[Any], labels: Sequence[str] = (), language: str = "en") -> Dataset:
    """`examples` as if they were all rows of the task's test data."""
    from runner.data.readers import Dataset
    from runner.spec import fingerprint

    return Dataset(
        task=task,
        language=language,
        split="test",
        labels=tuple(labels) or task.labels,
        examples=list(examples),
        source_items=[],
        kept=len(examples),
        rows=len(examples),
        sha256=fingerprint(repr(examples)),
        origin="mirror",
        revision=None,
    )


def choice_rows(count: int) -> list[dict[str, Any]]:
    """Questions with three choices in the shape of CommonsenseQA: the right one has the word "red"."""
    rows = []
    for number in range(count):
        words = [f"{WORDS[(number + step) % 10]} {('small', 'big', 'old')[step]}" for step in range(3)]
        words[number % 3] = f"{WORDS[number % 10]} red"
        rows.append(
            {
                "question": " ".join(WORDS[(number + step) % 10] for step in range(3 + number % 3)),
                "choices": {"label": ["A", "B", "C"], "text": words},
                "answerKey": "ABC"[number % 3],
            }
        )
    return rows


def question_rows(count: int, *, refused: int = 0, name: str = "q") -> list[dict[str, Any]]:
    """Questions in SQuAD's shape: the answer is the colour in the passage; every `refused`-th has none, and no colour.

    The passages have 24 to 43 words, so that a model input of 32 tokens holds only a part of some.
    """
    rows = []
    for number in range(count):
        words = [WORDS[(number * 3 + step * 7) % 14] for step in range(24 + number % 20)]
        answers: dict[str, list] = {"text": [], "answer_start": []}
        if not refused or number % refused:
            at = number * 5 % len(words)
            words[at] = ("green", "red")[number % 2]
            answers = {"text": [words[at]], "answer_start": [len(" ".join([*words[:at], ""]))]}
        rows.append(
            {"id": f"{name}{number}", "context": " ".join(words), "question": "the old tree", "answers": answers}
        )
    return rows


def text_rows(count: int, shift: int = 0) -> list[dict[str, Any]]:
    """Running text in the shape of Wikipedia: each word is followed by the same other one."""
    return [
        {"text": " ".join(WORDS[(number + step * 5 + shift) % len(WORDS)] for step in range(8 + number % 40))}
        for number in range(count)
    ]


def settings(**changes: Any) -> Training:
    """Hyper-parameters that suit the tiny encoder."""
    defaults = {
        "learning_rate": 3e-3,
        "epochs": 2,
        "batch_size": 8,
        "max_length": 32,
        "warmup": 0.1,
        "weight_decay": 0.01,
        "max_grad_norm": 1.0,
        "train_limit": None,
        "precision": "fp32",
    }
    return Training(**{**defaults, **changes})


def job_for(stage: Stage, root: Path, mirror: Path) -> Job:
    """A job whose folders are named after the stages' fingerprints."""
    parent = str(root / stage.parent) if stage.parent else None
    return Job(stage, str(root / stage.fingerprint), parent, str(mirror), threads=1)


def command(job: Job) -> list[str]:
    """The command line that runs `job`, whose stage file is written beside its folder."""
    path = Path(job.output).with_suffix(".json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(job.to_json())
    return [sys.executable, "-m", "runner", str(path)]


def run_cli(job: Job) -> tuple[int, list[dict[str, Any]], str]:
    """Exit code, events and log of `python -m runner`: seconds of importing torch, which `end` does without."""
    done = subprocess.run(command(job), cwd=ROOT, capture_output=True, text=True, timeout=120)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


@dataclass
class Engine:
    """An engine at work: `runner.__main__.main` on a job's stage file, in a process of its own."""

    process: BaseProcess
    output: Path

    def events(self) -> list[dict[str, Any]]:
        """The events so far."""
        text = self.output.with_suffix(".events").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def steps(self) -> Iterator[int]:
        """The optimiser steps that are done, as they are done; ends with the process."""
        seen = 0
        while True:
            alive = self.process.is_alive()
            done = [event["step"] for event in self.events() if event["event"] == "curve" and "loss" in event]
            yield from done[seen:]
            seen = len(done)
            if not alive:
                return
            time.sleep(0.002)

    def log(self) -> str:
        return self.output.with_suffix(".log").read_text(encoding="utf-8")

    def end(self, timeout: float = 120) -> int:
        """The exit code; minus the signal's number where one ended it."""
        self.process.join(timeout)
        assert self.process.exitcode is not None, f"still running after {timeout} s"
        return self.process.exitcode


def fork(target: Callable[..., None], *arguments: Any) -> BaseProcess:
    """A process, not yet started, that is forked from one that has imported the engine and done nothing else."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["runner.engine"])
    return context.Process(target=target, args=arguments)


def nothing() -> None:
    """What is done before the engine begins, by default."""


def start(job: Job, before: Callable[[], None] = nothing) -> Engine:
    """Start the engine on `job`, as `python -m runner` does, but without the seconds that importing torch takes.

    `before`, a function of a module, is called in its process.
    """
    output = Path(job.output)
    output.parent.mkdir(parents=True, exist_ok=True)
    stage = output.with_suffix(".json")
    stage.write_text(job.to_json())
    for suffix in (".log", ".events"):
        output.with_suffix(suffix).write_text("")  # those of an earlier attempt
    process = fork(_main, str(stage), before)
    process.start()
    return Engine(process, output)


def _main(stage: str, before: Callable[[], None]) -> None:
    from runner.__main__ import main

    before()
    for descriptor, suffix in ((2, ".log"), (1, ".events")):
        os.dup2(os.open(Path(stage).with_suffix(suffix), os.O_WRONLY | os.O_APPEND), descriptor)
    sys.exit(main([stage]))


def end(job: Job, before: Callable[[], None] = nothing) -> tuple[int, list[dict[str, Any]], str]:
    """Exit code, events and log of a stage."""
    engine = start(job, before)
    code = engine.end()
    return code, engine.events(), engine.log()


def run(job: Job) -> list[dict[str, Any]]:
    """The events of a stage that ends well."""
    engine = start(job)
    assert engine.end() == 0, engine.log()
    return engine.events()


def by_kind(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for event in events if event["event"] == kind]


def weights(output: str | Path) -> dict[str, Any]:
    """All tensors of a finished stage's checkpoint."""
    from safetensors.torch import load_file

    folder = Path(output) / "checkpoint"
    return {**load_file(folder / "encoder" / "model.safetensors"), **load_file(folder / "heads.safetensors")}


def assert_same_weights(one: str | Path, other: str | Path, within: float = 0.0) -> None:
    """Bit for bit, unless a largest difference is allowed.

    Then the biases of attention's keys are left out: they add the same to all scores of a query, so their gradients
    are rounding errors, which AdamW scales up to whole steps, and change nothing.
    """
    first, second = weights(one), weights(other)
    assert first.keys() == second.keys()
    worst = max(
        float((first[name] - second[name]).abs().max()) for name in first if not (within and "key.bias" in name)
    )
    assert worst <= within, f"weights differ by {worst:g}"
