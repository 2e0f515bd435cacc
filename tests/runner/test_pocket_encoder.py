"""The pocket encoder: blank at first, pretrained by a stage like any other, from which all runs begin."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.recipes import Evaluation, Method, PhaseSettings, Recipe, plan, pretraining
from runner.spec import EncoderRef, Job, MaskedWords, Stage, TrainPlan
from runner.tasks.encoders import ENCODERS
from runner.tasks.languages import POCKET_BASE, POCKET_LANGUAGES
from runner.tasks.registry import task
from tests.runner.factories import POCKET

TEXT = task("pocket_text")
SETTINGS = PhaseSettings(learning_rate=3e-3, epochs=6, batch_size=32)


def mlm(parent: Stage | None = None, texts: int = 60) -> Stage:
    masked = MaskedWords(TEXT.slug, ("qsa", POCKET_BASE), mask_rate=0.3, texts=texts)
    training = SETTINGS.resolve([TEXT])
    return Stage(TrainPlan((), training, (POCKET_BASE,), masked=masked), POCKET, 1, parent and parent.fingerprint)


def run(stage: Stage, output: Path, parent: Path | None = None) -> list[dict]:
    from runner import engine

    events: list[dict] = []
    job = Job(stage, str(output), str(parent) if parent else None, threads=1)
    engine.run(job, lambda name, **fields: events.append({"event": name, **fields}), lambda: False)
    return events


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory):
    """A stage of a few steps that makes the encoder, and its folder."""
    folder = tmp_path_factory.mktemp("pretrained")
    return mlm(), folder, run(mlm(), folder)


def losses(events: list[dict]) -> list[float]:
    return [event["loss"] for event in events if event["event"] == "curve" and "loss" in event]


def test_it_works(pretrained):
    stage, folder, events = pretrained
    files = {path.name for path in (folder / "checkpoint").rglob("*") if path.is_file()}
    assert {"model.safetensors", "masked_head.safetensors", "manifest.json"} <= files
    assert losses(events)[-1] < losses(events)[0]


def test_an_evaluation_starts_from_it(pretrained, tmp_path):
    stage, folder, _ = pretrained
    search = next(
        one
        for one in plan(
            Recipe(POCKET, Method.BASELINE), [Evaluation("pocket_search", "test", ("qsa", "qde"), limit=40)], 1
        )
        if one.plan.action == "evaluate"
    )
    search = Stage(search.plan, POCKET, None, stage.fingerprint)
    events = run(search, tmp_path, folder)
    scores = {event["language"]: event["value"] for event in events if event["event"] == "score"}
    assert set(scores) == {"qsa", "qde"}
    assert scores["qsa"] > scores["qde"], "the nearer language is found better"


def test_mlm_goes_on_with_the_head_that_was_trained(pretrained, tmp_path):
    """A new head would begin at the loss of guessing, and spoil what the encoder knows."""
    stage, folder, before = pretrained
    again = mlm(parent=stage)
    events = run(again, tmp_path, folder)
    assert losses(events)[0] < losses(before)[0] - 0.5
    assert not (tmp_path / "checkpoint/masked_head.safetensors").exists()


def test_a_blank_encoder_is_the_same_every_time():
    import torch

    from runner.modeling.encoder import load_encoder, load_masked_encoder

    first, second = load_encoder(POCKET), load_encoder(POCKET)
    masked, head = load_masked_encoder(POCKET)
    for name, weights in first.state_dict().items():
        assert torch.equal(weights, second.state_dict()[name]), name
        assert torch.equal(weights, masked.state_dict()[name]), name
    assert head.decoder.weight is masked.get_input_embeddings().weight


def test_the_tokenizer_knows_every_word_of_every_language():
    from runner.data.readers import load
    from runner.modeling.encoder import load_tokenizer

    tokenizer = load_tokenizer(POCKET)
    for code in POCKET_LANGUAGES:
        dataset = load(task("pocket_pos"), "test", code, "", limit=100)
        for example in dataset.examples:
            ids = tokenizer(list(example.tokens), is_split_into_words=True)["input_ids"]
            assert tokenizer.unk_token_id not in ids
            assert len(ids) <= 2 + 3 * len(example.tokens)


def test_a_pair_is_laid_out_as_xlm_r_does():
    from runner.modeling.encoder import load_tokenizer

    tokenizer = load_tokenizer(POCKET)
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(".", "?")["input_ids"])
    assert tokens == ["<s>", ".", "</s>", "</s>", "?", "</s>"]
    assert tokenizer.num_special_tokens_to_add(pair=True) == 4


def test_every_run_begins_with_the_stage_that_makes_the_encoder():
    made = pretraining(POCKET)
    stages = plan(Recipe(POCKET, Method.BASELINE), [Evaluation("pocket_pos", "test", ("qsa",))], 5)
    assert stages[0] == made
    assert (made.parent, made.seed) == (None, ENCODERS["pocket"].pretraining.seed)
    assert [stage.parent for stage in stages[1:]] == [stage.fingerprint for stage in stages[:-1]]
    assert set(made.plan.masked.languages) == set(POCKET_LANGUAGES)


def test_an_encoder_that_comes_pretrained_needs_none():
    xlmr = ENCODERS["xlm-roberta-base"]
    assert pretraining(EncoderRef(xlmr.slug, xlmr.location, xlmr.revision, xlmr.layers)) is None
    assert pretraining(EncoderRef("pocket", "/some/folder", "0" * 64, 2)) is None


def test_a_phase_does_not_mix_base_languages():
    from runner.errors import RecipeError

    recipe = Recipe(POCKET, Method.MULTI_TASK, ("mnli", "pocket_inference"))
    with pytest.raises(RecipeError, match="One phase trains on one base language, found en and qso"):
        plan(recipe, [Evaluation("pocket_pos", "test", ("qsa",))], 1)
