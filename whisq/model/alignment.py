"""Textual alignment: how well a clip does what its prompt says, in its order."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from whisq.model.coattention import CoAttention
from whisq.model.config import Config
from whisq.model.heads import Interaction, RatingHead
from whisq.model.pooling import Pooling, masked_mean, pool_segments
from whisq.model.positions import positions

Rated = tuple[Tensor, Tensor | None, Tensor | None, Tensor | None]


class AlignmentBranch(nn.Module):
    """TA from co-attended sequences, from segments of the clip, or from both."""

    def __init__(self, config: Config) -> None:
        """Make what the config asks for.

        Args:
            config: The network's choices.
        """
        super().__init__()
        self.positions, self.unit = config.positions, config.position_unit
        attends = config.coattention != "none"
        self.layers = nn.ModuleList(
            CoAttention(
                config.width, config.heads, config.dropout, config.residual, config.coattention
            )
            for _ in range(config.layers if attends else 0)
        )
        self.segments = config.segments
        self.whole = self.parts = None
        width, kind, bilinear = config.width, config.interaction, config.bilinear
        if attends or not config.segments:
            self.audio_pooling = Pooling(config.alignment_pooling, width)
            self.text_pooling = Pooling(config.alignment_pooling, width)
            dim = self.audio_pooling.out_dim
            self.whole = Interaction(dim, dim, width, kind, bilinear)
        if config.segments:
            self.parts = Interaction(config.segments * width, width, width, kind, bilinear)
        made = [part.out_dim for part in (self.whole, self.parts) if part is not None]
        self.head = RatingHead(
            sum(made), config.hidden, config.dropout, config.bins, config.output_range
        )

    def forward(self, audio: Tensor, audio_mask: Tensor, text: Tensor, text_mask: Tensor) -> Rated:
        """Rate.

        Args:
            audio: Projected audio, (clips, frames, width).
            audio_mask: (clips, frames), True where real.
            text: Projected text, (clips, tokens, width).
            text_mask: (clips, tokens), True where real.

        Returns:
            TA (clips,), its bins' logits, and the last layer's maps of audio to text and of text
            to audio; None where there are none.
        """
        features, maps = [], (None, None)
        if self.whole is not None:
            heard, read, maps = self._attend(audio, audio_mask, text, text_mask)
            heard, _ = self.audio_pooling(heard, audio_mask)
            read, _ = self.text_pooling(read, text_mask)
            features.append(self.whole(heard, read))
        if self.parts is not None:
            parts = pool_segments(audio, audio_mask, self.segments).flatten(1)
            features.append(self.parts(parts, masked_mean(text, text_mask)))
        return *self.head(torch.cat(features, 1)), *maps

    def _attend(
        self, audio: Tensor, audio_mask: Tensor, text: Tensor, text_mask: Tensor
    ) -> tuple[Tensor, Tensor, tuple[Tensor | None, Tensor | None]]:
        width = audio.shape[2]
        if self.positions in ("audio", "both"):
            audio = audio + positions(audio_mask, width, self.unit)
        if self.positions in ("text", "both"):
            text = text + positions(text_mask, width, self.unit)
        maps = (None, None)
        for layer in self.layers:
            audio, text, *maps = layer(audio, audio_mask, text, text_mask)
        return audio, text, tuple(maps)
