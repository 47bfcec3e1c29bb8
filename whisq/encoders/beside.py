"""Several audio encoders as one: their states side by side, at the steps of the first.

Each hears a clip at its own rate, in its own windows, and averages by its own `pool`. A step of the
first stands for a stretch of the clip; beside its state stands the average of what each other
encoder has over the same stretch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from whisq.audio import Sound
from whisq.encoders.audio import AudioEncoder, AudioSpec
from whisq.encoders.frozen import to_float16

Heard = tuple[np.ndarray, ...]  # a clip's samples at each encoder's rate


class Beside:
    """Frozen audio encoders that are asked as one, as an `AudioEncoder` is.

    Attributes:
        layers: The first encoder's; beside each stands the other encoders' in the same place.
        dim: Of all of them together.
        steps_per_second: The first encoder's.
    """

    def __init__(self, spec: AudioSpec, encoders: Sequence[AudioEncoder]) -> None:
        """Take the encoders that the spec names, in its order."""
        self.spec, self.encoders = spec, encoders
        first = encoders[0]
        self.layers, self.steps_per_second = first.layers, first.steps_per_second
        self.dim = sum(encoder.dim for encoder in encoders)

    def samples(self, clip: Sound) -> Heard:
        """Return what `encode` takes of a clip: its samples at the rate of each encoder."""
        return tuple(encoder.samples(clip) for encoder in self.encoders)

    def encode(self, clips: Sequence[Heard], batch_size: int = 1) -> list[np.ndarray]:
        """Encode clips; arguments as those of `AudioEncoder.encode`.

        Returns:
            For each clip float16, shape (layers, steps of the first, dim of all).
        """
        apart = [
            encoder.encode(list(samples), batch_size)
            for encoder, samples in zip(self.encoders, zip(*clips, strict=True), strict=True)
        ]
        return [self.join(states) for states in zip(*apart, strict=True)]

    def join(self, states: Sequence[np.ndarray]) -> np.ndarray:
        """Put a clip's states side by side.

        Args:
            states: Of each encoder float16, (layers, steps, dim), as it encodes the clip alone.

        Returns:
            float16, shape (layers, steps of the first, dim of all).
        """
        first, *others = states
        step, *theirs = (encoder.spec.pool / encoder.steps_per_second for encoder in self.encoders)
        layers, steps, _ = first.shape
        found = [first]
        for other, seconds in zip(others, theirs, strict=True):
            along = to_float16(over(other.astype(np.float32), steps, step / seconds))
            found.append(np.broadcast_to(along, (layers, *along.shape[1:])))
        return np.concatenate(found, axis=2)


def over(states: np.ndarray, steps: int, ratio: float) -> np.ndarray:
    """Average a sequence over the steps of another one that begins with it.

    Args:
        states: float32, shape (layers, own steps, dim).
        steps: Of the other sequence.
        ratio: Own steps, above 0, that one of its steps lasts. A state counts by the share of the
            step that it fills; past the end the last one stays.

    Returns:
        float32, shape (layers, steps, dim).
    """
    length = states.shape[1]
    edges = np.arange(steps + 1) * ratio
    missing = int(np.ceil(edges[-1])) - length
    held = np.pad(states, ((0, 0), (0, max(missing, 0) + 1), (0, 0)), mode="edge")
    # What has gone by at each edge: whole states and a part of the one that it cuts.
    gone = np.concatenate([np.zeros_like(held[:, :1], np.float64), held.cumsum(1, np.float64)], 1)
    whole = edges.astype(int)
    at_edge = gone[:, whole] + (edges - whole)[:, None] * held[:, whole]
    return (np.diff(at_edge, axis=1) / ratio).astype(np.float32)
