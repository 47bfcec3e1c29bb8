"""MuQ, a music encoder, through its own package `muq` (extra `muq`); its weights are CC BY-NC 4.0.

Never run here with its published weights, which need the hub.

Source: Zhu et al. 2025, "MuQ: Self-Supervised Music Representation Learning with Mel Residual
Vector Quantization" (arXiv 2501.01108); the package's documented use.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from whisq.encoders.hidden_states import HiddenStates
from whisq.encoders.weights import Location
from whisq.extras import require

RATE = 24_000  # Hz, which the package states and its files do not


class Samples:
    """A feature extractor that leaves samples as they are, as the package takes them."""

    sampling_rate = RATE

    def __call__(self, samples: np.ndarray, **_: Any) -> dict[str, np.ndarray]:
        """Return a batch of the one clip by the model's own name for it."""
        return {"x": samples[None]}


class Muq(HiddenStates):
    """MuQ's hidden states, 25 a second: 0 before its first block, k after block k."""

    def load(self, location: Location) -> tuple[Any, Any]:
        """Return what leaves samples alone and the model, float32.

        Raises:
            ValueError: The folder has no safetensors, and a pickle is not read.
        """
        require("muq", "muq", by=f"embed_audio.model: {self.spec.model}")
        from muq import MuQ

        if not (location.folder / "model.safetensors").is_file():
            raise ValueError(f"{location.folder} must hold model.safetensors: pickles are not read")
        model = MuQ.from_pretrained(str(location.folder))
        return Samples(), model.to(self.device, torch.float32).eval()
