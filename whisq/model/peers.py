"""Other systems' heads on the same cached embeddings, to compare like with like.

Only the heads are theirs: encoders, scaling and training are this project's, so that what differs
is what stands between the embeddings and the rating. None projects into a shared space, so none
can be trained with the transport loss.

Conventions: those of `whisq.model.whisq`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from whisq.model.network import Network
from whisq.model.whisq import (
    MIDDLE,
    AudioInput,
    Config,
    CrossAttention,
    Output,
    Pooling,
    RatingHead,
    TextInput,
    masked_mean,
)


class Peer(Network):
    """A network on the same inputs, whose `rate` is a peer's."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.audio_input, self.text_input = AudioInput(config), TextInput(config)

    def forward(self, audio: Tensor, audio_mask: Tensor, text: Tensor, text_mask: Tensor) -> Output:
        """Rate clips against prompts."""
        return self.rate(*self.audio_input(audio, audio_mask), *self.text_input(text, text_mask))


class ChallengeBaseline(Peer):
    """Pooled vectors through three linear layers, with nothing between them.

    Source: the AudioMOS 2025 track 1 baseline (NKU-HLT/MusicEval-baseline): 256, 64 and 1 units.
    Differs: mean-pooled cached states for fine-tuned CLAP's two vectors.
    """

    activation: type[nn.Module] = nn.Identity

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.quality = self._stack(config.audio_dim)
        self.alignment = self._stack(config.audio_dim + config.text_dim)

    def rate(self, audio: Tensor, audio_mask: Tensor, text: Tensor, text_mask: Tensor) -> Output:
        """Pool both sides; read OMQ from the one and TA from the two side by side."""
        heard, read = masked_mean(audio, audio_mask), masked_mean(text, text_mask)
        both = torch.cat([heard, read], 1)
        omq, ta = self.quality(heard).squeeze(1), self.alignment(both).squeeze(1)
        return Output(MIDDLE + omq, MIDDLE + ta, audio_mask, text_mask)

    def branches(self) -> dict[str, tuple[str, ...]]:
        """Tell which weights serve which axis."""
        return {"omq": ("quality.",), "ta": ("alignment.",)}

    def _stack(self, dim: int) -> nn.Sequential:
        return nn.Sequential(
            *(nn.Linear(dim, 256), self.activation()),
            *(nn.Linear(256, 64), self.activation()),
            nn.Linear(64, 1),
        )


class ChallengeBaselineReLU(ChallengeBaseline):
    """The challenge baseline as its layers suggest it was meant, with activations.

    Differs: the published code has none.
    """

    activation = nn.ReLU


class Astar(Peer):
    """A transformer layer over the audio, attention pooling, text that queries the audio.

    Source: ASTAR-NTU, winner of AudioMOS 2025 track 1 (arXiv 2507.09904); set `bins` to 20 and
    train with `loss.soft_label_weight` as it does. Differs: Whisper and the configured text encoder
    for MuQ and RoBERTa; widths are the config's.
    """

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        width = config.width
        self.project_audio = nn.Linear(config.audio_dim, width)
        self.project_text = nn.Linear(config.text_dim, width)
        self.encoder = nn.TransformerEncoderLayer(
            width, config.heads, 2 * width, config.dropout, batch_first=True, activation="gelu"
        )
        self.text_to_audio = CrossAttention(config)
        self.quality_pooling, self.alignment_pooling = (
            Pooling("attention", width) for _ in range(2)
        )
        self.quality, self.alignment = (RatingHead(dim, config) for dim in (width, 2 * width))

    def rate(self, audio: Tensor, audio_mask: Tensor, text: Tensor, text_mask: Tensor) -> Output:
        """Encode the audio, pool it for OMQ, and let the text ask it for TA."""
        frames = self.encoder(self.project_audio(audio), src_key_padding_mask=~audio_mask)
        heard, weights = self.quality_pooling(frames, audio_mask)
        answers, text_map = self.text_to_audio(self.project_text(text), frames, audio_mask)
        aligned, _ = self.alignment_pooling(answers, text_mask)
        omq, omq_logits = self.quality(heard)
        ta, ta_logits = self.alignment(torch.cat([heard, aligned], 1))
        return Output(
            omq, ta, audio_mask, text_mask, omq_logits=omq_logits, ta_logits=ta_logits,
            centres=self.quality.centres, text_to_audio=text_map, quality_weights=weights,
        )  # fmt: skip


class MuqEval(Peer):
    """Attention pooling and a two-layer MLP, for quality alone.

    Source: MuQ-Eval (arXiv 2603.22677). Differs: Whisper for MuQ. It rates no alignment: TA is the
    scale's middle for every clip, and its correlations are not defined.
    """

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.pooling = Pooling("attention", config.audio_dim)
        self.quality = RatingHead(config.audio_dim, config)

    def rate(self, audio: Tensor, audio_mask: Tensor, text: Tensor, text_mask: Tensor) -> Output:
        """Pool the audio and rate it."""
        heard, weights = self.pooling(audio, audio_mask)
        omq, logits = self.quality(heard)
        return Output(
            omq, torch.full_like(omq, MIDDLE), audio_mask, text_mask,
            omq_logits=logits, centres=self.quality.centres, quality_weights=weights,
        )  # fmt: skip
