"""The rate rises to its peak and falls; weight decay alone makes a known factor of a weight that nothing moves."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from runner.modeling.encoder import load_encoder
from runner.spec import EncoderRef
from runner.training.optimisation import adamw, decay_of_the_unmoved, learning_rate
from tests.runner.factories import settings


def test_it_works() -> None:
    assert [learning_rate(step, 10, 0.2, 1.0) for step in range(10)] == pytest.approx(
        [0.5, 1.0, 1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125]
    )


@given(total=st.integers(1, 5000), warmup=st.floats(0, 1))
def test_the_rate_rises_to_its_peak_and_falls(total: int, warmup: float) -> None:
    rates = [learning_rate(step, total, warmup, 1e-5) for step in range(total)]
    assert all(0 < rate <= 1e-5 * (1 + 1e-12) for rate in rates)
    top = rates.index(max(rates))
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)


def test_biases_and_normalisations_are_not_decayed(tiny_encoder: EncoderRef) -> None:
    encoder = load_encoder(tiny_encoder)
    decayed, kept = adamw(encoder, 1e-3, 0.1).param_groups
    names = {parameter: name for name, parameter in encoder.named_parameters()}
    assert (decayed["weight_decay"], kept["weight_decay"]) == (0.1, 0.0)
    assert len(decayed["params"]) + len(kept["params"]) == len(names)
    assert all("LayerNorm" in names[one] or names[one].endswith("bias") for one in kept["params"])
    assert all(one.ndim == 2 for one in decayed["params"])


@pytest.mark.parametrize("steps", [0, 1, 7, 20])
def test_the_decay_of_the_unmoved_is_what_adamw_does(steps: int) -> None:
    """A weight whose gradient is zero in each of the first `steps` of 20."""
    training = settings(learning_rate=0.05, weight_decay=0.3)
    layer = nn.Linear(3, 3, bias=False)
    before = layer.weight.detach().clone()
    optimiser = adamw(layer, training.learning_rate, training.weight_decay)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, 20, training.warmup, training.learning_rate)
        layer.weight.grad = torch.zeros_like(layer.weight)
        optimiser.step()
    expected = before * decay_of_the_unmoved(steps, 20, training)
    assert torch.allclose(layer.weight, expected, rtol=1e-5, atol=0)
    assert steps == 0 or not torch.equal(layer.weight, before)


def test_without_weight_decay_nothing_moves() -> None:
    assert decay_of_the_unmoved(100, 200, settings(weight_decay=0.0)) == 1.0
