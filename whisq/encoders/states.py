"""What is done to an encoder's states before they are stored."""

from __future__ import annotations

import numpy as np


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
