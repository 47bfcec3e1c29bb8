"""What a model is made of: every choice that shapes the trainable network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

CHOICES = {
    "audio_scaling": ("none", "standard", "whiten"),
    "text_scaling": ("none", "standard", "whiten"),
    "positions": ("none", "audio", "text", "both"),
    "position_unit": ("steps", "share"),
    "layer_mixing": ("softmax", "concat"),
    "text_sequence": ("tokens", "mean"),
    "coattention": ("none", "audio_to_text", "text_to_audio", "both"),
    "quality_projection": ("shared", "own"),
    "quality_pooling": ("mean", "max", "attention", "mean_std"),
    "alignment_pooling": ("mean", "max", "attention", "mean_std"),
    "interaction": ("none", "product"),
    "output_range": ("free", "sigmoid"),
}


@dataclass(frozen=True)
class Config:
    """The network's choices; saved as `config.json` beside the weights.

    Attributes:
        architecture: A name out of `whisq.model.architectures`.
        audio_dim: Width of the cached audio sequences (512 for Whisper-base).
        text_dim: Width of the cached text sequences (1024 for Qwen3-0.6B, 384 for MiniLM).
        audio_layers: Which of the encoder's layers are read.
        layer_mixing: Several layers as one: softmax (a learnt mean) or concat (side by side).
        alignment_layers: Of layers side by side, those that TA is read from; empty: all.
        audio: The audio encoder's spec, for who embeds new clips; `layers` in it lists the
            cached layers in order.
        text: The text encoder's spec.
        preprocessing: Versions of what was done around the two encoders, `audio` and `text`.
        audio_pool: Cached steps averaged into one before the network (1 keeps them all).
        audio_scaling: none, standard (z-score a dimension) or whiten, fitted on training clips.
        text_scaling: The same for token states, fitted on training prompts.
        text_sequence: tokens, or mean: one vector a prompt.
        width: Dimension of the space that both sequences are projected into.
        dropout: Share of units dropped in training, 0..1.
        input_dropout: Share of the scaled encoder dimensions dropped in training, 0..1, the same
            ones at every step of a sequence.
        frame_dropout: Share of the frames hidden from the quality branch in training, 0..1.
        quality_projection: shared with the alignment branch, or own.
        positions: Which projected sequences are given sinusoidal positions.
        position_unit: steps (how far from the start) or share (how far through the sequence).
        coattention: Which side attends to the other.
        heads: Attention heads; a divisor of width.
        layers: Co-attention layers, at least 1.
        residual: Whether attention adds to its query, with a layer norm.
        segments: Equal parts of the clip pooled one by one and given to the TA head; 0 for none.
        quality_pooling: How frames become the one vector that OMQ is read from.
        alignment_pooling: How co-attended sequences become the vectors that TA is read from.
        interaction: none (the two vectors) or product (their product and difference beside).
        bilinear: Whether the TA head also sees a learnt low-rank bilinear form of the two.
        hidden: Width of each head's hidden layer.
        bins: Rating bins a head predicts a distribution over; 0 predicts the mean itself.
        output_range: free, or sigmoid: squashed into 1..5. Not used with bins.
    """

    audio_dim: int
    text_dim: int
    architecture: str = "whisq"
    audio_layers: Sequence[int] = (-1,)
    audio: Mapping[str, Any] = field(default_factory=dict)
    text: Mapping[str, Any] = field(default_factory=dict)
    preprocessing: Mapping[str, int] = field(default_factory=dict)
    layer_mixing: str = "softmax"
    alignment_layers: Sequence[int] = ()
    audio_pool: int = 1
    audio_scaling: str = "standard"
    text_scaling: str = "standard"
    text_sequence: str = "tokens"
    width: int = 128
    dropout: float = 0.1
    input_dropout: float = 0.0
    frame_dropout: float = 0.0
    quality_projection: str = "shared"
    positions: str = "both"
    position_unit: str = "steps"
    coattention: str = "both"
    heads: int = 4
    layers: int = 1
    residual: bool = True
    segments: int = 0
    quality_pooling: str = "attention"
    alignment_pooling: str = "attention"
    interaction: str = "product"
    bilinear: bool = False
    hidden: int = 128
    bins: int = 0
    output_range: str = "free"

    def __post_init__(self) -> None:
        """Check the choices.

        Raises:
            ValueError: A choice is unknown, or two contradict each other; all are named.
        """
        problems = [
            f"{name} must be one of {', '.join(allowed)}, given {getattr(self, name)!r}"
            for name, allowed in CHOICES.items()
            if getattr(self, name) not in allowed
        ]
        if self.width % self.heads:
            problems.append(f"heads must divide width, given {self.heads} and {self.width}")
        if not set(self.audio_layers) <= set(self.cached_layers) or not self.audio_layers:
            problems.append(
                f"audio_layers must be among the cached layers {list(self.cached_layers)}, given "
                f"{list(self.audio_layers)}; add them to embed_audio.layers"
            )
        if not set(self.alignment_layers) <= set(self.audio_layers):
            problems.append(
                f"alignment_layers must be among audio_layers {list(self.audio_layers)}, given "
                f"{list(self.alignment_layers)}"
            )
        if self.alignment_layers and self.layer_mixing != "concat":
            problems.append("alignment_layers needs layer_mixing: concat")
        if self.alignment_layers and self.quality_projection != "own":
            problems.append("alignment_layers needs quality_projection: own")
        if self.bins == 1:
            problems.append("bins must be 0 or at least 2, given 1")
        if problems:
            raise ValueError("The model's config is wrong: " + "; ".join(problems))

    @property
    def cached_layers(self) -> tuple[int, ...]:
        """The encoder's layers that the input holds, in its order."""
        return tuple(self.audio.get("layers", self.audio_layers))
