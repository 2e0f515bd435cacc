"""How long fine-tuning takes: our loop against transformers' Trainer, with its defaults and with batches by length.

    python -m benchmarks.training [--encoder FOLDER] [--task SLUG] [--examples N] [--batch-size N] [--epochs N]
        [--repeats N] [--seed N] [--precision fp32|bf16] [--threads N]

All train the same encoder on the same sentence pairs from DATA_DIR with fused AdamW; rate, schedule, weight decay,
clipping and token ids are alike. Each has a process of its own, in turn; every round has another seed, which draws
pairs, head, order and dropout. Seconds are those of the steps, from the loaded model to the trained one; data,
tokenising and checkpoints are left out for all. Processor seconds are those of all threads: with `--threads 1` they
tell the work apart from what else the machine does, which seconds on a busy one do not. Accuracy is on English pairs
that nobody trained on, and compared seed by seed (paired t interval). Without an encoder a small one of random weights
is made, most of whose weights are its embedding table, as in multilingual ones.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PEERS = {"Trainer": "random", "Trainer, by length": "group_by_length"}
CONTENDERS = ("ours", *PEERS)
# What is asked of our loop, in real tokens per second.
TARGETS = {"Trainer": 2.0, "Trainer, by length": 1.2}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Times our training loop against transformers' Trainer.")
    parser.add_argument("--encoder", type=Path, help="A folder with an encoder and its tokenizer (default: made here).")
    parser.add_argument("--data", default=os.environ.get("DATA_DIR", ""), help="The data mirror (default: DATA_DIR).")
    parser.add_argument("--task", default="nli_cad", help="A task of sentence pairs (default: nli_cad).")
    parser.add_argument("--held-out", type=int, default=1000, help="Pairs to tell accuracy by (default: 1000).")
    parser.add_argument("--examples", type=int, default=1024, help="Training pairs (default: 1024).")
    parser.add_argument("--batch-size", type=int, default=16, help="Pairs per step (default: 16).")
    parser.add_argument("--epochs", type=int, default=1, help="Epochs (default: 1).")
    parser.add_argument("--max-length", type=int, default=256, help="Tokens of a pair at most (default: 256).")
    parser.add_argument("--learning-rate", type=float, default=2e-5, help="The peak rate (default: 2e-5).")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32", help="(default: fp32)")
    parser.add_argument("--repeats", type=int, default=3, help="Runs of each contender, and seeds (default: 3).")
    parser.add_argument("--threads", type=int, default=0, help="Processor threads; 0: PyTorch's choice (default).")
    parser.add_argument("--seed", type=int, default=1, help="The first round's seed (default: 1).")
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    options = arguments()
    if not options.data:
        print("DATA_DIR or --data has to name the data mirror.", file=sys.stderr)
        return 2
    if options.contender:
        print(json.dumps(measure(options)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        if options.encoder is None:
            options.encoder = Path(folder)
            make_encoder(options)
        results: dict[str, list[dict[str, float]]] = {name: [] for name in CONTENDERS}
        for seed in range(options.seed, options.seed + options.repeats):
            for name in CONTENDERS:
                results[name].append(in_a_process(name, seed, options))
                told(name, seed, results[name][-1])
    return report(results, options)


def in_a_process(name: str, seed: int, options: argparse.Namespace) -> dict[str, float]:
    given = {key: value for key, value in vars(options).items() if key not in ("contender", "repeats")}
    given["seed"] = seed
    flags = [part for key, value in given.items() for part in (f"--{key.replace('_', '-')}", str(value))]
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.training", "--contender", name, *flags]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def told(name: str, seed: int, run: Mapping[str, float]) -> None:
    """A line for each run as it ends, beside the report: rounds can take an hour."""
    print(
        f"seed {seed}, {name}: {run['seconds']:.1f} s, {run['real'] / run['seconds']:.0f} real tokens/s, "
        f"{run['accuracy']:.1f} %",
        file=sys.stderr,
        flush=True,
    )


def report(results: Mapping[str, list[dict[str, float]]], options: argparse.Namespace) -> int:
    """Print medians and ratios; 1 where a target is missed."""
    print(
        f"{options.examples} pairs, batches of {options.batch_size}, {options.epochs} epochs, {options.precision}, "
        f"{options.repeats} runs of each in turn, {options.task}"
    )
    print(f"{'':>20} {'seconds':>9} {'real tokens/s':>14} {'processor s':>12} {'padding':>8} {'accuracy':>9}")
    speeds, work = {}, {}
    for name, runs in results.items():
        middle = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        speeds[name] = middle["real"] / middle["seconds"]
        work[name] = middle["processor"] / middle["real"]
        padding = 1 - middle["real"] / middle["padded"]
        print(
            f"{name:>20} {middle['seconds']:9.2f} {speeds[name]:14.0f} {middle['processor']:12.2f} {padding:8.1%} "
            f"{statistics.mean(run['accuracy'] for run in runs):8.1f}%"
            f"   ({', '.join(format(run['seconds'], '.2f') for run in runs)})"
        )
    missed = False
    for name, target in TARGETS.items():
        ratio = speeds["ours"] / speeds[name]
        missed |= ratio < target
        print(
            f"ours is {ratio:.2f} x {name}, asked for {target} x; by processor time {work[name] / work['ours']:.2f} x; "
            f"{compared(results['ours'], results[name])}"
        )
    return int(missed)


def compared(ours: list[dict[str, float]], theirs: list[dict[str, float]]) -> str:
    """Whether accuracies differ: the paired 95 % interval of the difference over the seeds."""
    from scipy.stats import t

    differences = [one["accuracy"] - other["accuracy"] for one, other in zip(ours, theirs, strict=True)]
    mean = statistics.mean(differences)
    if len(differences) < 2:
        return f"accuracy {mean:+.1f} in a single run"
    reach = t.ppf(0.975, len(differences) - 1) * statistics.stdev(differences) / len(differences) ** 0.5
    verdict = "differs" if abs(mean) > reach else "does not differ"
    return f"accuracy {verdict}: {mean:+.1f} [{mean - reach:+.1f}, {mean + reach:+.1f}]"


def make_encoder(options: argparse.Namespace) -> None:
    """An XLM-R of 4 layers and width 256 with random weights, its tokenizer trained on the pairs."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaForMaskedLM

    from runner.data.readers import load
    from runner.tasks.registry import task

    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    pairs = load(task(options.task), "train", "en", options.data).examples
    texts = [text for pair in pairs for text in (pair.first, pair.second)]
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=8_000, special_tokens=special))
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    names = dict(zip(("bos", "pad", "eos", "unk", "mask"), special, strict=True))
    names |= {"cls": "<s>", "sep": "</s>"}
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, **{f"{name}_token": token for name, token in names.items()}
    )
    fast.save_pretrained(options.encoder)
    torch.manual_seed(0)
    config = XLMRobertaConfig(
        vocab_size=64_000,
        hidden_size=256,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=1024,
        max_position_embeddings=514,
        pad_token_id=1,
    )
    XLMRobertaForMaskedLM(config).save_pretrained(options.encoder)


def measure(options: argparse.Namespace) -> dict[str, float]:
    """Seconds of the steps, real and padded tokens in them, accuracy in percent on the validation pairs."""
    import torch
    from transformers import AutoConfig

    from runner.data.feature_cache import features_of
    from runner.data.material import training_data
    from runner.modeling.encoder import load_tokenizer
    from runner.spec import EncoderRef, Job, Stage, Training, TrainPlan
    from runner.tasks.registry import task

    if options.threads:
        torch.set_num_threads(options.threads)
    layers = AutoConfig.from_pretrained(options.encoder).num_hidden_layers
    encoder = EncoderRef("benchmark", str(options.encoder), "local", layers)
    training = Training(
        learning_rate=options.learning_rate,
        epochs=options.epochs,
        batch_size=options.batch_size,
        max_length=options.max_length,
        warmup=0.1,
        weight_decay=0.01,
        max_grad_norm=1.0,
        train_limit=options.examples,
        precision=options.precision,
    )
    plan = TrainPlan((options.task,), training, (task(options.task).pivot,))
    tokenizer = load_tokenizer(encoder)
    data = training_data(plan, options.seed, options.data)[options.task]
    held_out = unseen(task(options.task), data[0].labels, options)
    table, tests = (features_of(one, tokenizer, encoder, options.max_length) for one in (data, [held_out]))
    with tempfile.TemporaryDirectory() as folder:
        job = Job(Stage(plan, encoder, options.seed, None), folder)
        if options.contender == "ours":
            facts, predict = by_us(job, table, tests, data[0].labels, tokenizer.pad_token_id)
        else:
            facts, predict = by_trainer(job, table, len(data[0].labels), tokenizer, PEERS[options.contender])
    return {**facts, "accuracy": accuracy(predict, tests, tokenizer.pad_token_id)}


def unseen(task: Any, labels: Any, options: argparse.Namespace) -> Any:
    """English pairs of the validation split, or of the test split where there is no other."""
    from runner.data.readers import load

    split = "validation" if "validation" in task.splits else "test"
    return load(task, split, task.pivot, options.data, labels).first(options.held_out)


def by_us(
    job: Any, table: Any, tests: Any, labels: tuple[str, ...], pad: int
) -> tuple[dict[str, float], Callable[[dict], Any]]:
    """As runner.training.phases.train calls the loop, without development data and checkpoints."""
    from accelerate import Accelerator

    from runner.data.batches import within_budget
    from runner.engine import be_deterministic
    from runner.events import silent
    from runner.modeling.assembly import HeadFacts, new_model
    from runner.modeling.vocabulary import Vocabulary
    from runner.tasks.kinds import Kind
    from runner.training.loop import TOKEN_BUDGET, Surroundings, fit
    from runner.training.mixture import Mixture
    from runner.training.optimisation import decay_of_the_unmoved

    training, seed = job.stage.plan.training, job.stage.seed
    (name,) = job.stage.plan.tasks
    be_deterministic()
    accelerator = Accelerator(mixed_precision="bf16" if training.precision == "bf16" else "no")
    model = new_model(job, {name: HeadFacts(Kind.SENTENCE_PAIR, labels)})
    around = Surroundings(Path(job.output), job.stage.fingerprint, pad, silent, lambda: False, float("inf"))
    begun, worked = time.perf_counter(), time.process_time()
    mixture = Mixture({name: table.lengths}, batch_size=training.batch_size, epochs=training.epochs, seed=seed)
    vocabulary = Vocabulary(model.encoder, [table.ids, tests.ids])
    steps = fit(model, {name: table}, mixture, training, seed, accelerator, around)
    vocabulary.restore(decay_of_the_unmoved(steps, len(mixture), training))
    seconds, processor = time.perf_counter() - begun, time.process_time() - worked
    passes = [
        members
        for step in range(steps)
        for members in within_budget(table.lengths, mixture[step].indices, TOKEN_BUDGET)
    ]
    facts = {
        "seconds": seconds,
        "processor": processor,
        "real": sum(table.lengths[index] for members in passes for index in members),
        "padded": sum(len(members) * max(table.lengths[index] for index in members) for members in passes),
    }
    return facts, lambda batch: model(name, batch["input_ids"], batch["attention_mask"])


def by_trainer(
    job: Any, table: Any, labels: int, tokenizer: Any, sampling: str
) -> tuple[dict[str, float], Callable[[dict], Any]]:
    """transformers' Trainer, with its defaults but for what is to be alike."""
    import torch
    from transformers import AutoModelForSequenceClassification, DataCollatorWithPadding, Trainer, TrainingArguments

    training = job.stage.plan.training
    counts = {"real": 0, "padded": 0}
    pad = DataCollatorWithPadding(tokenizer)

    def collate(examples: list[dict[str, Any]]) -> Any:
        batch = pad(examples)
        counts["real"] += int(batch["attention_mask"].sum())
        counts["padded"] += batch["input_ids"].numel()
        return batch

    examples = [
        {"input_ids": table[row].ids.tolist(), "labels": int(table[row].labels[0])} for row in range(len(table))
    ]
    torch.manual_seed(job.stage.seed)
    model = AutoModelForSequenceClassification.from_pretrained(job.stage.encoder.location, num_labels=labels)
    trainer = Trainer(
        model,
        TrainingArguments(
            output_dir=job.output,
            learning_rate=training.learning_rate,
            num_train_epochs=training.epochs,
            per_device_train_batch_size=training.batch_size,
            warmup_steps=training.warmup,
            weight_decay=training.weight_decay,
            max_grad_norm=training.max_grad_norm,
            optim="adamw_torch_fused",
            bf16=training.precision == "bf16",
            train_sampling_strategy=sampling,
            dataloader_pin_memory=torch.cuda.is_available(),
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            seed=job.stage.seed,
        ),
        train_dataset=examples,
        data_collator=collate,
    )
    begun, worked = time.perf_counter(), time.process_time()
    trainer.train()
    seconds, processor = time.perf_counter() - begun, time.process_time() - worked
    model.eval()
    return {"seconds": seconds, "processor": processor, **counts}, lambda batch: model(**batch).logits


def accuracy(predict: Callable[[dict], Any], table: Any, pad: int) -> float:
    """In percent."""
    import torch
    from accelerate import PartialState

    from runner.data.batches import within_budget
    from runner.data.tensors import collate

    right = 0
    with torch.inference_mode():
        for members in within_budget(table.lengths, range(len(table)), 4096):
            batch = collate([table[index] for index in members], pad)
            labels = batch.pop("labels")
            batch = {name: tensor.to(PartialState().device) for name, tensor in batch.items()}
            right += int((predict(batch).argmax(-1).cpu() == labels).sum())
    return 100 * right / len(table)


if __name__ == "__main__":
    sys.exit(main())
