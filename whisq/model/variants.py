"""The paper's network with parts taken out or put in, to tell what each is worth.

`Variant` makes other parts of `WhisQ` and leaves its `forward` as it is: out go the token sequence,
one direction of co-attention or both; in come further hidden states of the encoder for OMQ, frames
left out of it in training, and parts of the clip pooled apart for TA.

Conventions: those of `whisq.model.whisq`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from whisq.model.ridge import PooledRidge
from whisq.model.scaling import Scaling, full_precision
from whisq.model.whisq import (
    AlignmentBranch,
    AudioInput,
    Choices,
    CoAttention,
    Config,
    CrossAttention,
    Interaction,
    Output,
    Pooling,
    QualityBranch,
    RatingHead,
    TextInput,
    WhisQ,
    masked_mean,
    pool_time,
    projection,
)
from whisq.section import Share


class Model(Choices):
    """The section `model` of params.yaml: the paper's choices, and what can be changed besides.

    The defaults are the paper's network.

    Attributes:
        architecture: The paper's network or a peer, which takes what it needs of the choices.
        text_sequence: tokens, or mean: one vector a prompt.
        coattention: Which side attends to the other.
        quality_layers: Further hidden states of the audio encoder that OMQ is read from, beside
            `audio_layer`, which both ratings are read from.
        frame_dropout: Share of the frames hidden from OMQ's pooling in training.
        segments: Equal parts of the clip pooled one by one and given to the TA head; 0 for none.
        bilinear: Whether the TA head also sees a learnt low-rank bilinear form of the two sides.
        ridge: Share of both ratings that a ridge on pooled states has, if any term learns from
            ratings; the network learns as without it.
    """

    architecture: Literal[
        "whisq", "challenge_baseline", "challenge_baseline_relu", "astar", "muq_eval"
    ] = "whisq"
    text_sequence: Literal["tokens", "mean"] = "tokens"
    coattention: Literal["none", "audio_to_text", "text_to_audio", "both"] = "both"
    quality_layers: list[int] = Field(default_factory=list)
    frame_dropout: Share = 0.0
    segments: Annotated[int, Field(ge=0)] = 0
    bilinear: bool = False
    ridge: Share = 0.0

    @property
    def audio_layers(self) -> list[int]:
        """The hidden states of the audio encoder that are read."""
        return [self.audio_layer, *self.quality_layers]

    @property
    def extends(self) -> bool:
        """Whether anything is changed."""
        own = Model.model_fields.keys() - Choices.model_fields.keys()
        return any(getattr(self, name) != getattr(Model(), name) for name in own)

    @property
    def splits(self) -> bool:
        """Whether OMQ and TA share no weight, so that what only TA is read from can't move OMQ."""
        return self.architecture == "whisq" and self.quality_projection == "own"

    def problems(self) -> list[str]:
        """Check that the choices go together."""
        found = super().problems()
        if self.quality_layers and self.quality_projection != "own":
            found.append("quality_layers needs quality_projection: own")
        if len(set(self.audio_layers)) < len(self.audio_layers):
            found.append(f"each layer is read once, given {self.audio_layers}")
        return found


# What only TA is read from.
ALIGNMENT = frozenset({
    *("text_scaling", "text_sequence", "positions", "position_unit"),
    *("coattention", "heads", "layers", "segments"),
    *("alignment_pooling", "interaction", "bilinear"),
})  # fmt: skip


class ModelConfig(Model, Config):
    """What config.json holds: the section, and what the data bring."""


class Variant(WhisQ):
    """The paper's network with other parts."""

    def __init__(self, config: ModelConfig) -> None:
        super(WhisQ, self).__init__(config)
        self.audio_input = SideBySide(config)
        average = config.text_sequence == "mean"
        self.text_input = MeanText(config) if average else TextInput(config)
        self.project_audio = nn.Sequential(
            First(config.audio_dim), *projection(config.audio_dim, config)
        )
        self.project_text = projection(config.text_dim, config)
        own = config.quality_projection == "own"
        self.project_quality = projection(self.audio_input.out_dim, config) if own else None
        self.quality = HiddenFrames(config)
        self.alignment = ByParts(config)
        self.ridge = (
            PooledRidge(self.audio_input.out_dim, config.text_dim) if config.ridge else None
        )

    def forward(self, audio: Tensor, audio_mask: Tensor, text: Tensor, text_mask: Tensor) -> Output:
        """Rate clips against prompts, in training by the network alone."""
        output = super().forward(audio, audio_mask, text, text_mask)
        if self.ridge is None or self.training:
            return output
        with full_precision(audio):
            heard = masked_mean(self.audio_input.pick(audio).flatten(2), audio_mask)
            pooled = heard, masked_mean(text, text_mask)
            omq, ta = self.ridge.beside((output.omq, output.ta), *pooled, self.config.ridge)
        return replace(output, omq=omq, ta=ta)


class SideBySide(AudioInput):
    """Several hidden states side by side at each step; `audio_layer` comes first."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.places = [config.cached_layers.index(layer) for layer in config.audio_layers]
        self.scaling = Scaling(config.audio_scaling, config.audio_dim, len(self.places))
        self.out_dim = len(self.places) * config.audio_dim

    def forward(self, audio: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Prepare cached audio: (clips, fewer frames, out_dim) and its mask."""
        with full_precision(audio):
            runs = [pool_time(state, mask, self.pool) for state in self.pick(audio).unbind(2)]
            states = self.scaling(torch.stack([sequence for sequence, _ in runs], 2))
        return states.flatten(2), runs[0][1]

    def pick(self, audio: Tensor) -> Tensor:
        """Keep the hidden states that are read: (clips, frames, states, audio_dim)."""
        super().pick(audio)
        every = self.places == list(range(self.cached))  # then nothing is copied
        return (audio if every else audio[:, self.places]).transpose(1, 2)


class First(nn.Module):
    """Keep the first hidden state of those that stand side by side."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, sequence: Tensor) -> Tensor:
        """Cut (clips, frames, states times dim): (clips, frames, dim)."""
        return sequence[..., : self.dim].contiguous()


class MeanText(TextInput):
    """A prompt as one vector: its tokens' mean."""

    def forward(self, text: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Prepare cached token states: a sequence of one step and its mask."""
        states, _ = super().forward(text, mask)
        return masked_mean(states, mask).unsqueeze(1), mask[:, :1]


class HiddenFrames(QualityBranch):
    """Frames are hidden from pooling in training: a clip is not to be known by one moment of it."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.share = config.frame_dropout

    def forward(self, audio: Tensor, mask: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Hide in training and rate: OMQ, the bins' logits, the frames' weights."""
        return super().forward(audio, self.hide(mask))

    def hide(self, mask: Tensor) -> Tensor:
        """Hide frames in training, never a clip's luckiest: True where real and seen."""
        if not self.training or not self.share:
            return mask
        luck = torch.rand(mask.shape, device=mask.device).masked_fill(~mask, -1.0)
        return mask & ((luck >= self.share) | (luck == luck.amax(1, keepdim=True)))


class ByParts(AlignmentBranch):
    """TA from co-attended sequences, from parts of the clip pooled apart, or from both."""

    def __init__(self, config: ModelConfig) -> None:
        super(AlignmentBranch, self).__init__()
        self.config, self.segments = config, config.segments
        attends = config.coattention != "none"
        layers = config.layers if attends else 0
        make = CoAttention if config.coattention == "both" else OneWay
        self.layers = nn.ModuleList(make(config) for _ in range(layers))
        self.interaction = self.parts = None
        if attends or not self.segments:
            self.audio_pooling = Pooling(config.alignment_pooling, config.width)
            self.text_pooling = Pooling(config.alignment_pooling, config.width)
            dim = self.audio_pooling.out_dim
            self.interaction = _interaction(dim, dim, config)
        if self.segments:
            self.parts = _interaction(self.segments * config.width, config.width, config)
        made = [part.out_dim for part in (self.interaction, self.parts) if part is not None]
        self.head = RatingHead(sum(made), config)

    def describe(
        self, audio: Tensor, audio_mask: Tensor, text: Tensor, text_mask: Tensor
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Attend and pool: what the head reads, (clips, features), and the attention."""
        features, maps = [], (None, None)
        if self.interaction is not None:
            whole, *maps = super().describe(audio, audio_mask, text, text_mask)
            features.append(whole)
        if self.parts is not None:
            parts = pool_segments(audio, audio_mask, self.segments).flatten(-2)
            features.append(self.parts(parts, masked_mean(text, text_mask)))
        return torch.cat(features, -1), *maps


class OneWay(nn.Module):
    """A layer in which one side reads the other, which stays as it is."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.asks = config.coattention
        self.attention = CrossAttention(config)

    def forward(
        self, audio: Tensor, audio_mask: Tensor, text: Tensor, text_mask: Tensor
    ) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
        """Let one side read the other: audio, text, attention of audio to text and back."""
        if self.asks == "audio_to_text":
            heard, attention = self.attention(audio, text, text_mask)
            return heard, text, attention, None
        read, attention = self.attention(text, audio, audio_mask)
        return audio, read, None, attention


class Bilinear(Interaction):
    """What two vectors say together, and a low-rank bilinear form of them."""

    def __init__(self, audio_dim: int, text_dim: int, config: ModelConfig) -> None:
        super().__init__(audio_dim, text_dim, config)
        self.left, self.right = (nn.Linear(dim, config.width) for dim in (audio_dim, text_dim))
        self.out_dim += config.width

    def forward(self, audio: Tensor, text: Tensor) -> Tensor:
        """Put the features and the form side by side: (clips, out_dim)."""
        features = super().forward(audio, text)
        return torch.cat([features, self.left(audio) * self.right(text)], -1)


def _interaction(audio_dim: int, text_dim: int, config: ModelConfig) -> Interaction:
    return (Bilinear if config.bilinear else Interaction)(audio_dim, text_dim, config)


def pool_segments(sequence: Tensor, mask: Tensor, segments: int) -> Tensor:
    """Average each of so many equal parts of the real steps.

    A step that lies across a border counts for both parts by its share in each, so that a
    sequence shorter than the number of parts still fills every one.

    Returns:
        The parts' means, (clips, segments, dim).
    """
    length = mask.sum(1).to(sequence.dtype).view(-1, 1, 1)
    edges = torch.arange(segments + 1, device=sequence.device) / segments
    starts = edges[:-1].view(1, -1, 1) * length
    ends = edges[1:].view(1, -1, 1) * length
    step = torch.arange(sequence.shape[1], device=sequence.device).view(1, 1, -1)
    overlap = (torch.minimum(ends, step + 1) - torch.maximum(starts, step)).clamp(min=0)
    weights = overlap / (length / segments)
    return weights @ (sequence * mask.unsqueeze(2))
