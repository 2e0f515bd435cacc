"""`python -m runner STAGE.json` runs all three phases for real, without Django or Celery, and resumes exactly."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file

from runner.events import EXIT_DONE, EXIT_STOPPED, EXIT_SUBMITTER
from runner.modeling.encoder import keep_layers, load_encoder
from runner.spec import EncoderRef, EvaluatePlan, Stage, TrainPlan
from tests.runner.factories import ROOT, command, job_for, run_cli, settings

pytestmark = pytest.mark.slow


def weights(output: str) -> dict[str, torch.Tensor]:
    folder = Path(output) / "checkpoint"
    encoder = load_file(folder / "encoder" / "model.safetensors")
    return {**encoder, **load_file(folder / "heads.safetensors")}


def assert_same_weights(one: str, other: str) -> None:
    first, second = weights(one), weights(other)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def by_kind(events: list[dict], kind: str) -> list[dict]:
    return [event for event in events if event["event"] == kind]


def test_three_phases(tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path) -> None:
    """Intermediate NLI, POS fine-tuning, POS in two languages, retrieval on the intermediate encoder."""
    phase_two = Stage(TrainPlan(("nli_cad",), settings()), tiny_encoder, 1, None)
    phase_three = Stage(TrainPlan(("udpos",), settings(epochs=8)), tiny_encoder, 1, phase_two.fingerprint)
    pos = Stage(EvaluatePlan("udpos", "test", ("de", "en"), 32), tiny_encoder, None, phase_three.fingerprint)
    retrieval = Stage(
        EvaluatePlan("tatoeba", "test", ("de",), 32, layer=1, pooling="mean"), tiny_encoder, None, phase_two.fingerprint
    )
    for stage in (phase_two, phase_three):
        code, events, log = run_cli(job_for(stage, tmp_path, mirror))
        assert code == EXIT_DONE, log
        assert events[0]["event"] == "environment"
        assert events[0]["packages"]["torch"]
        assert {event["split"] for event in by_kind(events, "data")} == {"train", "validation"}
        assert {event["path"] for event in by_kind(events, "artifact")} == {
            "checkpoint/encoder/config.json",
            "checkpoint/encoder/model.safetensors",
            "checkpoint/heads.safetensors",
        }
        assert events[-1]["event"] == "done"
        losses = [event["loss"] for event in by_kind(events, "curve") if "loss" in event]
        assert losses[-1] < losses[0]

    job = job_for(pos, tmp_path, mirror)
    code, events, log = run_cli(job)
    assert code == EXIT_DONE, log
    scores = {(event["language"], event["metric"]): event for event in by_kind(events, "score")}
    assert set(scores) == {(language, metric) for language in ("de", "en") for metric in ("f1", "accuracy")}
    # The tag follows from the word: a trained model is far above the 6 % of chance, also in the other language.
    assert scores["de", "accuracy"]["value"] > 80
    assert (scores["de", "f1"]["n"], scores["en", "f1"]["n"]) == (12, 20)
    items = pq.read_table(Path(job.output) / "items.parquet").to_pylist()
    assert len(items) == 32
    lines = (Path(job.output) / "predictions/udpos/test-de.tsv").read_text().split("\n\n")
    assert len([block for block in lines if block.strip()]) == 12

    code, events, log = run_cli(job_for(retrieval, tmp_path, mirror))
    assert code == EXIT_DONE, log
    (score,) = by_kind(events, "score")
    # Source and target are the same sentences here, all different, so each finds itself.
    assert (score["metric"], score["value"]) == ("accuracy", 100.0)


def test_the_same_seed_gives_the_same_weights(tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path) -> None:
    stage = Stage(TrainPlan(("udpos",), settings(epochs=1)), tiny_encoder, 3, None)
    one, other = (job_for(stage, tmp_path / name, mirror) for name in ("one", "other"))
    assert run_cli(one)[0] == run_cli(other)[0] == EXIT_DONE
    assert_same_weights(one.output, other.output)


@pytest.mark.parametrize("tasks", [("udpos",), ("nli_cad", "udpos")])
def test_a_stopped_run_goes_on_to_the_same_weights(
    tasks: tuple[str, ...], tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path
) -> None:
    """SIGTERM after the first steps: the engine writes a resume point; run again, it ends as if never stopped."""
    stage = Stage(TrainPlan(tasks, settings(epochs=60)), tiny_encoder, 5, None)
    whole, stopped = (job_for(stage, tmp_path / name, mirror) for name in ("whole", "stopped"))
    assert run_cli(whole)[0] == EXIT_DONE
    process = subprocess.Popen(command(stopped), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "curve" and event["step"] >= 40:
            process.send_signal(signal.SIGTERM)
            break
    process.communicate()
    assert process.wait(timeout=60) == EXIT_STOPPED
    (resume,) = Path(stopped.output).glob("resume-*")
    code, events, _ = run_cli(stopped)
    assert code == EXIT_DONE
    starts = [event for event in by_kind(events, "progress") if event["note"] == "training"]
    assert starts[0]["done"] == int(resume.name.removeprefix("resume-")) > 0
    assert not list(Path(stopped.output).glob("resume-*"))
    assert_same_weights(whole.output, stopped.output)


def test_missing_languages_are_all_named_before_anything_is_computed(
    tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    plan = EvaluatePlan("tatoeba", "test", ("de", "ka", "sw"), 32, layer=1, pooling="mean")
    code, events, _ = run_cli(job_for(Stage(plan, tiny_encoder, None, None), tmp_path, mirror))
    assert code == EXIT_SUBMITTER
    (error,) = by_kind(events, "error")
    assert error["family"] == "submitter"
    assert "in 2 of 3 languages" in error["message"]
    assert "ka (" in error["message"]
    assert "DATA_DIR/google/xtreme/tatoeba.swh/validation.parquet" in error["message"]
    assert not by_kind(events, "score")


def test_a_wrong_number_of_layers_is_the_submitters_error(
    tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path
) -> None:
    wrong = dataclasses.replace(tiny_encoder, layers=12)
    plan = EvaluatePlan("tatoeba", "test", ("de",), 32, layer=7, pooling="mean")
    code, events, _ = run_cli(job_for(Stage(plan, wrong, None, None), tmp_path, mirror))
    assert code == EXIT_SUBMITTER
    assert by_kind(events, "error")[0]["message"] == "tiny is registered with 12 layers, its weights have 2."


def test_an_unreadable_stage_file_is_answered_without_loading_torch(tmp_path: Path) -> None:
    path = tmp_path / "stage.json"
    path.write_text("{")
    done = subprocess.run(
        command_for(path), cwd=ROOT, capture_output=True, text=True, timeout=20, env={"PYTHONPROFILEIMPORTTIME": "1"}
    )
    assert done.returncode == EXIT_SUBMITTER
    assert json.loads(done.stdout)["message"].startswith("The stage file cannot be read")
    assert " torch\n" not in done.stderr


def command_for(path: Path) -> list[str]:
    return [sys.executable, "-m", "runner", str(path)]


def test_fewer_layers_give_the_hidden_state_of_that_layer(tiny_encoder: EncoderRef) -> None:
    whole, cut = load_encoder(tiny_encoder).eval(), load_encoder(tiny_encoder).eval()
    keep_layers(cut, 1)
    ids = torch.tensor([[0, 7, 9, 2]])
    with torch.inference_mode():
        expected = whole(input_ids=ids, output_hidden_states=True).hidden_states[1]
        assert torch.equal(cut(input_ids=ids).last_hidden_state, expected)
