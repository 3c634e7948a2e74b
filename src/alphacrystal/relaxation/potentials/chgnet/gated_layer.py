"""CHGNet's gated layer with a hand-written backward pass.

PyTorch's automatic passes keep and fill many arrays of (rows, 128); here sigmoids are computed once and
reused, and the weights, which are frozen, get no gradients. The numbers are the same to rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional

from alphacrystal.relaxation.potentials.chgnet.frozen_products import FrozenProduct

#: Channels of CHGNet's atom, bond and angle features.
WIDTH = 64

_EPSILON = 1e-5  # of torch's layer norm


class Gate:
    """silu(norm(core)) · sigmoid(norm(gate)) with both branches in one (rows, 128) array."""

    def __init__(self, state: Mapping[str, Tensor], prefix: str, hidden: bool, collector: int) -> None:
        """Take the weights of one gated layer of a chgnet checkpoint.

        Args:
            state: The checkpoint's weights.
            prefix: Where the layer's begin.
            hidden: Whether it has a hidden layer.
            collector: Which of its concatenated inputs is the atom that messages or angles meet at.
        """
        first = "layers.0" if hidden else "layers.1"
        core, gate = f"{prefix}.mlp_core", f"{prefix}.mlp_gate"
        weight = torch.cat([state[f"{core}.{first}.weight"], state[f"{gate}.{first}.weight"]])
        bias = torch.cat([state[f"{core}.{first}.bias"], state[f"{gate}.{first}.bias"]])
        #: One (64, 128) matrix per concatenated input.
        self.weights = [part.T.contiguous() for part in weight.split(WIDTH, dim=1)]
        #: Products with them; the one of the atom that collects also adds the layer's bias.
        self.inputs = [
            FrozenProduct(own, bias if place == collector else None) for place, own in enumerate(self.weights)
        ]
        self.hidden = [
            FrozenProduct(state[f"{name}.layers.3.weight"].T, state[f"{name}.layers.3.bias"])
            for name in (core, gate)
            if hidden
        ]
        self.norms = [(state[f"{prefix}.{n}.weight"], state[f"{prefix}.{n}.bias"]) for n in ("bn1", "bn2")]

    def __call__(self, rows: Tensor) -> Tensor:
        """Finish the layer on the summed first-layer parts, shape (rows, 128), which it may overwrite."""
        return cast(Tensor, _GateFunction.apply(rows, self))  # type: ignore[no-untyped-call]


class _GateFunction(torch.autograd.Function):
    """The layer behind its first linear map."""

    @staticmethod
    def forward(context: Any, rows: Tensor, gate: Gate) -> Tensor:
        context.gate = gate
        kept: list[Tensor] = []
        if gate.hidden:
            kept.append(rows)
            rows = functional.silu(rows)
        branches = []
        for branch, (scale, shift) in enumerate(gate.norms):
            part = rows[:, branch * WIDTH : (branch + 1) * WIDTH]
            if gate.hidden:
                part = gate.hidden[branch].forward(part)
            normed, mean, deviation = torch.native_layer_norm(part, (WIDTH,), scale, shift, _EPSILON)
            kept += [part, mean, deviation]
            branches.append(normed)
        core, opening = branches
        opening = torch.sigmoid(opening)
        silu = functional.silu(core)
        out = silu * opening
        context.save_for_backward(core, silu, opening, *kept)
        return out

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        gate: Gate = context.gate
        core, silu, opening, *kept = context.saved_tensors
        first = kept.pop(0) if gate.hidden else None
        (gradient,) = gradients
        aten = torch.ops.aten
        by_branch = (
            aten.silu_backward(gradient * opening, core),
            aten.sigmoid_backward(gradient * silu, opening),
        )
        back = gradient.new_empty(len(gradient), 2 * WIDTH)
        for branch, (local, (scale, shift)) in enumerate(zip(by_branch, gate.norms, strict=True)):
            part, mean, deviation = kept[3 * branch : 3 * branch + 3]
            own, _, _ = aten.native_layer_norm_backward(
                local, part, [WIDTH], mean, deviation, scale, shift, [True, False, False]
            )
            target = back[:, branch * WIDTH : (branch + 1) * WIDTH]
            target.copy_(gate.hidden[branch].backward(own) if gate.hidden else own)
        if first is not None:
            back = aten.silu_backward(back, first)
        return back, None
