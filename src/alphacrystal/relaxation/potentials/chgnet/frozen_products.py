"""Products with frozen weights, by oneDNN where PyTorch offers it.

On processors that are not Intel's, the MKL that PyTorch multiplies single-precision matrices with leaves
half of the speed unused; oneDNN, which PyTorch also carries, does not. The operator is not part of PyTorch's
public interface, so it is tried when this module is loaded, and left alone where it is missing or answers
otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor

#: (rows, weight of shape (out, in), bias or None) -> rows times the transposed weight plus bias
_Linear = Callable[[Tensor, Tensor, Tensor | None], Tensor]


def _torch_linear(rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return torch.nn.functional.linear(rows, weight, bias)


def _onednn_linear(rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    operator = torch.ops.mkldnn._linear_pointwise  # noqa: SLF001 - see above
    return cast(Tensor, operator(rows, weight, bias, "none", [], ""))


def _chosen_linear() -> _Linear:
    generator = torch.Generator().manual_seed(0)
    rows, weight = (
        torch.randn(40, 128, generator=generator)[:, 64:],
        torch.randn(128, 64, generator=generator),
    )
    try:
        for bias in (None, torch.randn(128, generator=generator)):
            expected = _torch_linear(rows, weight, bias)
            if not torch.allclose(_onednn_linear(rows, weight, bias), expected, rtol=1e-4, atol=1e-4):
                return _torch_linear
            if _onednn_linear(rows[:0], weight, bias).shape != (0, 128):
                return _torch_linear
    except (AttributeError, RuntimeError, TypeError):
        return _torch_linear
    return _onednn_linear


_linear = _chosen_linear()


class FrozenProduct:
    """x ↦ x·W + b with constant W and b; x may carry a gradient."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        """Take W, shape (in, out), and b, shape (out,)."""
        self._backward_weight = weight.contiguous()
        self._weight = weight.T.contiguous()
        self._bias = bias
        self._linear = _linear if weight.device.type == "cpu" else _torch_linear

    def __call__(self, rows: Tensor) -> Tensor:
        """Shape (rows, in) to (rows, out)."""
        return cast(Tensor, _ProductFunction.apply(rows, self))  # type: ignore[no-untyped-call]

    def forward(self, rows: Tensor) -> Tensor:
        """The same, outside of autograd."""
        return self._linear(rows, self._weight, self._bias)

    def backward(self, gradient: Tensor) -> Tensor:
        """Gradient by the input, shape (rows, in), from that by the output."""
        return self._linear(gradient, self._backward_weight, None)


class _ProductFunction(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, rows: Tensor, product: FrozenProduct) -> Tensor:
        context.product = product
        return product.forward(rows)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        product: FrozenProduct = context.product
        return product.backward(gradients[0].contiguous()), None
