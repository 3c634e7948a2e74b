"""Bayesian linear regression for each structure type on features that all types share.

The regression targets are the lattice targets of a crystal minus those expected from related types.
Leave-one-out predictions have a closed form: Rasmussen and Williams, Gaussian Processes for Machine Learning
(2006), equations 5.10-5.12.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class TypeEvidence:
    """Prediction of each crystal from the other crystals of its type.

    Attributes:
        shift: Regressed targets minus those of related types, shape (..., 6).
        count: Number of other crystals, shape (...).
        spread: Standard deviation of the targets of the others, shape (..., 6).
        error: Mean absolute leave-one-out error among the others, shape (..., 6).
        distance: Squared distance of the features from the mean of the others, shape (...).
    """

    shift: Tensor
    count: Tensor
    spread: Tensor
    error: Tensor
    distance: Tensor

    def subset(self, chosen: Tensor) -> TypeEvidence:
        """Evidence of the chosen crystals."""
        return TypeEvidence(
            self.shift[chosen],
            self.count[chosen],
            self.spread[chosen],
            self.error[chosen],
            self.distance[chosen],
        )


@dataclass(frozen=True, slots=True, eq=False)
class PriorVariances:
    """Variance of the constant, of each direction of the features and of the noise, shape (6,) each."""

    constant: Tensor
    features: Tensor
    noise: Tensor


def _precision(features: Tensor, present: Tensor, prior: PriorVariances) -> Tensor:
    """Inverse covariance of the targets of the members of each type, shape (types, 6, members, members)."""
    pairs = present[:, :, None] * present[:, None, :]
    products = features @ features.transpose(1, 2)
    constant, slope, noise = (x[:, None, None] for x in (prior.constant, prior.features, prior.noise))
    covariance = constant * pairs[:, None] + slope * products[:, None]
    diagonal = noise[:, 0] * present[:, None] + (1 - present[:, None])
    inverse: Tensor = torch.cholesky_inverse(torch.linalg.cholesky(covariance + torch.diag_embed(diagonal)))
    return inverse


def leave_one_out_evidence(
    features: Tensor, targets: Tensor, present: Tensor, prior: PriorVariances
) -> TypeEvidence:
    """Leave-one-out evidence for each crystal from the others of its type.

    Args:
        features: Shape (types, members, width).
        targets: Lattice targets minus those of related types, shape (types, members, 6).
        present: 1 for members, 0 for padding, shape (types, members).
        prior: Prior variances.
    """
    features, targets = features * present[..., None], targets * present[..., None]
    inverse = _precision(features, present, prior)
    solved = (inverse @ targets.transpose(1, 2)[..., None])[..., 0]  # (types, 6, members)
    diagonal = inverse.diagonal(dim1=-2, dim2=-1)
    shift = (targets - (solved / diagonal).transpose(1, 2)) * present[..., None]
    count = (present.sum(1, keepdim=True) - present) * present
    share = count.clamp(min=1)[..., None]
    with torch.no_grad():
        mean = (targets.sum(1, keepdim=True) - targets) / share
        square = ((targets**2).sum(1, keepdim=True) - targets**2) / share
        spread = (square - mean**2).clamp(min=0).sqrt() * (count > 0)[..., None]
        # Errors of the other members j without i: leave-two-out residuals, in closed form.
        numerator = solved[:, :, None, :] - inverse * (solved / diagonal)[..., None]
        denominator = (diagonal[:, :, None, :] - inverse**2 / diagonal[..., None]).clamp(min=1e-6)
        others = present[:, :, None] * present[:, None, :] * (1 - torch.eye(present.shape[1]))
        error = ((numerator / denominator).abs() * others[:, None]).sum(-1).transpose(1, 2) / share
    mean_features = (features.sum(1, keepdim=True) - features) / share
    distance = ((features - mean_features) ** 2).sum(-1) * (count > 0)
    return TypeEvidence(shift, count, spread, error, distance)


def fitted_weights(features: Tensor, targets: Tensor, prior: PriorVariances) -> tuple[Tensor, Tensor]:
    """Regression weights of types with equal numbers of members, and their leave-one-out errors.

    Args:
        features: Shape (types, members, width).
        targets: Lattice targets minus those of related types, shape (types, members, 6).
        prior: Prior variances.

    Returns:
        Constant and slopes, shape (types, 6, 1 + width); mean absolute errors, shape (types, 6).
    """
    _, members, width = features.shape
    scale = torch.cat([prior.constant[:, None], prior.features[:, None].expand(6, width)], 1).sqrt()
    design = torch.cat([torch.ones_like(features[..., :1]), features], -1)[:, None] * scale[:, None]
    values = targets.transpose(1, 2)[..., None]  # (types, 6, members, 1)
    transposed = design.transpose(2, 3)
    if members <= width:
        noise = prior.noise[:, None, None] * torch.eye(members)
        inverse = torch.cholesky_inverse(torch.linalg.cholesky(design @ transposed + noise))
        solved = inverse @ values
        weights = (transposed @ solved)[..., 0]
        errors = solved[..., 0] / inverse.diagonal(dim1=-2, dim2=-1)
    else:
        noise = prior.noise[:, None, None] * torch.eye(width + 1)
        inverse = torch.cholesky_inverse(torch.linalg.cholesky(transposed @ design + noise))
        weights = (inverse @ (transposed @ values))[..., 0]
        leverage = ((design @ inverse) * design).sum(-1)
        errors = (values - design @ weights[..., None])[..., 0] / (1 - leverage).clamp(min=1e-6)
    return weights * scale, errors.abs().mean(-1)
