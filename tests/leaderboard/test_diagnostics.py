"""Diagnoses and noise: asked for with a study, shared between runs, and recorded apart from scores."""

from __future__ import annotations

import copy
from dataclasses import asdict

import pytest

from leaderboard.models import DiagnosticValue, Encoder, Protocol, Run, Score, Stage
from leaderboard.services import dispatch, leases, results
from leaderboard.services.results import ResultError
from leaderboard.services.submission_recipes import Submission
from leaderboard.services.submissions import preview, submit
from leaderboard.services.work import examples
from runner import spec
from runner.errors import RecipeError
from runner.jobs.stage import run as run_lease
from runner.recipes import Diagnosis, Method
from runner.scoring.alignment import MEASURES
from runner.spec import MaskedWords, Noise
from tests import factories
from tests.runner.factories import make_encoder, text_rows, write_split

pytestmark = pytest.mark.django_db

TATOEBA = Diagnosis("tatoeba", ("de", "sw"), limit=300)


def asked(**fields) -> Submission:
    factories.encoder()
    defaults = {
        "name": "Diagnosed",
        "encoder": factories.ENCODER,
        "methods": (Method.BASELINE, Method.INTERMEDIATE),
        "intermediate_tasks": ("nli_cad",),
        "evaluations": (),
        "seeds": (1, 2),
        "diagnoses": (TATOEBA,),
    }
    return Submission(**{**defaults, **fields})


def test_it_works() -> None:
    study = submit(asked())

    stages = Stage.objects.filter(action=Stage.Action.ALIGN)
    # Once for the pretrained encoder, whoever asks, and once after each seed's intermediate phase.
    assert sorted(stage.title for stage in stages) == [
        "Measure alignment on Tatoeba in 2 languages, pretrained",
        "Measure alignment on Tatoeba in 2 languages, seed 1, after Counterfactual NLI",
        "Measure alignment on Tatoeba in 2 languages, seed 2, after Counterfactual NLI",
    ]
    assert stages.get(parent=None).runs.count() == 4
    study.refresh_from_db()
    assert study.diagnoses == [{**asdict(TATOEBA), "languages": ["de", "sw"]}]

    for run in Run.objects.all():
        factories.finish(run)
    assert DiagnosticValue.objects.count() == 3 * 2 * 13 * len(MEASURES)
    assert not Score.objects.exists()


def test_a_second_study_shares_what_was_measured() -> None:
    submit(asked())
    submit(asked(name="Again", seeds=(1,)))
    assert Stage.objects.filter(action=Stage.Action.ALIGN).count() == 3


def test_recording_twice_changes_nothing() -> None:
    submit(asked())
    stage = Stage.objects.get(action=Stage.Action.ALIGN, parent=None)
    for _ in range(2):
        results.record_diagnostics(stage, factories.diagnostics(stage))
    assert stage.diagnostics.count() == 2 * 13 * len(MEASURES)


def _without_a_layer(events):
    return [event for event in events if (event["language"], event["layer"]) != ("sw", 4)]


def _with_another_layer(events):
    return [*events, {**events[0], "layer": 13}]


def _without_a_measure(events):
    del events[3]["values"]["cka"]
    return events


def _out_of_range(events):
    events[0]["values"]["cka"] = 1.1
    return events


def _not_a_number(events):
    events[0]["values"]["isotropy"] = float("nan")
    return events


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_without_a_layer, "no measurement of sw in layer 4"),
        (_with_another_layer, "an unexpected measurement of de in layer 13"),
        (_without_a_measure, "None for cka of de in layer 3; it lies in 0..1"),
        (_out_of_range, "1.1 for cka of de in layer 0"),
        (_not_a_number, "nan for isotropy"),
    ],
)
def test_what_cannot_be_true_is_refused(change, sentence) -> None:
    submit(asked())
    stage = Stage.objects.get(action=Stage.Action.ALIGN, parent=None)
    with pytest.raises(ResultError, match=sentence):
        results.record_diagnostics(stage, change(copy.deepcopy(factories.diagnostics(stage))))
    assert not DiagnosticValue.objects.exists()


def test_other_stages_report_none() -> None:
    submit(asked())
    trained = Stage.objects.filter(action=Stage.Action.TRAIN).first()
    with pytest.raises(ResultError, match="was not asked for any"):
        results.record_diagnostics(trained, factories.diagnostics(Stage.objects.get(action="align", parent=None)))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"diagnoses": ()}, "at least one target task, or a text to measure alignment on"),
        ({"diagnoses": (TATOEBA, TATOEBA)}, "named twice"),
        ({"diagnoses": (Diagnosis("udpos"),)}, "has no parallel sentences"),
        ({"diagnoses": (Diagnosis("tatoeba", ("dee",)),)}, "no language 'dee'"),
        ({"diagnoses": (Diagnosis("tatoeba", ("yo",)),)}, "Tatoeba covers"),
        ({"diagnoses": (Diagnosis("tatoeba", limit=1),)}, "2 pairs or more, found 1"),
        (
            {
                "diagnoses": (Diagnosis("ntrex"),),
                "variants": ("plain", "mlm"),
                "masked": MaskedWords("ntrex", ("de",)),
            },
            "trained on by MLM here",
        ),
    ],
)
def test_a_diagnosis_that_cannot_be_is_refused(fields, sentence) -> None:
    with pytest.raises(RecipeError, match=sentence):
        submit(asked(**fields))
    assert not Stage.objects.exists()


def test_the_forecast_counts_diagnoses() -> None:
    forecast = preview(asked())
    assert forecast.stages == 5
    # Four runs with the pretrained encoder alone, and two of them after training: that again, each for itself.
    assert forecast.naive == 4 + 2 * 2


def test_the_work_of_a_diagnosis_is_both_sides_of_every_pair() -> None:
    for diagnosis, inputs in ((TATOEBA, 2 * 2 * 300), (Diagnosis("xnli", ("de",), limit=None), 2 * 2 * 5010)):
        submit(asked(name=diagnosis.task, diagnoses=(diagnosis,)))
        stage = Stage.objects.get(action="align", parent=None, spec__plan__task=diagnosis.task)
        assert examples(spec.Stage.from_dict(stage.spec)) == inputs


# Noise.


def test_noise_is_a_protocol_of_its_own() -> None:
    noisy = factories.evaluation("udpos", ("de",))
    noisy = type(noisy)(**{**noisy.__dict__, "noises": (Noise("typos"), Noise("casing", 0.5, 2))})
    submit(asked(evaluations=(noisy,), diagnoses=(), methods=(Method.BASELINE,), intermediate_tasks=(), seeds=(1,)))

    for run in Run.objects.all():
        factories.finish(run)

    assert list(Protocol.objects.order_by("noise").values_list("noise", "label")) == [
        ("", "test split"),
        ("casing 50 %, seed 2", "test split, noise: casing 50 %, seed 2"),
        ("typos 10 %", "test split, noise: typos 10 %"),
    ]
    titles = Stage.objects.filter(action="evaluate").order_by("pk").values_list("title", flat=True)
    assert [title.split(" in German")[1] for title in titles] == [
        ", seed 1",
        ", typos 10 %, seed 1",
        ", casing 50 %, seed 2, seed 1",
    ]


def test_protocols_from_before_noise_keep_their_fingerprint() -> None:
    factories.study(tasks=("tatoeba",), languages=("sw",), intermediates=(), methods=(Method.BASELINE,), seeds=(1,))
    plan = Stage.objects.get(action="evaluate").spec["plan"]
    assert "noise" not in plan
    values = {key: plan[key] for key in ("task", "split", "limit", "max_length", "layer", "pooling", "precision")}
    revision = {"scorer_version": spec.SCORER_VERSION, "data": Protocol.objects.get().data}
    assert Protocol.objects.get().fingerprint == spec.fingerprint({**values, **revision})


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_real_engine_fills_the_page(client, settings, tmp_path) -> None:
    mirror, sentences = tmp_path / "data", [row["text"] for row in text_rows(30)]
    pairs = [{"source_sentence": text, "target_sentence": f"{text} cat"} for text in sentences]
    write_split(mirror, "google/xtreme", "tatoeba.deu", "validation", pairs)
    settings.DATA_DIR, settings.ARTIFACT_DIR = str(mirror), tmp_path / "artifacts"
    reference = make_encoder(tmp_path / "encoder")
    Encoder.objects.create(
        slug="real", title="Real", location=reference.location, revision="1" * 40, layers=reference.layers
    )
    diagnosis = Diagnosis("tatoeba", ("de",), limit=20)
    submit(asked(encoder="real", methods=(Method.BASELINE,), intermediate_tasks=(), diagnoses=(diagnosis,)))
    stage = Stage.objects.get(action="align")

    dispatch.dispatch_ready()
    run_lease(leases.claim(stage.pk, "test:1"), "")

    stage.refresh_from_db()
    assert (stage.status, stage.message) == ("done", "")
    assert stage.diagnostics.count() == 3 * len(MEASURES)
    assert set(stage.artifacts.values_list("kind", flat=True)) == {"alignment", "log"}
    assert [row["language"] for row in stage.data] == ["de"]
    found = client.get("/alignment.json?layer=2").json()
    (value,) = stage.diagnostics.filter(layer=2, measure="accuracy_into_pivot").values_list("value", flat=True)
    assert found["rows"][0]["cells"]["de"] == {"value": value, "n": 20, "change": None}
