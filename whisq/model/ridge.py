"""A ridge on pooled states beside the network: what is known without the order of the steps.

Differs: the paper rates by its network alone. The two err apart, so that their mean can be nearer
to the raters than either; docs/unseen.md tells where it is.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

COMPONENTS = 16  # of each side, whose products tell how the two belong together


class PooledRidge(nn.Module):
    """OMQ and TA as affine maps, fitted once and saved with the weights.

    OMQ is read from the audio's mean state; TA from that, the prompt's, and the products of the
    two sides' leading principal components. An axis that was not fitted is not `known`.
    """

    def __init__(self, audio_dim: int, text_dim: int) -> None:
        super().__init__()
        for side, dim in (("audio", audio_dim), ("text", text_dim)):
            self.register_buffer(f"{side}_centre", torch.zeros(dim))
            self.register_buffer(f"{side}_components", torch.zeros(COMPONENTS, dim))
        read = {"omq": audio_dim, "ta": audio_dim + text_dim + COMPONENTS**2}
        for axis, features in read.items():
            self.register_buffer(f"{axis}_weights", torch.zeros(features))
            self.register_buffer(f"{axis}_bias", torch.zeros(()))
        self.register_buffer("known", torch.zeros(len(read)))

    def forward(self, audio: Tensor, text: Tensor) -> tuple[Tensor, Tensor]:
        """Rate mean states, (clips, audio_dim) and (clips, text_dim): OMQ and TA, (clips,)."""
        heard = (audio - self.audio_centre) @ self.audio_components.T
        read = (text - self.text_centre) @ self.text_components.T
        products = torch.einsum("ca,ct->cat", heard, read).flatten(1)
        both = torch.cat([audio, text, products], 1)
        return audio @ self.omq_weights + self.omq_bias, both @ self.ta_weights + self.ta_bias

    def take(self, fitted: Mapping[str, np.ndarray]) -> None:
        """Take what was fitted, by the buffer's name; what is shorter is filled up with zeros."""
        for name, values in fitted.items():
            buffer = getattr(self, name)
            place = tuple(slice(size) for size in np.shape(values))
            buffer[place] = torch.as_tensor(values).to(buffer)

    def beside(
        self, network: tuple[Tensor, Tensor], audio: Tensor, text: Tensor, share: float
    ) -> list[Tensor]:
        """Return the network's OMQ and TA with the ridge's share in them, where it is known."""
        pairs = zip(network, self(audio, text), share * self.known, strict=True)
        return [torch.lerp(rating, own, weight) for rating, own, weight in pairs]
