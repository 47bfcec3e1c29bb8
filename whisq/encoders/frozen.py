"""What frozen encoders have in common.

An encoder is made of a spec, where its weights are and a device. It encodes a list of inputs, of
samples at its own `rate` or of prompts, each to float16 (layers, steps, dim) of its own, and tells
its `dim` and which hidden states its `layers` are, counted from 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from whisq.encoders.weights import Location, locate
from whisq.section import Precision, Section


class Spec(Section):
    """What of which encoder is kept, and so what names a stored sequence.

    Attributes:
        model: A folder in Hugging Face layout, a GGUF file or a name on the hub.
        revision: Branch, tag or commit on the hub; None means `main`.
        dtype: What the encoder multiplies in, `float32` or `bfloat16`.
    """

    model: str
    revision: str | None = None
    dtype: Precision = "float32"

    def kept(self) -> dict[str, Any]:
        """Return every value by name, as the store, manifests and `config.json` hold them."""
        return {name: getattr(self, name) for name in type(self).model_fields}

    def locate(self, sha256: str | None = None) -> Location:
        """Return where the encoder's weights are, those of a known hash if it is given."""
        return locate(self.model, self.revision, sha256)

    def numbered(self, layers: Iterable[int], depth: int) -> tuple[int, ...]:
        """Return hidden states counted from 0, those below 0 from the end of `depth` blocks.

        Raises:
            ValueError: The encoder has no such hidden state.
        """
        layers = list(layers)
        if not all(-depth - 1 <= layer <= depth for layer in layers):
            raise ValueError(f"{self.model} has hidden states 0 to {depth}, asked for {layers}")
        return tuple(range(depth + 1)[layer] for layer in layers)


def average(states: np.ndarray, pool: int) -> np.ndarray:
    """Average consecutive steps.

    Args:
        states: float32, shape (layers, steps, dim).
        pool: Steps averaged into one; the last averages those that are left.

    Returns:
        float32, shape (layers, ceil(steps / pool), dim).
    """
    if pool == 1:
        return states
    starts = np.arange(0, states.shape[1], pool)
    sums = np.add.reduceat(states, starts, axis=1)
    counts = np.diff(np.append(starts, states.shape[1]))
    return sums / counts[:, None].astype(np.float32)


def to_float16(states: np.ndarray) -> np.ndarray:
    """Return float32 states of any shape as they are stored.

    Raises:
        ValueError: A value is not finite in float16.
    """
    limit = float(np.finfo(np.float16).max)
    largest = float(np.abs(states).max(initial=0.0))
    if not largest <= limit:
        raise ValueError(
            f"states must lie within ±{limit:g} to be stored, found {largest:g}; "
            "choose another layer"
        )
    return states.astype(np.float16)
