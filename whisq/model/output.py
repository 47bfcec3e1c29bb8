"""What every architecture returns."""

from __future__ import annotations

from dataclasses import dataclass, fields

from torch import Tensor


@dataclass(frozen=True)
class Output:
    """Predictions for a batch, and what the losses and the explanations need.

    Attributes:
        omq: Overall musical quality, (clips,), in MOS units.
        ta: Textual alignment, (clips,), in MOS units.
        audio_mask: True where a frame that the network saw is real, (clips, frames).
        text_mask: True where a token is real, (clips, tokens).
        audio: Projected audio in the shared space, (clips, frames, width); None without one.
        text: Projected text in the shared space, (clips, tokens, width); None without one.
        omq_logits: Scores over rating bins, (clips, bins), where the head has bins.
        ta_logits: The same for TA.
        centres: The bins' centres in MOS units, (bins,).
        audio_to_text: How much each frame attends to each token, (clips, heads, frames, tokens);
            each row sums to one. Of the last layer; None without that direction.
        text_to_audio: How much each token attends to each frame, (clips, heads, tokens, frames).
        quality_weights: How much each frame counts for OMQ, (clips, frames), summing to one;
            None where the pooling has no weights.
    """

    omq: Tensor
    ta: Tensor
    audio_mask: Tensor
    text_mask: Tensor
    audio: Tensor | None = None
    text: Tensor | None = None
    omq_logits: Tensor | None = None
    ta_logits: Tensor | None = None
    centres: Tensor | None = None
    audio_to_text: Tensor | None = None
    text_to_audio: Tensor | None = None
    quality_weights: Tensor | None = None

    def float(self) -> Output:
        """Bring what was computed in half precision to float32.

        Returns:
            The same output; masks stay masks.
        """
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        masks = {"audio_mask", "text_mask"}
        return Output(
            **{
                name: value if value is None or name in masks else value.float()
                for name, value in values.items()
            }
        )
