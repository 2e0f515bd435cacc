"""How much work a stage is: what passes through the encoder, from the plan and the catalogue alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leaderboard.services.work import POOLED_SENTENCES, SHORT_EXAMPLES, examples, lane_of
from runner.recipes import Evaluation, Method, PhaseSettings, Recipe, plan
from runner.spec import EncoderRef, MaskedWords, Sampling, Stage
from runner.tasks import registry

ENCODER = EncoderRef("tiny", "/somewhere", "abc", 12)
POS = Evaluation("udpos", "test", ("de", "en"))
TWO_EPOCHS = PhaseSettings(epochs=2)
NLI, CCG = (registry.task(slug).sizes["train"] for slug in ("nli_cad", "ccg_pmb"))
TEXT = MaskedWords("ntrex", ("de", "sw", "th"), share=0.2, texts=40)


def first(method: Method, tasks: tuple[str, ...] = (), evaluation: Evaluation = POS, **changes) -> Stage:
    """The first stage of a recipe: its intermediate phase, where it has one."""
    return plan(Recipe(ENCODER, method, tasks, intermediate=TWO_EPOCHS, **changes), [evaluation], 1)[0]


def of_evaluation(task: str, *languages: str, split: str = "test", limit: int | None = None) -> int | None:
    return examples(plan(Recipe(ENCODER, Method.BASELINE), [Evaluation(task, split, languages, limit)], 1)[-1])


def test_it_works() -> None:
    assert examples(first(Method.INTERMEDIATE, ("nli_cad",))) == 2 * NLI


def test_a_mixture_is_all_its_tasks_up_to_the_cap() -> None:
    both = ("ccg_pmb", "nli_cad")
    assert examples(first(Method.MULTI_TASK, both)) == 2 * (NLI + CCG)
    assert examples(first(Method.MULTI_TASK, both, sampling=Sampling(cap=5_000))) == 2 * (5_000 + 5_000)


def test_a_task_that_is_a_mixture_itself_has_a_size() -> None:
    assert examples(first(Method.INTERMEDIATE, ("anli_plus",))) == 2 * registry.task("anli_plus").sizes["train"]


def test_translated_data_is_read_in_every_language_and_limited_as_a_whole() -> None:
    stage = first(Method.INTERMEDIATE, ("nli_cad",), translation=("de", "en", "sw"))
    assert examples(stage) == 2 * 3 * NLI
    limited = replace(stage.plan, training=replace(stage.plan.training, train_limit=100))
    assert examples(replace(stage, plan=limited)) == 2 * 100


def test_mlm_beside_tasks_comes_on_top_of_their_steps() -> None:
    assert examples(first(Method.INTERMEDIATE, ("nli_cad",), masked=TEXT)) == round(2 * NLI / 0.8)


def test_mlm_alone_is_its_texts_in_all_languages() -> None:
    assert examples(first(Method.BASELINE, masked=TEXT)) == 2 * 40 * 3
    whole = registry.task("ntrex").sizes["train"]
    assert examples(first(Method.BASELINE, masked=replace(TEXT, texts=None))) == 2 * whole * 3
    assert examples(first(Method.BASELINE, masked=replace(TEXT, texts=10**9))) == 2 * whole * 3
    assert examples(first(Method.BASELINE, masked=MaskedWords("local_text", ("de",), texts=30))) == 2 * 30
    assert examples(first(Method.BASELINE, masked=MaskedWords("local_text", ("de",)))) is None


def test_a_size_of_all_languages_together_is_shared_out() -> None:
    # Tatoeba's and BUCC's sizes are those of all languages; both sides of a pair are encoded.
    share = round(31_692 / 36)
    assert of_evaluation("tatoeba", "de", "sw") == 2 * share * 2
    assert of_evaluation("tatoeba", "de", "sw", limit=50) == 2 * 50 * 2
    assert of_evaluation("xquad", "de", "ru", "th") == 1_190 * 3


def test_mining_reads_whole_pools_and_those_of_its_threshold() -> None:
    gold = {"test": 35_000 // 4, "validation": round(4_598 / 4)}
    assert of_evaluation("bucc2018", "de") == sum(gold.values()) * POOLED_SENTENCES
    assert of_evaluation("bucc2018", "de", split="validation") == gold["validation"] * POOLED_SENTENCES
    assert of_evaluation("bucc2018", "de", "ru", limit=10) == 2 * (10 + 10) * POOLED_SENTENCES


@pytest.mark.parametrize(("limit", "lane"), [(SHORT_EXAMPLES // 2, "short"), (SHORT_EXAMPLES // 2 + 1, "cpu")])
def test_what_is_small_is_short_work(limit: int, lane: str) -> None:
    stage = first(Method.INTERMEDIATE, ("nli_cad",))
    limited = replace(stage.plan, training=replace(stage.plan.training, train_limit=limit))
    assert lane_of(replace(stage, plan=limited), "cpu") == lane


def test_what_has_no_known_size_is_not_short() -> None:
    assert lane_of(first(Method.BASELINE, masked=MaskedWords("local_text", ("de",)))) == "gpu"
