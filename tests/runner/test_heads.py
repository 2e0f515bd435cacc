"""Each kind's head gives logits whose last dimension is what is chosen from; MLM is the library's own."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from transformers import (
    AutoModelForMaskedLM,
    BertConfig,
    BertForMaskedLM,
    DistilBertConfig,
    DistilBertForMaskedLM,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
    XLMRobertaModel,
)

from runner.data.feature_table import Feature
from runner.data.tensors import collate
from runner.errors import RecipeError
from runner.modeling.encoder import keep_layers, load_encoder, load_masked_encoder
from runner.modeling.heads import MaskedHead, TaskModel, build_head
from runner.spec import EncoderRef
from runner.tasks.kinds import Kind
from runner.training.loop import loss_sum
from runner.training.masking import Masking
from tests.runner.factories import PAD, SHAPE

FAMILIES = {"xlm-roberta": (XLMRobertaForMaskedLM, XLMRobertaConfig), "bert": (BertForMaskedLM, BertConfig)}


def model(encoder: EncoderRef, kind: Kind, labels: int) -> TaskModel:
    torch.manual_seed(1)
    whole = load_encoder(encoder)
    return TaskModel(whole, {"task": build_head(kind, whole.config, labels)}).eval()


@pytest.fixture(params=FAMILIES)
def masked_encoder(request: pytest.FixtureRequest, tmp_path: Path) -> EncoderRef:
    """Random weights of an encoder with its MLM head, whose bias is not zero, as that of a trained one."""
    factory, config = FAMILIES[request.param]
    torch.manual_seed(2)
    whole = factory(config(**SHAPE))
    with torch.no_grad():
        whole.get_output_embeddings().bias.normal_()
    whole.save_pretrained(tmp_path / "encoder")
    return EncoderRef(request.param, str(tmp_path / "encoder"), "test", 2)


@pytest.mark.parametrize(
    ("kind", "labels", "shape"),
    [
        (Kind.SENTENCE_PAIR, 3, (4, 3)),
        (Kind.MULTIPLE_CHOICE, 2, (2, 2)),
        (Kind.TAGGING, 17, (4, 5, 17)),
        (Kind.SPAN, 0, (4, 2, 5)),
    ],
)
def test_it_works(tiny_encoder: EncoderRef, kind: Kind, labels: int, shape: tuple[int, ...]) -> None:
    """Four rows of five tokens: for multiple choice, two examples of two choices."""
    ids = torch.randint(5, 20, (4, 5), generator=torch.Generator().manual_seed(3))
    logits = model(tiny_encoder, kind, labels)("task", ids, torch.ones_like(ids))
    assert logits.shape == shape


@pytest.mark.parametrize(
    ("kind", "labels", "features"),
    [
        (Kind.SENTENCE_PAIR, 3, [Feature((0, 7, 8, 2), (2,), 0), Feature((0, 7, 2), (0,), 1)]),
        (Kind.MULTIPLE_CHOICE, 2, [Feature((0, 7, 2, 0, 8, 9, 2), (1,), at, rows=(3, 4)) for at in (0, 1)]),
        (Kind.TAGGING, 5, [Feature((0, 7, 8, 2), (-100, 4, -100, -100), 0), Feature((0, 7, 2), (-100, 1, -100), 1)]),
        (Kind.SPAN, 0, [Feature((0, 7, 8, 2), (1, 2), 0, heads=(1, 2)), Feature((0, 7, 2), (0, 0), 1, heads=(1,))]),
    ],
)
def test_one_loss_serves_all_kinds(tiny_encoder: EncoderRef, kind: Kind, labels: int, features: list[Feature]) -> None:
    """Summed over labels, so the loss of a batch is that of its members, however they are padded."""
    whole = model(tiny_encoder, kind, labels)
    losses = []
    for batch in (features, features[:1], features[1:]):
        tensors = collate(batch, PAD)
        gold = tensors.pop("labels")
        losses.append(float(loss_sum(whole("task", **tensors), gold).detach()))
    assert losses[0] == pytest.approx(losses[1] + losses[2], rel=1e-5)
    assert losses[0] > 0


def test_padding_is_never_the_place_of_an_answer(tiny_encoder: EncoderRef) -> None:
    whole = model(tiny_encoder, Kind.SPAN, 0)
    ids, mask = torch.tensor([[0, 7, 8, 2, PAD, PAD]]), torch.tensor([[1, 1, 1, 1, 0, 0]])
    logits = whole("task", ids, mask)
    assert logits.softmax(-1)[0, :, 4:].eq(0).all()
    assert torch.isfinite(logits).all()
    alone = whole("task", ids[:, :4], mask[:, :4])
    assert torch.allclose(logits[:, :, :4], alone, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_padding_is_hidden_in_every_precision(tiny_encoder: EncoderRef, dtype: torch.dtype) -> None:
    config = load_encoder(tiny_encoder).config
    head = build_head(Kind.SPAN, config, 0).to(dtype)
    logits = head(torch.ones(1, 3, config.hidden_size, dtype=dtype), torch.tensor([[1, 1, 0]]), None)
    assert logits.dtype == dtype
    assert logits.softmax(-1)[0, :, 2].eq(0).all()


def test_heads_begin_as_the_encoder_did(tiny_encoder: EncoderRef) -> None:
    config = load_encoder(tiny_encoder).config
    torch.manual_seed(5)
    head = build_head(Kind.SENTENCE_PAIR, config, 500)
    assert head.projection.weight.std().item() == pytest.approx(config.initializer_range, rel=0.05)
    assert not head.projection.bias.any()
    assert not head.dense.bias.any()


def test_masked_words_are_scored_as_the_library_does(masked_encoder: EncoderRef) -> None:
    encoder, head = load_masked_encoder(masked_encoder)
    whole = TaskModel(encoder, {"text": MaskedHead(head)}).eval()
    library = AutoModelForMaskedLM.from_pretrained(masked_encoder.location, dtype=torch.float32).eval()
    features = [Feature((0, *range(10, 10 + words), 2), (), 0) for words in (12, 5, 1)]
    batch = Masking(0.3, 4, 50, 1).collate(features, [0, 1, 2], 7, PAD)
    labels = batch.pop("labels")
    with torch.inference_mode():
        logits = whole("text", **batch)
        everywhere = library(batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    assert logits.shape == (len(labels), 50)
    assert torch.allclose(logits, everywhere.flatten(0, 1)[batch["positions"]], atol=1e-4)


def test_the_masked_head_shares_the_encoder_s_embeddings(masked_encoder: EncoderRef) -> None:
    """Trained once, and one table: the gradients of both uses add up in it."""
    encoder, head = load_masked_encoder(masked_encoder)
    whole = TaskModel(encoder, {"text": MaskedHead(head)})
    table = encoder.get_input_embeddings().weight
    shared = [name for name, parameter in whole.named_parameters(remove_duplicate=False) if parameter is table]
    assert len(shared) == 2
    assert any(name.startswith("heads.") for name in shared)
    batch = Masking(0.3, 4, 50, 1).collate([Feature((0, 10, 11, 12, 2), (), 0)], [0], 7, PAD)
    labels = batch.pop("labels")
    loss_sum(whole("text", **batch), labels).backward()
    # Not only rows of the batch's tokens: the softmax is over the whole vocabulary.
    assert (table.grad.abs().sum(1) > 0).sum() == 50


def test_the_masked_encoder_is_the_encoder_that_other_tasks_take(masked_encoder: EncoderRef) -> None:
    ids = torch.tensor([[0, 10, 11, 2]])
    masked, _ = load_masked_encoder(masked_encoder)
    plain = load_encoder(masked_encoder)
    assert {name for name, _ in masked.named_parameters()} == {name for name, _ in plain.named_parameters()}
    with torch.inference_mode():
        one, other = (each.eval()(input_ids=ids).last_hidden_state for each in (masked, plain))
    assert torch.equal(one, other)


def test_weights_without_masked_head_get_a_new_one_from_the_seed(tmp_path: Path) -> None:
    XLMRobertaModel(XLMRobertaConfig(**SHAPE), add_pooling_layer=False).save_pretrained(tmp_path)
    headless = EncoderRef("headless", str(tmp_path), "test", 2)
    heads = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        encoder, head = load_masked_encoder(headless)
        heads.append(head)
        assert head.decoder.weight is encoder.get_input_embeddings().weight
        assert torch.equal(head.decoder.weight, load_encoder(headless).get_input_embeddings().weight)
    assert torch.equal(heads[0].dense.weight, heads[1].dense.weight)
    assert not torch.equal(heads[0].dense.weight, heads[2].dense.weight)


def test_a_masked_head_of_another_family_is_refused(tmp_path: Path) -> None:
    config = DistilBertConfig(vocab_size=50, dim=32, n_layers=2, n_heads=2, hidden_dim=64)
    DistilBertForMaskedLM(config).save_pretrained(tmp_path)
    with pytest.raises(RecipeError, match=r"^distil has no head for masked words \(DistilBertForMaskedLM\): train it"):
        load_masked_encoder(EncoderRef("distil", str(tmp_path), "test", 2))


def test_a_wrong_number_of_layers_is_refused(tiny_encoder: EncoderRef, masked_encoder: EncoderRef) -> None:
    for load, encoder in ((load_encoder, tiny_encoder), (load_masked_encoder, masked_encoder)):
        with pytest.raises(RecipeError, match="is registered with 12 layers, its weights have 2"):
            load(dataclasses.replace(encoder, layers=12))


def test_fewer_layers_give_the_hidden_state_of_that_layer(tiny_encoder: EncoderRef) -> None:
    ids = torch.tensor([[0, 7, 9, 2]])
    whole = load_encoder(tiny_encoder).eval()
    with torch.inference_mode():
        states = whole(input_ids=ids, output_hidden_states=True).hidden_states
        for layer in range(3):
            cut = keep_layers(load_encoder(tiny_encoder).eval(), layer)
            assert torch.equal(cut(input_ids=ids).last_hidden_state, states[layer])
