"""From cached encoder states to the sequences that the network projects."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from whisq.model.config import Config
from whisq.model.pooling import masked_mean, pool_time
from whisq.model.scaling import Scaling


class AudioInput(nn.Module):
    """Pick the encoder's layers, average short runs of frames, scale and make one sequence of them.

    Source: the paper reads Whisper's frames as a sequence. Chosen: which layers; a learnt softmax
    mixes several (as SUPERB's weighted sum does), or they stand side by side.

    Attributes:
        side_by_side: How many layers one step of the sequence holds.
        out_dim: Width of such a step.
    """

    def __init__(self, config: Config) -> None:
        """Make scaling and mixture.

        Args:
            config: The model's config.
        """
        super().__init__()
        self.picked = [config.cached_layers.index(layer) for layer in config.audio_layers]
        self.expected = len(config.cached_layers)
        self.pool = config.audio_pool
        self.scaling = Scaling(config.audio_scaling, len(self.picked), config.audio_dim)
        self.side_by_side = len(self.picked) if config.layer_mixing == "concat" else 1
        self.out_dim = self.side_by_side * config.audio_dim
        mixed = len(self.picked) > self.side_by_side
        self.mixture = nn.Parameter(torch.zeros(len(self.picked))) if mixed else None

    def forward(self, audio: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Prepare a batch.

        Args:
            audio: Cached states, (clips, layers, frames, dim).
            mask: (clips, frames), True where real.

        Returns:
            The sequence, (clips, shorter frames, out_dim), and its mask.
        """
        with full_precision(audio):
            # Averaging first: it commutes with the scaling, which then has fewer frames to scale.
            layers = [pool_time(layer, mask, self.pool) for layer in self.pick(audio)]
            states = self.scaling(torch.stack([sequence for sequence, _ in layers], 1))
        shorter = layers[0][1]
        if self.mixture is None:
            return states.transpose(1, 2).flatten(2), shorter
        return torch.einsum("l,clfd->cfd", self.mixture.softmax(0), states), shorter

    def pick(self, audio: Tensor) -> list[Tensor]:
        """Keep the layers that the config names.

        Args:
            audio: (clips, cached layers, frames, dim).

        Returns:
            One sequence a picked layer, (clips, frames, dim); views, nothing is copied.

        Raises:
            ValueError: The input does not hold the layers that the model was made for.
        """
        if audio.shape[1] != self.expected:
            raise ValueError(
                f"The model reads clips with {self.expected} cached layer(s), given "
                f"{audio.shape[1]}; embed the audio with the layers in config.json's audio spec"
            )
        return [audio[:, layer] for layer in self.picked]


class TextInput(nn.Module):
    """Scale the token states, and average them where the sequence is not wanted."""

    def __init__(self, config: Config) -> None:
        """Make the scaling.

        Args:
            config: The model's config.
        """
        super().__init__()
        self.scaling = Scaling(config.text_scaling, 1, config.text_dim)
        self.average = config.text_sequence == "mean"

    def forward(self, text: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Prepare a batch.

        Args:
            text: Token states, (clips, tokens, dim).
            mask: (clips, tokens), True where real.

        Returns:
            The sequence, (clips, tokens or 1, dim), and its mask.
        """
        with full_precision(text):
            states = self.scaling(text.unsqueeze(1)).squeeze(1)
        if self.average:
            return masked_mean(states, mask).unsqueeze(1), mask[:, :1]
        return states, mask


def full_precision(states: Tensor) -> torch.autocast:
    """Compute in float32, whatever is chosen for the network: scaling magnifies rounding.

    Args:
        states: What is computed on; says which device that is about.

    Returns:
        A context.
    """
    return torch.autocast(states.device.type, enabled=False)
