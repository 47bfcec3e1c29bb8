"""WhisQ: quality from pooled audio, alignment from co-attended sequences.

Source: arXiv 2506.05899, abstract and caption of figure 1. What each sentence became:

* "Whisper-Base encoder", "Qwen3-0.6B", both "kept as a sequence": the inputs, frozen and cached;
* "a shared embedding space": `project_audio` and `project_text`;
* "OMQ from pooled audio": `QualityBranch`, which never sees the prompt;
* "TA from bidirectional sequence co-attention": `AlignmentBranch`;
* the Sinkhorn transport loss acts on the two projected sequences (`whisq.losses.transport`).
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from whisq.model.alignment import AlignmentBranch
from whisq.model.architecture import Architecture
from whisq.model.config import Config
from whisq.model.dropout import FrameDropout, SequenceDropout
from whisq.model.heads import RatingHead
from whisq.model.output import Output
from whisq.model.pooling import Pooling

APART = {
    "omq": ("project_quality.", "quality."),
    "ta": ("project_audio.", "project_text.", "alignment."),
}


class WhisQ(Architecture):
    """The paper's network; every choice that it leaves open is a field of the config."""

    def __init__(self, config: Config) -> None:
        """Make projections and branches.

        Args:
            config: The network's choices.
        """
        super().__init__(config)
        places = [list(config.audio_layers).index(layer) for layer in config.alignment_layers]
        self.aligned = places or list(range(self.audio_input.side_by_side))
        self.project_audio = projection(len(self.aligned) * config.audio_dim, config)
        self.project_text = projection(config.text_dim, config)
        own = config.quality_projection == "own"
        if own:
            self.apart = APART
        self.project_quality = projection(self.audio_input.out_dim, config) if own else None
        self.hide = FrameDropout(config.frame_dropout)
        self.quality = QualityBranch(config)
        self.alignment = AlignmentBranch(config)

    def rate(self, audio: Tensor, audio_mask: Tensor, text: Tensor, text_mask: Tensor) -> Output:
        """Project both sides, then read OMQ from one and TA from both.

        Args:
            audio: Scaled audio states, (clips, frames, as wide as the audio input makes them).
            audio_mask: (clips, frames), True where real.
            text: Scaled token states, (clips, tokens, text_dim).
            text_mask: (clips, tokens), True where real.

        Returns:
            Ratings, projected sequences and attention maps.
        """
        heard = self.project_quality(audio) if self.project_quality else None
        if len(self.aligned) < self.audio_input.side_by_side:
            audio = audio.unflatten(2, (self.audio_input.side_by_side, -1))
            audio = audio[:, :, self.aligned].flatten(2)
        audio, text = self.project_audio(audio), self.project_text(text)
        heard = audio if heard is None else heard
        omq, omq_logits, weights = self.quality(heard, self.hide(audio_mask))
        ta, ta_logits, audio_map, text_map = self.alignment(audio, audio_mask, text, text_mask)
        return Output(
            omq=omq,
            ta=ta,
            audio=audio,
            audio_mask=audio_mask,
            text=text,
            text_mask=text_mask,
            omq_logits=omq_logits,
            ta_logits=ta_logits,
            centres=self.quality.head.centres,
            audio_to_text=audio_map,
            text_to_audio=text_map,
            quality_weights=weights,
        )

    def against(self, batch: Any, output: Output, text: Tensor, text_mask: Tensor) -> Tensor:
        """Rate clips again, against other prompts; what was heard of them stays as it is.

        Args:
            batch: Not used.
            output: What was made of the clips with their own prompts.
            text: Cached token states of the other prompts, (clips, tokens, text_dim).
            text_mask: (clips, tokens), True where real.

        Returns:
            TA in MOS units, (clips,).
        """
        tokens, token_mask = self.text_input(text, text_mask)
        tokens = self.project_text(tokens)
        return self.alignment(output.audio, output.audio_mask, tokens, token_mask)[0]


class QualityBranch(nn.Module):
    """Overall musical quality from pooled audio alone."""

    def __init__(self, config: Config) -> None:
        """Make pooling and head.

        Args:
            config: The network's choices.
        """
        super().__init__()
        self.pooling = Pooling(config.quality_pooling, config.width)
        self.head = RatingHead(
            self.pooling.out_dim, config.hidden, config.dropout, config.bins, config.output_range
        )

    def forward(self, audio: Tensor, mask: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Pool and rate.

        Args:
            audio: Projected audio, (clips, frames, width).
            mask: (clips, frames), True where real.

        Returns:
            OMQ (clips,), its bins' logits and the frames' weights, None where there are none.
        """
        pooled, weights = self.pooling(audio, mask)
        return *self.head(pooled), weights


def projection(dim: int, config: Config) -> nn.Sequential:
    """Make the map from an encoder's states into the shared space.

    Chosen: linear, layer norm, dropout; the paper names neither width nor form.

    Args:
        dim: Width of the states.
        config: The network's choices.

    Returns:
        Layers from (..., dim) to (..., width).
    """
    return nn.Sequential(
        SequenceDropout(config.input_dropout),
        nn.Linear(dim, config.width),
        nn.LayerNorm(config.width),
        nn.Dropout(config.dropout),
    )
