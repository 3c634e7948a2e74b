"""Frozen products and CHGNet's gated layer: values and gradients are those of PyTorch's own operations."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from alphacrystal.relaxation.potentials.chgnet.frozen_products import FrozenProduct
from alphacrystal.relaxation.potentials.chgnet.gated_layer import WIDTH, Gate


def weights(hidden: bool) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator) * 0.3

    state = {}
    for branch in ("mlp_core", "mlp_gate"):
        first = "layers.0" if hidden else "layers.1"
        state |= {
            f"g.{branch}.{first}.weight": random(WIDTH, 3 * WIDTH),
            f"g.{branch}.{first}.bias": random(64),
        }
        if hidden:
            state |= {f"g.{branch}.layers.3.weight": random(64, 64), f"g.{branch}.layers.3.bias": random(64)}
    for norm in ("bn1", "bn2"):
        state |= {f"g.{norm}.weight": random(64) + 1, f"g.{norm}.bias": random(64)}
    return state


def plain(rows: torch.Tensor, state: dict[str, torch.Tensor], hidden: bool) -> torch.Tensor:
    """The same layer in PyTorch's own words."""
    branches = []
    for part, branch, norm in zip(
        rows.split(WIDTH, dim=1), ("mlp_core", "mlp_gate"), ("bn1", "bn2"), strict=True
    ):
        own = part
        if hidden:
            weight, bias = state[f"g.{branch}.layers.3.weight"], state[f"g.{branch}.layers.3.bias"]
            own = functional.linear(functional.silu(part), weight, bias)
        branches.append(
            functional.layer_norm(own, (WIDTH,), state[f"g.{norm}.weight"], state[f"g.{norm}.bias"])
        )
    return functional.silu(branches[0]) * torch.sigmoid(branches[1])


@pytest.mark.parametrize("hidden", [True, False])
@pytest.mark.parametrize("rows", [0, 1, 37])
def test_gate_has_the_values_and_gradients_of_autograd(hidden: bool, rows: int) -> None:
    state = weights(hidden)
    gate = Gate(state, "g", hidden=hidden, collector=0)
    x = torch.randn(rows, 2 * WIDTH, generator=torch.Generator().manual_seed(1))
    results = []
    for layer in (gate, lambda own: plain(own, state, hidden)):
        own = x.clone().requires_grad_(True)
        out = layer(own * 1.0)
        (gradient,) = torch.autograd.grad((out**2).sum(), own)
        results.append((out.detach(), gradient))
    torch.testing.assert_close(results[0], results[1], rtol=1e-4, atol=1e-4)


def test_product_has_the_values_and_gradients_of_a_linear_map() -> None:
    generator = torch.Generator().manual_seed(2)
    weight, bias = torch.randn(31, 128, generator=generator), torch.randn(128, generator=generator)
    x = torch.randn(11, 31, generator=generator).requires_grad_(True)
    for own, shift in ((FrozenProduct(weight, bias), bias), (FrozenProduct(weight), torch.zeros(128))):
        (found,) = torch.autograd.grad((own(x) ** 2).sum(), x)
        (expected,) = torch.autograd.grad(((x @ weight + shift) ** 2).sum(), x)
        torch.testing.assert_close(own(x), x @ weight + shift, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-3)
