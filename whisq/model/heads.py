"""Vectors to ratings: the two light heads and what the TA head is shown."""

from __future__ import annotations

import torch
from torch import Tensor, nn

LOWEST, HIGHEST = 1.0, 5.0
MIDDLE = (LOWEST + HIGHEST) / 2


def bin_centres(bins: int) -> Tensor:
    """Place rating bins evenly over the scale, the first at 1 and the last at 5.

    Args:
        bins: How many, at least 2.

    Returns:
        Their centres in MOS units, (bins,).
    """
    return torch.linspace(LOWEST, HIGHEST, bins)


class RatingHead(nn.Module):
    """A light MLP from a vector to a mean opinion score.

    Source: "a light MLP head" (WhisQ's abstract). Chosen: one hidden layer with GELU, layer norm
    before it, and the scale's middle as the starting point.
    """

    def __init__(
        self, dim: int, hidden: int, dropout: float, bins: int = 0, output_range: str = "free"
    ) -> None:
        """Make the layers.

        Args:
            dim: Width of the input.
            hidden: Width of the hidden layer.
            dropout: Share dropped in training, 0..1.
            bins: Rating bins to predict a distribution over; 0 predicts the mean itself.
            output_range: free, or sigmoid: squashed into 1..5. Not used with bins.
        """
        super().__init__()
        self.squash = output_range == "sigmoid"
        self.layers = nn.Sequential(
            nn.LayerNorm(dim),
            nn.Linear(dim, hidden),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, max(bins, 1)),
        )
        self.register_buffer("centres", bin_centres(bins) if bins else None, persistent=False)

    def forward(self, vector: Tensor) -> tuple[Tensor, Tensor | None]:
        """Rate.

        Args:
            vector: (batch, dim).

        Returns:
            Ratings in MOS units, (batch,), and with bins their logits, (batch, bins).
        """
        raw = self.layers(vector)
        if self.centres is not None:
            return raw.softmax(1) @ self.centres, raw
        value = raw.squeeze(1)
        if self.squash:
            return LOWEST + (HIGHEST - LOWEST) * value.sigmoid(), None
        return MIDDLE + value, None


class Interaction(nn.Module):
    """What two vectors say together.

    Chosen: the paper does not say what its TA head is given.
    """

    def __init__(self, audio_dim: int, text_dim: int, width: int, kind: str, bilinear: bool):
        """Make the projections that the kind needs.

        Args:
            audio_dim: Width of the audio vector.
            text_dim: Width of the text vector.
            width: Width at which the two are compared.
            kind: none (side by side) or product (their product and absolute difference too).
            bilinear: Whether to add a low-rank bilinear form with projections of its own.
        """
        super().__init__()
        self.product = kind == "product"
        self.audio = nn.Linear(audio_dim, width) if audio_dim != width else nn.Identity()
        self.text = nn.Linear(text_dim, width) if text_dim != width else nn.Identity()
        self.left = nn.Linear(audio_dim, width) if bilinear else None
        self.right = nn.Linear(text_dim, width) if bilinear else None
        self.out_dim = width * (2 + 2 * self.product + bilinear)

    def forward(self, audio: Tensor, text: Tensor) -> Tensor:
        """Put the features side by side.

        Args:
            audio: (batch, audio_dim).
            text: (batch, text_dim).

        Returns:
            (batch, out_dim).
        """
        left, right = self.audio(audio), self.text(text)
        features = [left, right]
        if self.product:
            features += [left * right, (left - right).abs()]
        if self.left is not None and self.right is not None:
            features.append(self.left(audio) * self.right(text))
        return torch.cat(features, 1)
