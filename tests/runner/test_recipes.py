"""A recipe is planned into stages that are shared by content; what cannot work is refused in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from runner.errors import RecipeError
from runner.recipes import Diagnosis, Evaluation, Method, PhaseSettings, Recipe, parallel_texts, plan
from runner.spec import ENGINE_VERSION, EncoderRef, EvaluatePlan, Job, MaskedWords, Noise, Sampling, Stage
from runner.tasks.encoders import ENCODERS

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
    uniform = Recipe(ENCODER, Method.MULTI_TASK, ("ccg_pmb", "nli_cad"), sampling=Sampling("uniform"))
    assert uniform.fingerprint != one.fingerprint
    assert plan(uniform, [TATOEBA], 1)[0].fingerprint != plan(one, [TATOEBA], 1)[0].fingerprint


def test_a_single_task_has_no_sampling() -> None:
    other = intermediate(sampling=Sampling("uniform"))
    assert plan(other, [TATOEBA], 1)[0].plan.sampling is None
    assert other.fingerprint == intermediate().fingerprint


def test_masked_words_stand_beside_the_tasks_or_alone() -> None:
    words = MaskedWords("ntrex", ("sw", "de"), share=0.3)
    beside, alone = plan(intermediate(masked=words), [TATOEBA], 1)[0], plan(baseline(masked=words), [TATOEBA], 1)[0]
    # In one order of languages; alone, no share tells two equal stages apart.
    assert beside.plan.masked == MaskedWords("ntrex", ("de", "sw"), share=0.3)
    assert (alone.plan.tasks, alone.plan.masked.share) == ((), MaskedWords.share)
    assert alone.plan.training.max_length == 256
    other = baseline(masked=MaskedWords("ntrex", ("de", "sw"), share=0.9))
    assert plan(other, [TATOEBA], 1)[0].fingerprint == alone.fingerprint


def test_translated_data_is_of_the_intermediate_tasks_or_of_the_target() -> None:
    translated = plan(intermediate(translation=("sw", "de")), [POS], 1)
    assert [stage.plan.languages for stage in translated[:2]] == [("de", "sw"), ("en",)]
    recipe = Recipe(ENCODER, Method.TRANSLATE_TRAIN, translation=("en", "de"))
    tuned, evaluated = plan(recipe, [XNLI], 1)
    assert (tuned.plan.tasks, tuned.plan.languages, tuned.parent) == (("nli_cad",), ("de", "en"), None)
    assert evaluated.parent == tuned.fingerprint


@pytest.mark.parametrize(
    ("method", "options", "sentence"),
    [
        (Method.TRANSLATE_TRAIN, {}, "takes languages other than English, and no MLM"),
        (Method.TRANSLATE_TRAIN, {"translation": ("en",)}, "takes languages other than English, and no MLM"),
        (
            Method.TRANSLATE_TRAIN,
            {"translation": ("de",), "masked": MaskedWords("ntrex", ("de",))},
            "takes languages other than English, and no MLM",
        ),
        (Method.BASELINE, {"translation": ("de",)}, "A baseline has no intermediate data that could be translated"),
        (Method.INTERMEDIATE, {"translation": ("de", "de")}, "each named once; found de, de"),
        (Method.INTERMEDIATE, {"translation": ("en",)}, "in languages other than English.* found en"),
    ],
)
def test_translations_and_masked_words_that_make_no_sense_are_refused(
    method: Method, options: dict, sentence: str
) -> None:
    with pytest.raises(RecipeError, match=sentence):
        Recipe(ENCODER, method, ("mnli",) if method is Method.INTERMEDIATE else (), **options)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Sampling("random"), "sampled proportional, temperature, uniform; found 'random'"),
        (lambda: Sampling("temperature"), "A temperature belongs to the sampling 'temperature'"),
        (lambda: Sampling(temperature=2.0), "A temperature belongs to the sampling 'temperature'"),
        (lambda: Sampling("temperature", temperature=0.0), "is above 0, found 0.0"),
        (lambda: Sampling(cap=0), "is 1 or more, found 0"),
        (lambda: MaskedWords("ntrex", ()), "MLM needs at least one language"),
        (lambda: MaskedWords("ntrex", ("de",), share=1.0), "between 0 and 1, found 1.0"),
        (lambda: MaskedWords("ntrex", ("de",), mask_rate=0.0), "between 0 and 1, found 0.0"),
        (lambda: MaskedWords("ntrex", ("de",), texts=0), "is 1 or more, found 0"),
    ],
)
def test_settings_outside_their_range_are_refused(make: Callable[[], object], sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence):
        make()


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
        (Evaluation("xquad", "validation", ("de",)), r"XQuAD can be evaluated on test, not on 'validation'"),
        (Evaluation("udpso", "test", ("de",)), r"Did you mean udpos"),
    ],
)
def test_an_evaluation_that_cannot_be_is_refused(evaluation: Evaluation, sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence):
        plan(baseline(), [evaluation], 1)


def test_a_target_is_trained_on_the_data_of_its_training_task() -> None:
    targets = [Evaluation("xquad", "test", ("de",)), Evaluation("mlqa", "test", ("de",))]
    assert actions(plan(baseline(), targets, 1)) == ["train squad_v1", "xquad", "mlqa"]
    assert actions(plan(intermediate("anli_plus"), [XNLI], 1)) == ["train anli_plus", "train nli_cad", "xnli_cad"]


def test_stages_and_jobs_survive_json() -> None:
    words = MaskedWords("ntrex", ("de", "sw"), texts=9)
    mixed = Recipe(ENCODER, Method.MULTI_TASK, ("nli_cad", "ccg_pmb"), sampling=Sampling(cap=9), masked=words)
    noisy = replace(TATOEBA, noises=(Noise("typos"),))
    diagnosed = plan(intermediate(), [POS, noisy], 1, [Diagnosis("tatoeba")])
    for stage in [*diagnosed, *plan(mixed, [POS], 1)]:
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


def test_stages_from_before_noise_keep_their_fingerprints(monkeypatch: pytest.MonkeyPatch) -> None:
    # Of the engine of version 2, before noise was known: only a version changes what stages are.
    monkeypatch.setattr("runner.spec.ENGINE_VERSION", "2")
    tagged = Stage(EvaluatePlan("udpos", "test", ("de", "en"), 128), ENCODER, None, "0" * 64)
    found = Stage(EvaluatePlan("tatoeba", "test", ("sw",), 512, 9, 7, "mean"), ENCODER, None, None)
    assert tagged.fingerprint == "74fc38a3e25adb104e4199bb472430160b8da90c96c60b0c9ebc87713f200076"
    assert found.fingerprint == "2b68d6f48727af3ce962d14b7149f764ad6574fe3e2c9fd24729c1fa86a4a2b2"


def test_noise_is_evaluated_beside_the_clean_data_on_the_same_model() -> None:
    noises = (Noise("typos"), Noise("casing", 0.5))
    stages = plan(baseline(), [replace(POS, noises=noises)], 1)
    assert actions(stages) == ["train udpos", "udpos", "udpos", "udpos"]
    assert [stage.plan.noise for stage in stages[1:]] == [None, *noises]
    assert {stage.parent for stage in stages[1:]} == {stages[0].fingerprint}
    assert stages[1] == plan(baseline(), [POS], 1)[1]


def test_mining_is_not_evaluated_with_noise() -> None:
    with pytest.raises(RecipeError, match="BUCC 2018 mines whole pools"):
        plan(baseline(), [Evaluation("bucc2018", "test", ("de",), noises=(Noise("typos"),))], 1)


def test_a_diagnosis_looks_at_the_pretrained_encoder_and_after_the_intermediate_phase() -> None:
    diagnosis = Diagnosis("tatoeba", ("de", "sw", "yo"), limit=100)
    phase_two, before, after = plan(intermediate(), [], 1, [diagnosis])
    assert before.parent is None
    assert after.parent == phase_two.fingerprint
    assert before.plan == after.plan
    assert before.plan.languages == ("de", "sw")  # what the text lacks is left out
    # A baseline's is the one that all others compare with.
    assert plan(baseline(), [], 7, [diagnosis]) == [before]


def test_an_encoder_that_is_made_here_is_diagnosed_after_its_pretraining() -> None:
    made = ENCODERS["pocket"]
    recipe = replace(
        intermediate("pocket_inference"), encoder=EncoderRef(made.slug, made.location, made.revision, made.layers)
    )
    pretraining, phase_two, before, after = plan(recipe, [], 1, [Diagnosis("pocket_search")])
    assert (before.parent, after.parent) == (pretraining.fingerprint, phase_two.fingerprint)


def test_a_diagnosis_of_parallel_text_leaves_english_out() -> None:
    (stage,) = plan(baseline(), [], 1, [Diagnosis("ntrex")])
    assert "en" not in stage.plan.languages
    assert len(stage.plan.languages) == 38


def test_the_parallel_texts_are_those_that_line_up() -> None:
    texts = [text.slug for text in parallel_texts()]
    assert texts[:5] == ["xnli", "paws_x", "bucc2018", "tatoeba", "ntrex"]
    assert set(texts[5:]) == {"pocket_xinference", "pocket_paraphrase", "pocket_mining", "pocket_search"}


@pytest.mark.parametrize(
    ("diagnosis", "sentence"),
    [
        (
            Diagnosis("udpos"),
            "POS tagging .* has no parallel sentences .* these have: XNLI, PAWS-X, BUCC 2018, Tatoeba",
        ),
        (Diagnosis("bucc2018", ("sw",)), "BUCC 2018 covers de, fr, ru, zh; found sw"),
    ],
)
def test_a_diagnosis_that_cannot_be_is_refused(diagnosis: Diagnosis, sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence):
        plan(baseline(), [], 1, [diagnosis])


def test_no_alignment_is_measured_on_the_text_of_mlm() -> None:
    recipe = baseline(masked=MaskedWords("ntrex", ("de",)))
    with pytest.raises(RecipeError, match="NTREX-128 is trained on by MLM here"):
        plan(recipe, [], 1, [Diagnosis("ntrex")])
