"""Neural codecs: the continuous latents that they quantise, as a sequence. They are state 0.

The codec is run as its library runs it, and what goes into its quantiser is taken. Codecs of two
channels get the clip twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from whisq.encoders.audio import Inputs
from whisq.encoders.hidden_states import HiddenStates

# The module whose output is quantised, and which of its axes is time.
BEFORE_QUANTISER = {
    "dac": ("encoder", 2),
    "encodec": ("encoder", 2),
    "xcodec": ("fc", 1),
}


class Latents(HiddenStates):
    """What a codec's encoder hands to its quantiser."""

    def window(self) -> float:
        """Return the seconds that are read at once: the codec's own chunk if it has one."""
        if chunk := getattr(self.model.config, "chunk_length_s", None):
            self.fills = True
            return chunk
        return super().window()

    def run(self, inputs: Inputs) -> Sequence[Tensor]:
        """Return one state, (clips, steps, dim)."""
        name, time = BEFORE_QUANTISER[self.model.config.model_type]
        found: list[Tensor] = []
        module = getattr(self.model, name)
        hook = module.register_forward_hook(lambda _, __, latents: found.append(latents))
        try:
            self.call(self.model.encode, {"input_values": inputs["input_values"]})
        finally:
            hook.remove()
        # Of chunks that overlap the first is the whole input's, as no more than a chunk is read.
        return [found[0].transpose(1, time)]

    def _read(self, samples: np.ndarray) -> dict[str, Any]:
        if self.extractor.feature_size == 2:
            samples = np.stack([samples, samples])
        return super()._read(samples)
