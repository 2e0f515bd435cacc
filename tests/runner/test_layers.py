"""The layers of BERT and XLM-R as they are written here are the library's, but for dropout's draws."""

from __future__ import annotations

import pytest
import torch
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    PreTrainedModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from runner.modeling.layers import Drawn, last_hidden_state
from tests.runner.factories import PAD, SHAPE

FAMILIES = {"xlm-roberta": (XLMRobertaModel, XLMRobertaConfig), "bert": (BertModel, BertConfig)}
IDS = torch.tensor([[0, 7, 9, 11, 2], [0, 8, 2, PAD, PAD]])
MASK = (IDS != PAD).long()


def encoder(family: str, dropout: float = 0.0) -> PreTrainedModel:
    factory, config = FAMILIES[family]
    torch.manual_seed(4)
    rates = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    return factory(config(**SHAPE, **rates), add_pooling_layer=False)


def gradients(model: PreTrainedModel, hidden: torch.Tensor) -> dict[str, torch.Tensor]:
    """Of what depends on all that real tokens' states say."""
    model.zero_grad()
    (hidden.sin() * MASK[:, : hidden.shape[1], None]).sum().backward()
    return {name: one.grad.clone() for name, one in model.named_parameters()}


@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_it_works(family: str, *, padded: bool) -> None:
    """Forwards and backwards, for all tokens and for the first alone."""
    model = encoder(family).train()
    ids, mask = (IDS, MASK) if padded else (IDS[:1], MASK[:1])
    for first, tokens in ((False, ids.shape[1]), (True, 1)):
        theirs = model(input_ids=ids, attention_mask=mask).last_hidden_state[:, :tokens]
        ours = last_hidden_state(model, ids, mask, first=first)
        assert ours.shape == theirs.shape
        real = mask[:, :tokens].bool()
        torch.testing.assert_close(ours[real], theirs[real], rtol=1e-4, atol=1e-5)
        if padded:
            torch.testing.assert_close(gradients(model, ours), gradients(model, theirs), rtol=1e-3, atol=1e-4)


def test_an_unknown_encoder_is_called_as_it_is() -> None:
    model = DistilBertModel(DistilBertConfig(vocab_size=50, dim=32, n_layers=1, n_heads=2, hidden_dim=64)).eval()
    expected = model(input_ids=IDS, attention_mask=MASK).last_hidden_state
    assert torch.equal(last_hidden_state(model, IDS, MASK, first=True), expected)


def test_dropout_follows_the_seed_alone() -> None:
    model = encoder("bert", dropout=0.1).train()
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(last_hidden_state(model, IDS, MASK))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_dropout_keeps_the_mean_and_drops_at_the_rate() -> None:
    """Each share within five standard errors of a million draws."""
    torch.manual_seed(5)
    noise = Drawn().noise(torch.empty(1000, 1001), 0.1)
    kept = noise[noise != 0]
    assert noise.numel() * 0.1 - 5 * 300 < (noise == 0).sum() < noise.numel() * 0.1 + 5 * 300
    assert torch.equal(kept, torch.full_like(kept, 2**16 / (2**16 - round(0.1 * 2**16))))
    # Neighbours share the 64 bits that they are cut from, and are dropped apart from each other all the same.
    pairs = (noise[:, :-1] == 0) & (noise[:, 1:] == 0)
    assert abs(pairs.float().mean() - 0.01) < 5 * 0.0001
