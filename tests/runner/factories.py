"""Small real things for tests of the engine: an encoder of 2 layers with its tokenizer, and a data mirror."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from runner.spec import EncoderRef, Job, Stage, Training
from runner.tasks.kinds import TaskSpec

if TYPE_CHECKING:
    from runner.data.readers import Dataset

ROOT = Path(__file__).resolve().parents[2]
WORDS = ("the", "a", "cat", "dog", "bird", "house", "tree", "sees", "likes", "finds")
WORDS += ("not", "never", "big", "small", "old", "new", "green", "red")


def make_encoder(folder: Path) -> EncoderRef:
    """An XLM-R of 2 layers and width 32 with random weights, and a tokenizer of whole words and characters."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

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
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=66,
        pad_token_id=1,
        initializer_range=0.1,
    )
    XLMRobertaModel(config, add_pooling_layer=False).save_pretrained(folder)
    return EncoderRef("tiny", str(folder), "test", 2)


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
    """Exit code, events and log of `python -m runner`."""
    done = subprocess.run(command(job), cwd=ROOT, capture_output=True, text=True, timeout=120)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr
