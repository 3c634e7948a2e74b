"""The residual network of section 2.3 of the AlphaCrystal-II paper, at any width.

The sequence of atoms (12 x 11 features) passes 9 residual blocks of 1-D convolutions. Each atom pair gets the
concatenated outputs of both atoms (the "outer product" of the paper; 2 x 128 channels give its 256), merged
by a 1 x 1 convolution. 9 residual blocks of 2-D convolutions and a final 1 x 1 convolution give N logits for
each entry of the matrix. The number of filters doubles every 3 blocks.

Choices where the paper is silent: kernel size 3, zero padding at the border, no symmetrisation of the output,
padded atoms are zero at the input and treated like atoms afterwards, features are standardised over the
elements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from alphacrystal.composition import element_features
from alphacrystal.learn.contacts.matrix_labels import MAX_DISTANCE

SEQUENCE_FILTERS, PAIR_FILTERS = 32, 256  # in the first block of each module
MIN_SEQUENCE_WIDTH = 0.5  # multiplier
KERNEL = 3


@dataclass(frozen=True, slots=True)
class PaperNetConfig:
    """Sizes and distance classes of the network.

    Attributes:
        width: Multiplier of the filters of the 2-D module, which is 99.9 % of the network; the paper has 1.
        classes: Distance classes N.
        maximum: Upper edge of the last class in Å; None for the longest distance of the training structures.
        sequence_width: Multiplier of the filters of the 1-D module; None for that of the 2-D module, but at
            least 1/2, since fewer than 11 filters cannot represent the features.
        pairs: "concatenation" of the features of both atoms, or "product" for their product in addition.
        blocks: Residual blocks in each module.
        doubled_every: Number of blocks after which the filters double.
    """

    width: float = 1.0
    classes: int = 10
    maximum: float | None = MAX_DISTANCE
    sequence_width: float | None = None
    pairs: Literal["concatenation", "product"] = "concatenation"
    blocks: int = 9
    doubled_every: int = 3

    def sequence_filters(self) -> list[int]:
        """Filters of each block of the 1-D module."""
        width = max(self.width, MIN_SEQUENCE_WIDTH) if self.sequence_width is None else self.sequence_width
        return self._filters(SEQUENCE_FILTERS * width)

    def pair_filters(self) -> list[int]:
        """Filters of each block of the 2-D module."""
        return self._filters(PAIR_FILTERS * self.width)

    def _filters(self, first: float) -> list[int]:
        return [max(1, round(first)) * 2 ** (block // self.doubled_every) for block in range(self.blocks)]


class ResidualBlock(nn.Module):
    """Residual block: conv - batch norm - ReLU - conv, addition of the input, ReLU.

    A 1 x 1 convolution maps the input if the number of filters changes.
    """

    def __init__(self, dimensions: Literal[1, 2], inputs: int, filters: int) -> None:
        super().__init__()
        conv: Any = nn.Conv1d if dimensions == 1 else nn.Conv2d
        norm: Any = nn.BatchNorm1d if dimensions == 1 else nn.BatchNorm2d
        self.first = conv(inputs, filters, KERNEL, padding=KERNEL // 2, bias=False)  # the norm has a bias
        self.norm = norm(filters)
        self.second = conv(filters, filters, KERNEL, padding=KERNEL // 2)
        self.skip = nn.Identity() if inputs == filters else conv(inputs, filters, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (batch, inputs, ...) -> (batch, filters, ...)."""
        inner = relu(self.norm(self.first(x)), inplace=True)
        return relu(self.second(inner) + self.skip(x), inplace=True)


class PaperNet(nn.Module):
    """Logits of the distance classes of all atom pairs from the elements."""

    features: Tensor

    def __init__(self, config: PaperNetConfig) -> None:
        super().__init__()
        self.config = config
        features = torch.as_tensor(element_features(), dtype=torch.float32)  # (104, 11), row 0 zeros: padding
        self.register_buffer("features", features, persistent=False)
        sequence, pair = config.sequence_filters(), config.pair_filters()
        self.sequence = nn.Sequential(
            *(
                ResidualBlock(1, inputs, filters)
                for inputs, filters in zip([features.shape[1], *sequence], sequence, strict=False)
            )
        )
        # A 1 x 1 convolution over [h_i, h_j] is a linear map of h_i plus one of h_j: 12 + 12 positions
        # instead of 144.
        self.merge_left = nn.Linear(sequence[-1], pair[0])
        self.merge_right = nn.Linear(sequence[-1], pair[0], bias=False)
        self.merge_product = (
            nn.Linear(sequence[-1], pair[0], bias=False) if config.pairs == "product" else None
        )
        self.pair = nn.Sequential(
            *(
                ResidualBlock(2, inputs, filters)
                for inputs, filters in zip([pair[0], *pair], pair, strict=False)
            )
        )
        self.output = nn.Conv2d(pair[-1], config.classes, 1)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, numbers: Tensor) -> Tensor:
        """Logits.

        Args:
            numbers: Atomic numbers, 0 where padded, shape (batch, 12).

        Returns:
            shape (batch, N, 12, 12).
        """
        sequence = self.sequence(self.features[numbers].transpose(1, 2)).transpose(1, 2)  # (batch, 12, c)
        pairs = self.merge_left(sequence)[:, :, None] + self.merge_right(sequence)[:, None]
        if self.merge_product is not None:
            pairs = pairs + self.merge_product(sequence[:, :, None] * sequence[:, None])
        logits: Tensor = self.output(self.pair(pairs.permute(0, 3, 1, 2)))
        return logits
