"""Whole stages that measure alignment: every layer of a checkpoint, on every kind of parallel text."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from runner.data.parallel import load_parallel
from runner.errors import RecipeError
from runner.evaluation.alignment import align
from runner.scoring.alignment import MEASURES
from runner.spec import AlignPlan, EncoderRef, EvaluatePlan, Stage, TrainPlan
from runner.tasks.registry import task as find_task
from tests.runner.factories import by_kind, job_for, run, settings, text_rows, write_split


def measured(plan, encoder: EncoderRef, root: Path, mirror: Path, parent: str | None = None) -> list[dict]:
    """The events of a stage, in this process."""
    events: list[dict] = []
    job = job_for(Stage(plan, encoder, None, parent), root, mirror)
    Path(job.output).mkdir(parents=True, exist_ok=True)
    align(job, lambda event, **fields: events.append({"event": event, **fields}), lambda: False)
    return events


@pytest.mark.slow
def test_it_works(tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path) -> None:
    plan = AlignPlan("tatoeba", "test", ("de",), 32)
    job = job_for(Stage(plan, tiny_encoder, None, None), tmp_path, mirror)

    events = run(job)

    found = by_kind(events, "diagnostic")
    assert [event["layer"] for event in found] == [0, 1, 2]
    assert all(set(event["values"]) == set(MEASURES) for event in found)
    # The mirror's German is its English: every sentence is its own translation.
    assert all(event["values"]["cka"] == pytest.approx(1) for event in found)
    assert all(event["values"]["accuracy_into_pivot"] == 100 for event in found[1:])
    assert by_kind(events, "score") == []
    rows = pq.read_table(Path(job.output) / "alignment.parquet").to_pylist()
    assert len(rows) == sum(event["n"] for event in found)
    assert sum(row["into_pivot"] for row in rows if row["layer"] == 2) == found[2]["n"]
    assert [artifact["kind"] for artifact in by_kind(events, "artifact")] == ["alignment"]
    assert by_kind(events, "progress")[-1]["done"] == by_kind(events, "progress")[-1]["total"] > 0


def test_a_layer_finds_what_retrieval_from_that_layer_finds(
    tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path
) -> None:
    sentences = [row["text"] for row in text_rows(40)]
    pairs = [
        {"source_sentence": one, "target_sentence": f"{other} the cat"}
        for one, other in zip(sentences, sentences, strict=True)
    ]
    write_split(tmp_path / "mirror", "google/xtreme", "tatoeba.deu", "validation", pairs)

    found = by_kind(
        measured(AlignPlan("tatoeba", "test", ("de",), 32), tiny_encoder, tmp_path, tmp_path / "mirror"), "diagnostic"
    )

    for layer in (0, 1, 2):
        plan = EvaluatePlan("tatoeba", "test", ("de",), 32, layer=layer, pooling="mean")
        events = run(job_for(Stage(plan, tiny_encoder, None, None), tmp_path, tmp_path / "mirror"))
        assert by_kind(events, "score")[0]["value"] == pytest.approx(
            found[layer]["values"]["accuracy_into_pivot"], abs=1e-9
        )


@pytest.mark.slow
def test_a_checkpoint_is_measured_as_it_was_trained(tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path) -> None:
    trainer = Stage(TrainPlan(("nli_cad",), settings(epochs=1)), tiny_encoder, 1, None)
    run(job_for(trainer, tmp_path, mirror))
    plan = AlignPlan("xnli", "test", ("de",), 32, limit=20)

    before = by_kind(measured(plan, tiny_encoder, tmp_path, mirror), "diagnostic")
    after = by_kind(measured(plan, tiny_encoder, tmp_path, mirror, trainer.fingerprint), "diagnostic")

    assert [event["n"] for event in after] == [20, 20, 20]
    assert before[2]["values"]["isotropy"] != after[2]["values"]["isotropy"]


def test_both_sides_of_sentence_pairs_are_read_each_once(mirror: Path) -> None:
    text = load_parallel(find_task("xnli"), "test", "de", str(mirror))

    assert text.source == text.target
    assert len(set(text.source)) == len(text.source) > 30
    assert [event["language"] for event in text.events] == ["de", "en"]


def test_lines_of_running_text_are_translations_of_each_other(tmp_path: Path) -> None:
    rows = [{"de": f"Satz {number}", "en": f"sentence {number}"} for number in range(5)]
    write_split(tmp_path, "mteb/NTREX", "parallel_45", "test", rows)

    text = load_parallel(find_task("ntrex"), "train", "de", str(tmp_path), limit=3)

    assert text.source == ["Satz 0", "Satz 1", "Satz 2"]
    assert text.target == ["sentence 0", "sentence 1", "sentence 2"]


def test_rows_that_do_not_line_up_are_refused(tmp_path: Path) -> None:
    rows = [{"de": text, "en": "sentence"} for text in ("Satz", "", "noch ein Satz")]
    write_split(tmp_path, "mteb/NTREX", "parallel_45", "test", rows)

    with pytest.raises(RecipeError, match="2 of 3 rows of de can be used and 3 of 3 of en, so they do not line up"):
        load_parallel(find_task("ntrex"), "train", "de", str(tmp_path))


def test_missing_languages_are_named_all_at_once(tiny_encoder: EncoderRef, mirror: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"Tatoeba in 2 of 3 languages; .*sw \(.*th \("):
        measured(AlignPlan("tatoeba", "test", ("de", "sw", "th"), 32), tiny_encoder, tmp_path, mirror)
