"""Frozen encoders' states brought to a common scale, by statistics of the training set.

A few dimensions of Whisper and most of MiniLM's variance are the same for every input; a small
network does not get past them. MiniLM's states of a prompt and of the same prompt in reverse order
have a cosine above 0.97: whitening is what makes the difference visible.

Conventions: states are (clips, steps, dim), or (clips, steps, groups, dim) where several hidden
states of an encoder are scaled apart; statistics are (groups, dim), one group for the former.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

SHRINKAGE = 0.01


def full_precision(states: Tensor) -> torch.autocast:
    """Make a context that computes in float32, whatever is chosen for the network around it."""
    return torch.autocast(states.device.type, enabled=False)


class Scaling(nn.Module):
    """An affine map of each state, fixed once fitted and saved with the weights.

    Chosen: the paper does not say whether states are scaled.
    """

    def __init__(self, kind: str, dim: int, groups: int = 1) -> None:
        """Start as the identity.

        Args:
            kind: none, standard (zero mean and unit variance a dimension) or whiten (also
                uncorrelated).
            dim: Width of a state.
            groups: Hidden states scaled apart.
        """
        super().__init__()
        self.kind = kind
        self.register_buffer("mean", torch.zeros(groups, dim))
        shape = (groups, dim, dim) if kind == "whiten" else (groups, dim)
        identity = torch.eye(dim).expand(shape) if kind == "whiten" else torch.ones(shape)
        self.register_buffer("matrix", identity.clone())

    def forward(self, states: Tensor) -> Tensor:
        """Scale states; their shape stays."""
        if self.kind == "none":
            return states
        centred = states - self.mean
        if self.kind == "standard":
            return centred * self.matrix
        if len(self.matrix) == 1:  # one product for the whole batch, not one a clip
            return centred @ self.matrix[0]
        return (centred.transpose(1, 2) @ self.matrix).transpose(1, 2)

    def fit(self, moments: Moments) -> None:
        """Take mean and scale from the training set's moments."""
        self.mean.copy_(moments.mean())
        if self.kind == "whiten":
            self.matrix.copy_(_inverse_root(moments.covariance()))
        elif self.kind == "standard":
            self.matrix.copy_(torch.rsqrt(moments.variance() + 1e-8))

    def moments(self) -> Moments:
        """Start gathering what `fit` takes, pairs of dimensions only for whitening."""
        return Moments(*self.mean.shape, pairs=self.kind == "whiten")


class Moments:
    """Count, sum and squares of states, gathered batch by batch in float64, on the CPU.

    Not every GPU knows float64. Products of one dimension with another, the pairs, cost `dim` times
    as much as squares alone.
    """

    def __init__(self, groups: int, dim: int, pairs: bool) -> None:
        """Start empty."""
        self.pairs, self.count = pairs, 0
        self.total = torch.zeros(groups, dim, dtype=torch.float64)
        shape = (groups, dim, dim) if pairs else (groups, dim)
        self.products = torch.zeros(shape, dtype=torch.float64)

    def add(self, states: Tensor, mask: Tensor) -> None:
        """Add a batch's real steps; the mask is (clips, steps)."""
        real = states[mask].view(-1, *self.total.shape).transpose(0, 1).cpu().double()
        self.count += real.shape[1]
        self.total += real.sum(1)
        self.products += real.transpose(1, 2) @ real if self.pairs else real.square().sum(1)

    def mean(self) -> Tensor:
        """Average the states: (groups, dim)."""
        return self.total / self.count

    def variance(self) -> Tensor:
        """Measure how each dimension varies: (groups, dim)."""
        squares = self.products.diagonal(dim1=1, dim2=2) if self.pairs else self.products
        return squares / self.count - self.mean().square()

    def covariance(self) -> Tensor:
        """Measure how dimensions vary together: (groups, dim, dim); needs pairs."""
        mean = self.mean()
        return self.products / self.count - mean.unsqueeze(2) * mean.unsqueeze(1)


def _inverse_root(covariance: Tensor) -> Tensor:
    # Directions that hardly vary are held at a share of the mean variance: their scale is noise,
    # and with few prompts there are fewer states than dimensions.
    values, vectors = torch.linalg.eigh(covariance)
    floor = SHRINKAGE * values.mean(1, keepdim=True).clamp(min=1e-12)
    scale = torch.rsqrt(values.clamp(min=0) + floor)
    return vectors * scale.unsqueeze(1) @ vectors.transpose(1, 2)
