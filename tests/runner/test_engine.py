"""`python -m runner STAGE.json` runs a stage without Django or Celery, and answers what it cannot run in a sentence."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from runner.events import EXIT_DONE, EXIT_SUBMITTER
from runner.modeling.encoder import keep_layers, load_encoder
from runner.spec import EncoderRef, EvaluatePlan, Stage, TrainPlan
from tests.runner.factories import (
    ROOT,
    assert_same_weights,
    by_kind,
    job_for,
    make_encoder,
    pair_rows,
    run,
    run_cli,
    settings,
    start,
    write_split,
)

pytestmark = pytest.mark.slow

# Thirteen files of C++ for one layer, most of whose time is the library's headers: two minutes on two cores, where none
# was kept. What they hold is the library's; what the engine hands to it is the same as for the other backend.
KERNELS = pytest.mark.skipif(
    not (shutil.which("c++") and os.environ.get("ENGINE_COMPILE") == "1"),
    reason="C++ kernels are compiled with ENGINE_COMPILE=1, where c++ is",
)


def test_it_works(tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path) -> None:
    """Intermediate NLI, POS fine-tuning that starts from it, and POS in two languages."""
    phase_two = Stage(TrainPlan(("nli_cad",), settings()), tiny_encoder, 1, None)
    phase_three = Stage(TrainPlan(("udpos",), settings(epochs=8)), tiny_encoder, 1, phase_two.fingerprint)
    pos = Stage(EvaluatePlan("udpos", "test", ("de", "en"), 32), tiny_encoder, None, phase_three.fingerprint)
    for stage in (phase_two, phase_three):
        events = run(job_for(stage, tmp_path, mirror))
        assert events[0]["event"] == "environment"
        assert events[0]["packages"]["torch"]
        assert {event["split"] for event in by_kind(events, "data")} == {"train", "validation"}
        assert {event["path"] for event in by_kind(events, "artifact")} == {
            "checkpoint/encoder/config.json",
            "checkpoint/encoder/model.safetensors",
            "checkpoint/heads.safetensors",
        }
        assert events[-1]["event"] == "done"

    code, events, log = run_cli(job_for(pos, tmp_path, mirror))
    assert code == EXIT_DONE, log
    scores = {(event["language"], event["metric"]): event for event in by_kind(events, "score")}
    assert set(scores) == {(language, metric) for language in ("de", "en") for metric in ("f1", "accuracy")}
    # The tag follows from the word: a trained model is far above the 6 % of chance, also in the other language.
    assert scores["de", "accuracy"]["value"] > 80
    assert (scores["de", "f1"]["n"], scores["en", "f1"]["n"]) == (12, 20)


def test_activations_computed_twice_change_nothing(tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path) -> None:
    """Dropout included: its draws are repeated."""
    stage = Stage(TrainPlan(("nli_cad",), settings(epochs=1)), tiny_encoder, 3, None)
    plain, twice = (job_for(stage, tmp_path / name, mirror) for name in ("plain", "twice"))
    run(plain)
    run(dataclasses.replace(twice, gradient_checkpointing=True))
    assert_same_weights(plain.output, twice.output, within=1e-6)


@pytest.mark.parametrize("backend", ["aot_eager", pytest.param("inductor", marks=KERNELS)])
def test_a_compiled_encoder_learns_the_same(backend: str, tmp_path: Path) -> None:
    """Forward and backward as the compiler captures them; on request in C++ kernels, as in use.

    Without dropout, whose draws the compiler makes in its own order; without development data, whose graph would be
    a second one.
    """
    encoder = make_encoder(tmp_path / "encoder", dropout=0.0, layers=1)
    write_split(tmp_path, "acmi-lab/counterfactually-augmented-data", "nli", "train", pair_rows(32))
    stage = Stage(TrainPlan(("nli_cad",), settings(epochs=1)), encoder, 3, None)
    plain, compiled = (job_for(stage, tmp_path / name, tmp_path) for name in ("plain", "compiled"))
    run(plain)
    engine = start(dataclasses.replace(compiled, compile=backend))
    assert engine.end(timeout=400) == EXIT_DONE, engine.log()
    assert_same_weights(plain.output, compiled.output, within=1e-4)


def test_bf16_that_is_emulated_is_named(tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path) -> None:
    """It is many times slower, and no error."""
    for precision in ("bf16", "fp32"):
        plan = EvaluatePlan("tatoeba", "test", ("de",), 32, layer=1, pooling="mean", precision=precision)
        engine = start(job_for(Stage(plan, tiny_encoder, None, None), tmp_path, mirror))
        assert engine.end() == EXIT_DONE, engine.log()
        (environment,) = by_kind(engine.events(), "environment")
        able = torch.cpu.get_capabilities()
        in_hardware = any(able.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16")) or torch.cuda.is_available()
        assert environment["bf16"] == ("in hardware" if in_hardware else "emulated")
        told = "this processor has no bf16 instructions"
        expected = precision == "bf16" and not in_hardware
        assert (told in engine.log()) == expected
        assert any(told in event["note"] for event in by_kind(engine.events(), "progress")) == expected


def test_missing_languages_are_all_named_before_anything_is_computed(
    tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path
) -> None:
    plan = EvaluatePlan("tatoeba", "test", ("de", "ka", "sw"), 32, layer=1, pooling="mean")
    engine = start(job_for(Stage(plan, tiny_encoder, None, None), tmp_path, mirror))
    assert engine.end() == EXIT_SUBMITTER
    (error,) = by_kind(engine.events(), "error")
    assert error["family"] == "submitter"
    assert "in 2 of 3 languages" in error["message"]
    assert "ka (" in error["message"]
    assert "DATA_DIR/google/xtreme/tatoeba.swh/validation.parquet" in error["message"]
    assert not by_kind(engine.events(), "score")


def test_a_wrong_number_of_layers_is_the_submitters_error(
    tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path
) -> None:
    wrong = dataclasses.replace(tiny_encoder, layers=12)
    plan = EvaluatePlan("tatoeba", "test", ("de",), 32, layer=7, pooling="mean")
    engine = start(job_for(Stage(plan, wrong, None, None), tmp_path, mirror))
    assert engine.end() == EXIT_SUBMITTER
    (error,) = by_kind(engine.events(), "error")
    assert error["message"] == "tiny is registered with 12 layers, its weights have 2."


def test_an_unreadable_stage_file_is_answered_without_loading_torch(tmp_path: Path) -> None:
    path = tmp_path / "stage.json"
    path.write_text("{")
    done = subprocess.run(
        [sys.executable, "-m", "runner", str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PYTHONPROFILEIMPORTTIME": "1"},
    )
    assert done.returncode == EXIT_SUBMITTER
    assert json.loads(done.stdout)["message"].startswith("The stage file cannot be read")
    assert " torch\n" not in done.stderr


def test_fewer_layers_give_the_hidden_state_of_that_layer(tiny_encoder: EncoderRef) -> None:
    whole, cut = load_encoder(tiny_encoder).eval(), load_encoder(tiny_encoder).eval()
    keep_layers(cut, 1)
    ids = torch.tensor([[0, 7, 9, 2]])
    with torch.inference_mode():
        expected = whole(input_ids=ids, output_hidden_states=True).hidden_states[1]
        assert torch.equal(cut(input_ids=ids).last_hidden_state, expected)
