"""What frozen encoders have in common: how they are chosen, and the states that are kept."""

from __future__ import annotations

from typing import Any

import numpy as np

from whisq.section import Precision, Section


class Spec(Section):
    """What of which encoder is kept, and so what names a stored sequence.

    Attributes:
        model: A folder in Hugging Face layout or a name on the hub.
        revision: Branch, tag or commit on the hub; None means `main`.
        dtype: What the encoder multiplies in, `float32` or `bfloat16`.
    """

    model: str
    revision: str | None = None
    dtype: Precision = "float32"

    def kept(self) -> dict[str, Any]:
        """Return every value by name, as the store, manifests and `config.json` hold them."""
        return {name: getattr(self, name) for name in type(self).model_fields}


def to_float16(states: np.ndarray) -> np.ndarray:
    """Round states to how they are stored.

    Args:
        states: float32, any shape.

    Returns:
        float16, the same shape.

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
