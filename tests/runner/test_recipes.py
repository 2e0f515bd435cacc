"""A recipe is planned into stages that are shared by content; what cannot work is refused in one sentence."""

from __future__ import annotations

import json

import pytest

from runner.errors import RecipeError
from runner.recipes import Evaluation, Method, PhaseSettings, Recipe, plan
from runner.spec import ENGINE_VERSION, EncoderRef, Job, Sampling, Stage

ENCODER = EncoderRef("tiny", "/somewhere", "abc", 12)
POS = Evaluation("udpos", "test", ("de", "en"))
TATOEBA = Evaluation("tatoeba", "test", ("sw",))
XNLI = Evaluation("xnli_cad", "test", ("en",))


def baseline(**changes) -> Recipe:
    return Recipe(ENCODER, Method.BASELINE, **changes)


def intermediate(task: str = "nli_cad", **changes) -> Recipe:
    return Recipe(ENCODER, Method.INTERMEDIATE, (task,), **changes)


def actions(stages: list[Stage]) -> list[str]:
    return [getattr(stage.plan, "task", None) or f"train {'+'.join(stage.plan.tasks)}" for stage in stages]


def test_it_works() -> None:
    stages = plan(intermediate(), [POS, TATOEBA], 1)
    assert actions(stages) == ["train nli_cad", "train udpos", "udpos", "tatoeba"]
    phase_two, tuned, pos, tatoeba = stages
    assert phase_two.parent is None
    assert tuned.parent == phase_two.fingerprint
    assert pos.parent == tuned.fingerprint
    assert tatoeba.parent == phase_two.fingerprint


def test_a_baseline_evaluates_retrieval_on_the_pretrained_encoder_whatever_the_seed() -> None:
    (one,), (two,) = plan(baseline(), [TATOEBA], 1), plan(baseline(), [TATOEBA], 2)
    assert one.parent is None
    assert one.fingerprint == two.fingerprint


def test_training_depends_on_the_seed() -> None:
    one, two = plan(baseline(), [POS], 1), plan(baseline(), [POS], 2)
    assert not {stage.fingerprint for stage in one} & {stage.fingerprint for stage in two}


def test_an_intermediate_phase_and_a_targets_fine_tuning_on_the_same_data_are_one_stage() -> None:
    tuned = plan(baseline(), [XNLI], 1)[0]
    phase_two = plan(intermediate(), [XNLI], 1)[0]
    assert tuned.fingerprint == phase_two.fingerprint


def test_equal_stages_are_planned_once() -> None:
    assert actions(plan(baseline(), [POS, POS, TATOEBA, TATOEBA], 1)) == ["train udpos", "udpos", "tatoeba"]


def test_the_identity_of_an_encoder_is_not_where_it_lies() -> None:
    moved = Recipe(EncoderRef("tiny", "/elsewhere", "abc", 12), Method.BASELINE)
    changed = Recipe(EncoderRef("tiny", "/somewhere", "abd", 12), Method.BASELINE)
    assert moved.fingerprint == baseline().fingerprint
    assert plan(moved, [POS], 1)[0].fingerprint == plan(baseline(), [POS], 1)[0].fingerprint
    assert changed.fingerprint != baseline().fingerprint
    assert plan(changed, [POS], 1)[0].fingerprint != plan(baseline(), [POS], 1)[0].fingerprint


def test_settings_that_a_baseline_never_reads_do_not_tell_two_apart() -> None:
    other = PhaseSettings(epochs=7)
    assert baseline(intermediate=other).fingerprint == baseline().fingerprint
    assert intermediate(intermediate=other).fingerprint != intermediate().fingerprint


def test_published_defaults_are_used_where_nothing_else_is_asked() -> None:
    tuned = plan(baseline(), [POS], 1)[0].plan.training
    assert (tuned.learning_rate, tuned.epochs, tuned.batch_size, tuned.max_length) == (1e-5, 10, 32, 256)
    small = plan(baseline(target=PhaseSettings(epochs=1, batch_size=4, max_length=64)), [POS], 1)[0].plan.training
    assert (small.epochs, small.batch_size, small.max_length) == (1, 4, 64)


@pytest.mark.parametrize(("layers", "layer"), [(24, 14), (12, 7), (6, 4), (2, 1)])
def test_retrieval_reads_the_same_relative_depth_of_every_encoder(layers: int, layer: int) -> None:
    recipe = Recipe(EncoderRef("tiny", "x", "abc", layers), Method.BASELINE)
    assert plan(recipe, [TATOEBA], 1)[0].plan.layer == layer


def test_a_layer_may_be_asked_for() -> None:
    (stage,) = plan(baseline(), [Evaluation("tatoeba", "test", ("sw",), layer=0)], 1)
    assert stage.plan.layer == 0
    with pytest.raises(RecipeError, match="tiny has layers 0 to 12; found layer 13"):
        plan(baseline(), [Evaluation("tatoeba", "test", ("sw",), layer=13)], 1)


def test_a_mixture_is_one_stage_with_its_tasks_in_one_order() -> None:
    one = Recipe(ENCODER, Method.MULTI_TASK, ("nli_cad", "ccg_pmb"), sampling=Sampling(cap=100))
    two = Recipe(ENCODER, Method.MULTI_TASK, ("ccg_pmb", "nli_cad"), sampling=Sampling(cap=100))
    assert plan(one, [TATOEBA], 1)[0].fingerprint == plan(two, [TATOEBA], 1)[0].fingerprint
    assert one.fingerprint == two.fingerprint
    assert actions(plan(one, [TATOEBA], 1)) == ["train ccg_pmb+nli_cad", "tatoeba"]


@pytest.mark.parametrize(
    ("method", "tasks", "sentence"),
    [
        (Method.BASELINE, ("nli_cad",), "The method 'baseline' has no intermediate task, found nli_cad."),
        (Method.INTERMEDIATE, (), "takes exactly one intermediate task, found 0."),
        (Method.INTERMEDIATE, ("nli_cad", "ccg_pmb"), "takes exactly one intermediate task, found 2."),
        (Method.MULTI_TASK, ("nli_cad",), "takes two or more intermediate tasks, found 1."),
    ],
)
def test_a_method_has_the_tasks_it_needs(method: Method, tasks: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence):
        Recipe(ENCODER, method, tasks)


def test_mining_evaluates_the_encoder_directly_as_retrieval_does() -> None:
    (stage,) = plan(baseline(), [Evaluation("bucc2018", "validation", ("zh",), limit=50)], 1)
    assert (stage.parent, stage.plan.pooling, stage.plan.limit) == (None, "mean", 50)
    assert stage.plan.layer == plan(baseline(), [TATOEBA], 1)[0].plan.layer


@pytest.mark.parametrize(
    ("evaluation", "sentence"),
    [
        (Evaluation("udpos", "train", ("de",)), r"can be evaluated on validation, test, not on 'train'"),
        (Evaluation("udpos", "dev", ("de",)), r"not on 'dev'"),
        (Evaluation("udpos", "test", ("de", "sw")), r"covers af, .*; found sw\."),
        (Evaluation("udpos", "test", ()), r"found no language\."),
        (Evaluation("udpso", "test", ("de",)), r"Did you mean udpos"),
    ],
)
def test_an_evaluation_that_cannot_be_is_refused(evaluation: Evaluation, sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence):
        plan(baseline(), [evaluation], 1)


def test_stages_and_jobs_survive_json() -> None:
    for stage in plan(intermediate(), [POS, TATOEBA], 1):
        assert Stage.from_dict(json.loads(json.dumps(stage.to_dict()))) == stage
        job = Job(stage, "out", None, "data", 2)
        assert Job.from_json(job.to_json()) == job


def test_a_stage_of_another_engine_is_refused() -> None:
    raw = plan(baseline(), [TATOEBA], 1)[0].to_dict()
    with pytest.raises(RecipeError, match="planned for engine version 0"):
        Stage.from_dict({**raw, "engine_version": "0"})


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"stage": {}}', f'{{"stage": {{"engine_version": "{ENGINE_VERSION}"}}, "output": "x"}}']
)
def test_a_broken_stage_file_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match="The stage file cannot be read"):
        Job.from_json(text)
