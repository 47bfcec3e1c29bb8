"""Each side of the pair reads the other: bidirectional sequence co-attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class CrossAttention(nn.Module):
    """Steps of one sequence gather what they need from another.

    Source: Vaswani et al. 2017, multi-head scaled dot-product attention.
    """

    def __init__(self, width: int, heads: int, dropout: float, residual: bool) -> None:
        """Make the projections.

        Args:
            width: Dimension of both sequences.
            heads: Number of heads, a divisor of width.
            dropout: Share of the attended values dropped in training, 0..1.
            residual: Whether to add to the query, with a layer norm; else the attended values
                stand alone.
        """
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(width) if residual else None

    def forward(self, query: Tensor, source: Tensor, source_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Attend.

        Args:
            query: Steps that ask, (batch, steps, width).
            source: Steps that answer, (batch, source steps, width).
            source_mask: True where an answering step is real, (batch, source steps).

        Returns:
            The asking sequence informed by the other, (batch, steps, width), and the attention,
            (batch, heads, steps, source steps), whose rows sum to one and are zero on padding.
        """
        asked = self._split(self.query(query))
        scores = asked @ self._split(self.key(source)).transpose(2, 3) / asked.shape[3] ** 0.5
        attention = scores.masked_fill(~source_mask[:, None, None, :], -torch.inf).softmax(3)
        answer = attention @ self._split(self.value(source))
        answer = self.dropout(self.out(answer.transpose(1, 2).flatten(2)))
        return (answer if self.norm is None else self.norm(query + answer)), attention

    def _split(self, sequence: Tensor) -> Tensor:
        return sequence.unflatten(2, (self.heads, -1)).transpose(1, 2)


class CoAttention(nn.Module):
    """One layer in which audio reads text, text reads audio, or both at once.

    Source: "bidirectional sequence co-attention" (WhisQ's abstract). Chosen: heads, residuals and
    norms, of which nothing is published; both directions read the layer's input, so that neither
    goes first.
    """

    def __init__(
        self, width: int, heads: int, dropout: float, residual: bool, direction: str
    ) -> None:
        """Make one attention a direction.

        Args:
            width: Dimension of both sequences.
            heads: Number of heads.
            dropout: Share dropped in training, 0..1.
            residual: Whether attention adds to its query.
            direction: both, audio_to_text (audio attends to text) or text_to_audio.
        """
        super().__init__()

        def attention(name: str) -> CrossAttention | None:
            wanted = direction in ("both", name)
            return CrossAttention(width, heads, dropout, residual) if wanted else None

        self.audio_to_text = attention("audio_to_text")
        self.text_to_audio = attention("text_to_audio")

    def forward(
        self, audio: Tensor, audio_mask: Tensor, text: Tensor, text_mask: Tensor
    ) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
        """Let the two sides read each other; a side that does not read stays as it is.

        Args:
            audio: (batch, frames, width).
            audio_mask: (batch, frames), True where real.
            text: (batch, tokens, width).
            text_mask: (batch, tokens), True where real.

        Returns:
            Audio, text, and the two attention maps, None for a direction left out.
        """
        heard, read = audio, text
        audio_map = text_map = None
        if self.audio_to_text is not None:
            heard, audio_map = self.audio_to_text(audio, text, text_mask)
        if self.text_to_audio is not None:
            read, text_map = self.text_to_audio(text, audio, audio_mask)
        return heard, read, audio_map, text_map
