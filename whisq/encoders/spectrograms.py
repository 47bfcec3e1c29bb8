"""Encoders that read a spectrogram as an image: AST and CLAP's audio tower as sequences in time.

Both read windows of one length, the clip padded as their feature extractors pad it, and both mix
time with frequency: what is left of a window is averaged over frequency, Chosen as nothing is
published on either's states as a sequence.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from whisq.encoders.audio import Inputs
from whisq.encoders.hidden_states import HiddenStates

FRAME = 0.01  # seconds between the frames of AST's spectrogram
TOKENS = 2  # of class and distillation, before AST's patches


class SpectrogramTransformer(HiddenStates):
    """AST: every hidden state; a step is a column of patches.

    Columns overlap, so that the last of a window reach past what is counted to them.
    """

    @property
    def steps_per_second(self) -> float:
        """Of the columns."""
        return 1 / (self.model.config.time_stride * FRAME)

    def window(self) -> float:
        """Return the seconds of the columns that the model has positions for."""
        return self._lengths[-1] / self.steps_per_second

    def run(self, inputs: Inputs) -> Sequence[Tensor]:
        """Return every hidden state of a batch, each (clips, columns, dim)."""
        of = self.model.config
        bands = (of.num_mel_bins - of.patch_size) // of.frequency_stride + 1
        states = super().run(inputs)
        return [state[:, TOKENS:].unflatten(1, (bands, -1)).mean(1) for state in states]


class Clap(HiddenStates):
    """CLAP's audio tower: its last map, the only one whose steps and width stay, as state 0.

    The mean of its steps is what CLAP itself pools.
    """

    def window(self) -> float:
        """Return the seconds that the feature extractor fills."""
        return self.extractor.nb_max_samples / self.rate

    def run(self, inputs: Inputs) -> Sequence[Tensor]:
        """Return one state, (clips, steps, dim)."""
        return [self.call(self.model, inputs).last_hidden_state.mean(2).transpose(1, 2)]
