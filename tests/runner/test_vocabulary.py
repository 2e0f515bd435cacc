"""Training with a part of the vocabulary ends with the weights that training with the whole one ends with."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from runner.data.examples import TaggedSentence
from runner.data.feature_table import FeatureTable
from runner.data.features import tagged
from runner.data.tensors import collate
from runner.modeling.encoder import load_encoder, load_tokenizer
from runner.modeling.heads import TaskModel, build_head
from runner.modeling.vocabulary import Vocabulary
from runner.spec import EncoderRef
from runner.tasks.kinds import Kind
from runner.training.loop import loss_sum
from runner.training.optimisation import adamw, decay_of_the_unmoved, learning_rate
from tests.runner.factories import WORDS, settings

STEPS, TOTAL = 12, 20
TASK = "task"
# The data has half the words; development data one more.
KNOWN, NEW = WORDS[:9], WORDS[12]


@pytest.fixture(scope="module")
def tokenizer(tiny_encoder: EncoderRef):
    return load_tokenizer(tiny_encoder)


@pytest.fixture(scope="module")
def table(tokenizer) -> FeatureTable:
    """Sentences of different lengths, so that there is padding."""
    sentences = [
        TaggedSentence(
            tuple(KNOWN[(number + step) % 9] for step in range(2 + number % 5)),
            tuple((number + step) % 9 % 5 for step in range(2 + number % 5)),
        )
        for number in range(4 * STEPS)
    ]
    return FeatureTable.of(tagged(sentences, tokenizer, 16))


def fresh(encoder: EncoderRef) -> TaskModel:
    torch.manual_seed(4)
    whole = load_encoder(encoder)
    return TaskModel(whole, {TASK: build_head(Kind.TAGGING, whole.config, 5)})


def trained(encoder: EncoderRef, table: FeatureTable, pad: int, weight_decay: float, *, reduced: bool) -> TaskModel:
    """STEPS of TOTAL, with dropout and with clipping that is always at work."""
    model = fresh(encoder).train()
    training = settings(learning_rate=2e-3, weight_decay=weight_decay)
    ids = [table.ids, np.array([load_tokenizer(encoder).convert_tokens_to_ids(NEW)])]
    vocabulary = Vocabulary(model.encoder, ids) if reduced else None
    optimiser = adamw(model, training.learning_rate, training.weight_decay)
    for step in range(STEPS):
        torch.manual_seed(100 + step)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, TOTAL, training.warmup, training.learning_rate)
        batch = collate([table[4 * step + at] for at in range(4)], pad)
        labels = batch.pop("labels")
        loss_sum(model(TASK, **batch), labels).backward()
        assert torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5) > 0.5
        optimiser.step()
        optimiser.zero_grad()
    if vocabulary:
        vocabulary.restore(decay_of_the_unmoved(STEPS, TOTAL, training))
    return model.eval()


def embeddings(model: TaskModel) -> torch.Tensor:
    return model.encoder.get_input_embeddings().weight.detach()


def largest_difference(one: TaskModel, other: TaskModel) -> float:
    mine, theirs = one.state_dict(), other.state_dict()
    assert mine.keys() == theirs.keys()
    return max(float((mine[name] - theirs[name]).abs().max()) for name in mine if mine[name].is_floating_point())


@pytest.mark.parametrize(("weight_decay", "tolerance"), [(0.0, 2e-7), (0.1, 1e-6), (5.0, 1e-6)])
def test_it_works(
    tiny_encoder: EncoderRef, table: FeatureTable, tokenizer, weight_decay: float, tolerance: float
) -> None:
    """All weights: the whole table and what the clipping of its gradient did to the others."""
    whole, reduced = (
        trained(tiny_encoder, table, tokenizer.pad_token_id, weight_decay, reduced=reduced) for reduced in (False, True)
    )
    assert largest_difference(whole, reduced) <= tolerance
    # It is no small thing that is compared.
    assert (embeddings(whole) - embeddings(fresh(tiny_encoder))).abs().max() > 1e-3


def test_rows_that_no_data_has_are_decayed_and_nothing_else(
    tiny_encoder: EncoderRef, table: FeatureTable, tokenizer
) -> None:
    before = embeddings(fresh(tiny_encoder))
    unseen = tokenizer.convert_tokens_to_ids([word for word in WORDS if word not in KNOWN])
    pad = tokenizer.pad_token_id
    still = embeddings(trained(tiny_encoder, table, pad, 0.0, reduced=True))
    assert torch.equal(still[unseen], before[unseen])
    decayed = embeddings(trained(tiny_encoder, table, pad, 5.0, reduced=True))
    factor = decay_of_the_unmoved(STEPS, TOTAL, settings(learning_rate=2e-3, weight_decay=5.0))
    assert factor < 0.95
    assert torch.allclose(decayed[unseen], factor * before[unseen], rtol=1e-5, atol=0)
    # Padding stands in batches, but has no gradient.
    assert torch.equal(still[pad], before[pad])


def test_a_reduced_model_predicts_as_the_whole_one_also_what_only_development_data_has(
    tiny_encoder: EncoderRef, table: FeatureTable, tokenizer
) -> None:
    ids = torch.tensor([tokenizer(f"{KNOWN[0]} {NEW}")["input_ids"], [0, 5, 2, tokenizer.pad_token_id]])
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])
    model = fresh(tiny_encoder).eval()
    with torch.inference_mode():
        expected = model(TASK, ids, mask)
    vocabulary = Vocabulary(model.encoder, [table.ids, ids.numpy().reshape(-1)])
    assert len(embeddings(model)) < len(embeddings(fresh(tiny_encoder)))
    with torch.inference_mode():
        assert torch.equal(model(TASK, ids, mask), expected)
    vocabulary.restore(1.0)
    with torch.inference_mode():
        assert torch.equal(model(TASK, ids, mask), expected)


def test_a_token_that_was_not_announced_is_refused(tiny_encoder: EncoderRef, tokenizer) -> None:
    """Rather than to take another one's row."""
    model = fresh(tiny_encoder).eval()
    Vocabulary(model.encoder, [np.array([0, 2, 5])])
    with pytest.raises(IndexError):
        model(TASK, torch.tensor([[0, 6, 2]]), torch.ones(1, 3, dtype=torch.long))


def test_the_table_is_the_encoder_s_own_again(tiny_encoder: EncoderRef, table: FeatureTable) -> None:
    model = fresh(tiny_encoder)
    own = model.encoder.get_input_embeddings()
    names = set(model.state_dict())
    vocabulary = Vocabulary(model.encoder, [table.ids])
    assert set(model.state_dict()) == names
    vocabulary.restore(1.0)
    assert model.encoder.get_input_embeddings() is own
    assert own.weight.requires_grad
