r"""WhisQ: musical quality from pooled audio, textual alignment from co-attended sequences.

                  clip                                     prompt
                   |                                         |
        Whisper-Base encoder, frozen             Qwen3-0.6B, frozen            kept as sequences,
            (frames, audio_dim)                   (tokens, text_dim)           computed once
                   |                                         |
               AudioInput                                TextInput             a common scale
             /            \                                   |
    project_quality   project_audio                    project_text            a shared space
            |               |                                |
            |        (frames, width) <---- Sinkhorn ----> (tokens, width)      whisq.losses, in
            |               |                                |                 training alone
            |          + positions                      + positions
            |               |                                |
            |               +------> CoAttention <-----------+                 each side reads
            |               |                                |                 the other
         Pooling         Pooling                          Pooling
            |               +------> Interaction <-----------+
        RatingHead               RatingHead                                    light MLPs
            |                        |
           OMQ                      TA                                         1 to 5

Source: arXiv 2506.05899, abstract and caption of figure 1: "Whisper-Base" and "Qwen3", both "kept
as a sequence", "a shared embedding space", "OMQ from pooled audio", "TA from bidirectional sequence
co-attention", "light MLP head". What of the network is open is a field of `Choices`.

Conventions: a sequence is (clips, steps, dim), its steps audio's frames or text's tokens, with a
mask (clips, steps), True where a step is real; real steps come first, and every sequence has one.
Where clips meet several prompts, what is read of these has a leading axis, (prompts, clips, ...).
Cached audio is hidden states, (clips, states, frames, audio_dim); ratings are MOS units, (clips,).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from whisq.model.network import Network, Others
from whisq.model.scaling import Scaling, full_precision
from whisq.section import Positive, Section, Share

LOWEST, MIDDLE, HIGHEST = 1.0, 3.0, 5.0
SLOWEST = 10_000.0  # steps of the slowest wave of the positions, over 2 pi
SHARE_STEPS = 64.0  # a whole sequence, in the unit of the waves, where positions are shares
TINY = 1e-5
VECTOR = 16  # numbers that a CPU computes at once

Scale = Literal["none", "standard", "whiten"]
Pool = Literal["mean", "mean_std", "attention"]


class Choices(Section):
    """What the paper leaves open, with what was chosen.

    Attributes:
        audio_layer: The hidden state of the audio encoder that is read, by its number.
        audio_pool: Cached frames averaged into one step before the network; 1 keeps them all.
        audio_scaling: none, standard (mean 0 and variance 1 a dimension) or whiten (uncorrelated
            too), as `Network.fit_scaling` fits it once, before training, on the training clips.
        text_scaling: The same for token states.
        width: Dimension of the shared space.
        dropout: Share dropped in training behind each projection, attention and hidden layer.
        quality_projection: OMQ's own, or shared: that which TA and transport shape as well.
        positions: Which sequences are told where their steps stand; without, order is not heard.
        position_unit: steps, or share of the sequence.
        heads: Attention heads, of each direction; a divisor of width.
        layers: How often the two sequences read each other.
        quality_pooling: How frames become the vector that OMQ is read from: mean, mean_std (their
            mean and spread) or attention (a learnt weighted mean).
        alignment_pooling: The same for the two co-attended sequences.
        interaction: What the TA head sees beside the two vectors: product (and difference) or none.
        hidden: Width of each rating head's hidden layer.
        bins: 0: a rating head predicts the mean; else a distribution over so many, 1 to 5.
    """

    audio_layer: int = 2
    audio_pool: Positive = 3
    audio_scaling: Scale = "standard"
    text_scaling: Scale = "standard"
    width: Positive = 64
    dropout: Share = 0.1
    quality_projection: Literal["own", "shared"] = "own"
    positions: Literal["none", "audio", "text", "both"] = "both"
    position_unit: Literal["steps", "share"] = "steps"
    heads: Positive = 4
    layers: Positive = 1
    quality_pooling: Pool = "mean_std"
    alignment_pooling: Pool = "attention"
    interaction: Literal["none", "product"] = "product"
    hidden: Positive = 64
    bins: Annotated[int, Field(ge=0)] = 0

    @property
    def audio_layers(self) -> list[int]:
        """The hidden states of the audio encoder that are read."""
        return [self.audio_layer]

    def problems(self) -> list[str]:
        """Check that the choices go together."""
        found = super().problems()
        if self.width % self.heads:
            found.append(f"heads must divide width, given {self.heads} and {self.width}")
        if self.bins == 1:
            found.append("bins must be 0 or at least 2, given 1")
        return found


class Config(Choices):
    """The choices with what the data bring.

    Attributes:
        audio_dim: Width of the cached audio states (512 for Whisper-Base).
        text_dim: Width of the cached token states (1024 for Qwen3-0.6B).
        audio: The audio encoder's spec; its `layers` are those that are cached, in order.
        text: The text encoder's spec.
        weights: SHA-256 of the files of the `audio` and the `text` encoder: a part of the model.
        preprocessing: Versions of what was done around the two.
        corpus: What it learnt from: `name`, `licence`, `commit`; axes `unrated` or only `compared`.
    """

    audio_dim: Positive
    text_dim: Positive
    audio: dict[str, Any] = Field(default_factory=dict)
    text: dict[str, Any] = Field(default_factory=dict)
    weights: dict[str, str] = Field(default_factory=dict)
    preprocessing: dict[str, int] = Field(default_factory=dict)
    corpus: dict[str, str] = Field(default_factory=dict)

    @property
    def cached_layers(self) -> list[int]:
        """The hidden states that cached audio holds, in its order."""
        return list(self.audio.get("layers", self.audio_layers))

    def problems(self) -> list[str]:
        """Check that what is read is cached."""
        found = super().problems()
        if not set(self.audio_layers) <= set(self.cached_layers):
            found.append(
                f"the layers that are read must be among the cached {self.cached_layers}, given "
                f"{self.audio_layers}; add them to embed_audio.layers"
            )
        return found


@dataclass(frozen=True)
class Output:
    """Ratings, and what losses and explanations need, None where a network has no such thing."""

    omq: Tensor
    ta: Tensor
    audio_mask: Tensor  # of the steps that the network saw
    text_mask: Tensor
    audio: Tensor | None = None  # in the shared space
    text: Tensor | None = None
    omq_logits: Tensor | None = None  # over the rating bins, (clips, bins)
    ta_logits: Tensor | None = None
    centres: Tensor | None = None  # the bins' ratings, (bins,)
    audio_to_text: Tensor | None = None  # the last attention, (clips, heads, frames, tokens)
    text_to_audio: Tensor | None = None  # (clips, heads, tokens, frames)
    quality_weights: Tensor | None = None  # a frame's share in OMQ, (clips, frames)


class AudioInput(nn.Module):
    """One hidden state a frame, runs of frames averaged, on a common scale."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.cached, self.pool = len(config.cached_layers), config.audio_pool
        self.place = config.cached_layers.index(config.audio_layer)
        self.scaling = Scaling(config.audio_scaling, config.audio_dim)

    def forward(self, audio: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Prepare cached audio: (clips, fewer frames, audio_dim) and its mask."""
        # In float32, for scaling magnifies rounding; averaged first, for there are fewer to scale.
        with full_precision(audio):
            frames, fewer = pool_time(self.pick(audio), mask, self.pool)
            return self.scaling(frames), fewer

    def pick(self, audio: Tensor) -> Tensor:
        """Keep the hidden state that is read: (clips, frames, audio_dim).

        Raises:
            ValueError: The input does not hold the layers that the model was made for.
        """
        if audio.shape[1] != self.cached:
            raise ValueError(
                f"The model reads clips with {self.cached} cached layer(s), given "
                f"{audio.shape[1]}; embed the audio with the layers in config.json's audio spec"
            )
        return audio[:, self.place]


def pool_time(sequence: Tensor, mask: Tensor, factor: int) -> tuple[Tensor, Tensor]:
    """Average runs of steps, at last what is left of the clip: a shorter sequence and its mask."""
    if factor == 1:
        return sequence, mask
    clips, steps, dim = sequence.shape
    missing = -steps % factor
    weights = nn.functional.pad(mask, (0, missing)).view(clips, -1, factor).to(sequence.dtype)
    runs = nn.functional.pad(sequence, (0, 0, 0, missing)).view(clips, -1, factor, dim)
    counts = weights.sum(2)
    means = torch.einsum("brf,brfd->brd", weights, runs) / counts.clamp(min=1).unsqueeze(2)
    return means, counts > 0


class TextInput(nn.Module):
    """Token states on a common scale."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.scaling = Scaling(config.text_scaling, config.text_dim)

    def forward(self, text: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Prepare cached token states: (clips, tokens, text_dim) and their mask."""
        with full_precision(text):
            return self.scaling(text), mask


def projection(dim: int, config: Config) -> nn.Sequential:
    """Make the map of states, (..., dim), into the shared space: (..., width)."""
    return nn.Sequential(
        nn.Linear(dim, config.width), nn.LayerNorm(config.width), nn.Dropout(config.dropout)
    )


def positions(mask: Tensor, dim: int, unit: str = "steps") -> Tensor:
    """Tell where each step stands, by waves (Vaswani et al. 2017): (clips, steps, dim), -1..1."""
    place = torch.arange(mask.shape[-1], device=mask.device, dtype=torch.float32).expand(mask.shape)
    if unit == "share":
        place = (place + 0.5) / mask.sum(-1, keepdim=True) * SHARE_STEPS
    half = torch.arange(dim // 2, device=mask.device, dtype=torch.float32) / (dim // 2)
    angles = place.unsqueeze(-1) * torch.exp(-math.log(SLOWEST) * half)
    return torch.cat([angles.sin(), angles.cos()], -1)


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Make weights of sum one of scores, (..., steps), none of them on padding."""
    # On a CPU a softmax over fewer steps than fit its vectors is ten times as slow.
    missing = (0, max(0, VECTOR - scores.shape[-1]))
    real = nn.functional.pad(scores.masked_fill(~mask, -torch.inf), missing, value=-torch.inf)
    return real.softmax(-1)[..., : scores.shape[-1]]


class CrossAttention(nn.Module):
    """Steps of one sequence ask another, with several heads (Vaswani et al. 2017)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.heads = config.heads
        self.query, self.key, self.value, self.out = (
            nn.Linear(config.width, config.width) for _ in range(4)
        )
        self.dropout = nn.Dropout(config.dropout)
        self.norm = nn.LayerNorm(config.width)

    def forward(self, query: Tensor, source: Tensor, source_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Ask: the sequence, informed, and (clips, heads, steps, source steps), rows of sum one."""
        asked = self._split(self.query(query))
        scores = asked @ self._split(self.key(source)).mT / asked.shape[-1] ** 0.5
        attention = masked_softmax(scores, source_mask[..., None, None, :])
        answer = (attention @ self._split(self.value(source))).transpose(-3, -2).flatten(-2)
        return self.norm(query + self.dropout(self.out(answer))), attention

    def _split(self, sequence: Tensor) -> Tensor:
        return sequence.unflatten(-1, (self.heads, -1)).transpose(-3, -2)


class CoAttention(nn.Module):
    """One layer in which audio reads text and text reads audio, both as they were before it."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.audio_to_text = CrossAttention(config)
        self.text_to_audio = CrossAttention(config)

    def forward(
        self, audio: Tensor, audio_mask: Tensor, text: Tensor, text_mask: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Let each side read the other: audio, text, attention of audio to text and back."""
        heard, audio_map = self.audio_to_text(audio, text, text_mask)
        read, text_map = self.text_to_audio(text, audio, audio_mask)
        return heard, read, audio_map, text_map


def masked_mean(sequence: Tensor, mask: Tensor) -> Tensor:
    """Average the real steps: (clips, dim)."""
    weights = mask.to(sequence.dtype)
    return torch.einsum("...s,...sd->...d", weights, sequence) / weights.sum(-1, keepdim=True)


def masked_std(sequence: Tensor, mask: Tensor) -> Tensor:
    """Measure how far the real steps spread: (clips, dim), never zero, to have a gradient."""
    centred = sequence - masked_mean(sequence, mask).unsqueeze(-2)
    return torch.sqrt(masked_mean(centred.square(), mask) + TINY)


class Pooling(nn.Module):
    """One vector for a sequence."""

    def __init__(self, kind: Pool, dim: int) -> None:
        super().__init__()
        self.kind = kind
        self.out_dim = 2 * dim if kind == "mean_std" else dim
        if kind == "attention":
            self.score = nn.Sequential(nn.Linear(dim, dim), nn.Tanh(), nn.Linear(dim, 1))

    def forward(self, sequence: Tensor, mask: Tensor) -> tuple[Tensor, Tensor | None]:
        """Pool: (clips, out_dim), and the steps' weights, None where spread counts too."""
        if self.kind == "attention":
            weights = masked_softmax(self.score(sequence).squeeze(-1), mask)
            return torch.einsum("...s,...sd->...d", weights, sequence), weights
        mean = masked_mean(sequence, mask)
        if self.kind == "mean":
            return mean, mask / mask.sum(-1, keepdim=True)
        return torch.cat([mean, masked_std(sequence, mask)], -1), None


class Interaction(nn.Module):
    """What a clip's vector and a prompt's say together."""

    def __init__(self, audio_dim: int, text_dim: int, config: Config) -> None:
        super().__init__()
        width, self.product = config.width, config.interaction == "product"
        self.audio = nn.Linear(audio_dim, width) if audio_dim != width else nn.Identity()
        self.text = nn.Linear(text_dim, width) if text_dim != width else nn.Identity()
        self.out_dim = width * (4 if self.product else 2)

    def forward(self, audio: Tensor, text: Tensor) -> Tensor:
        """Put both and what they have in common side by side: (clips, out_dim)."""
        left, right = torch.broadcast_tensors(self.audio(audio), self.text(text))
        both = [left, right, left * right, (left - right).abs()]
        return torch.cat(both if self.product else both[:2], -1)


class RatingHead(nn.Module):
    """A light MLP from a vector to a rating; it starts from the scale's middle."""

    def __init__(self, dim: int, config: Config) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.LayerNorm(dim), nn.Linear(dim, config.hidden), nn.GELU()),
            *(nn.Dropout(config.dropout), nn.Linear(config.hidden, config.bins or 1)),
        )
        centres = torch.linspace(LOWEST, HIGHEST, config.bins) if config.bins else None
        self.register_buffer("centres", centres, persistent=False)

    def forward(self, vector: Tensor) -> tuple[Tensor, Tensor | None]:
        """Rate (clips, dim): ratings, and the bins' logits, (clips, bins), None without bins."""
        raw = self.layers(vector)
        if self.centres is None:
            return MIDDLE + raw.squeeze(-1), None
        return raw.softmax(-1) @ self.centres, raw


class QualityBranch(nn.Module):
    """OMQ from pooled audio alone."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.pooling = Pooling(config.quality_pooling, config.width)
        self.head = RatingHead(self.pooling.out_dim, config)

    def forward(self, audio: Tensor, mask: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Rate: OMQ, the bins' logits, the frames' weights."""
        pooled, weights = self.pooling(audio, mask)
        return *self.head(pooled), weights


class AlignmentBranch(nn.Module):
    """TA from co-attended sequences."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.ModuleList(CoAttention(config) for _ in range(config.layers))
        self.audio_pooling = Pooling(config.alignment_pooling, config.width)
        self.text_pooling = Pooling(config.alignment_pooling, config.width)
        dim = self.audio_pooling.out_dim
        self.interaction = Interaction(dim, dim, config)
        self.head = RatingHead(self.interaction.out_dim, config)

    def forward(
        self, audio: Tensor, audio_mask: Tensor, text: Tensor, text_mask: Tensor
    ) -> tuple[Tensor, Tensor | None, Tensor | None, Tensor | None]:
        """Rate: TA, the bins' logits, the last layer's attention of audio to text and back."""
        vector, *maps = self.describe(audio, audio_mask, text, text_mask)
        return *self.head(vector), *maps

    def describe(
        self, audio: Tensor, audio_mask: Tensor, text: Tensor, text_mask: Tensor
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Attend and pool: what the head reads, (clips, features), and the attention."""
        wanted, width, unit = self.config.positions, self.config.width, self.config.position_unit
        heard, read, maps = audio, text, (None, None)
        if wanted in ("audio", "both"):
            heard = heard + positions(audio_mask, width, unit)
        if wanted in ("text", "both"):
            read = read + positions(text_mask, width, unit)
        for layer in self.layers:
            heard, read, *maps = layer(heard, audio_mask, read, text_mask)
        clip, _ = self.audio_pooling(heard, audio_mask)
        prompt, _ = self.text_pooling(read, text_mask)
        return self.interaction(clip, prompt), *maps


class WhisQ(Network):
    """The paper's network."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.audio_input, self.text_input = AudioInput(config), TextInput(config)
        self.project_audio = projection(config.audio_dim, config)
        self.project_text = projection(config.text_dim, config)
        own = config.quality_projection == "own"
        self.project_quality = projection(config.audio_dim, config) if own else None
        self.quality, self.alignment = QualityBranch(config), AlignmentBranch(config)

    def forward(self, audio: Tensor, audio_mask: Tensor, text: Tensor, text_mask: Tensor) -> Output:
        """Rate clips against prompts, both as they are cached."""
        frames, frame_mask = self.audio_input(audio, audio_mask)
        tokens, token_mask = self.text_input(text, text_mask)
        own = self.project_quality(frames) if self.project_quality else None
        heard, read = self.project_audio(frames), self.project_text(tokens)  # the shared space
        omq, omq_logits, weights = self.quality(heard if own is None else own, frame_mask)
        ta, ta_logits, *maps = self.alignment(heard, frame_mask, read, token_mask)
        return Output(
            omq=omq, ta=ta, audio_mask=frame_mask, text_mask=token_mask, audio=heard, text=read,
            omq_logits=omq_logits, ta_logits=ta_logits, centres=self.quality.head.centres,
            audio_to_text=maps[0], text_to_audio=maps[1], quality_weights=weights,
        )  # fmt: skip

    def against(self, batch: Any, output: Output, others: Others) -> Tensor:
        """Rate clips against other prompts, with what was heard of them as it is: TA."""
        tokens, token_mask = self.text_input(others.text, others.text_mask)
        read = self.project_text(tokens)[others.chosen]  # each prompt once, however often it is met
        return self.alignment(output.audio, output.audio_mask, read, token_mask[others.chosen])[0]

    def branches(self) -> Mapping[str, tuple[str, ...]]:
        """Tell the axes' weights by how their names begin; with a shared projection they share."""
        if self.project_quality is None:
            return super().branches()
        alignment = ("project_audio.", "project_text.", "alignment.")
        return {"omq": ("project_quality.", "quality."), "ta": alignment}
