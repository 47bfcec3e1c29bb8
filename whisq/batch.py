"""Clips that are run at once: padded to the longest, with masks.

Masks are True where a step is real.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import torch


@dataclass(frozen=True)
class Example:
    """One clip: sequences as stored, ratings if there are any."""

    id: str
    audio: np.ndarray
    text: np.ndarray
    ratings: tuple[float, float] | None
    raters: tuple[np.ndarray, np.ndarray] | None


@dataclass(frozen=True)
class Batch:
    """Clips that are run at once.

    Attributes:
        ids: Clip ids.
        audio: float32, shape (clips, layers, frames, dim), zero where padded.
        audio_mask: bool, shape (clips, frames).
        text: float32, shape (clips, tokens, dim), zero where padded.
        text_mask: bool, shape (clips, tokens).
        omq: Mean ratings 1..5, float32, shape (clips,), or None.
        ta: The same for textual alignment.
        omq_raters: Share of raters that gave 1..5, float32, shape (clips, 5), or None.
        ta_raters: The same for textual alignment.
    """

    ids: tuple[str, ...]
    audio: torch.Tensor
    audio_mask: torch.Tensor
    text: torch.Tensor
    text_mask: torch.Tensor
    omq: torch.Tensor | None = None
    ta: torch.Tensor | None = None
    omq_raters: torch.Tensor | None = None
    ta_raters: torch.Tensor | None = None

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self.ids)

    def to(self, device: torch.device | str) -> Batch:
        """Move to a device.

        Args:
            device: Where to, as torch names it.

        Returns:
            The batch there.
        """
        return self._each(lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> Batch:
        """Copy to memory from which a GPU reads fast, while the CPU goes on.

        Returns:
            The batch there.
        """
        return self._each(torch.Tensor.pin_memory)

    def _each(self, move: Callable[[torch.Tensor], torch.Tensor]) -> Batch:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return Batch(
            **{
                name: move(value) if isinstance(value, torch.Tensor) else value
                for name, value in values.items()
            }
        )


def collate(examples: list[Example]) -> Batch:
    """Pad examples with zeros to the longest and mask the padding.

    Args:
        examples: At least one clip.

    Returns:
        The batch.
    """
    audio, audio_mask = _pad([example.audio for example in examples])
    text, text_mask = _pad([example.text for example in examples])
    labels = {}
    if all(example.ratings is not None for example in examples):
        ratings = torch.tensor([example.ratings for example in examples], dtype=torch.float32)
        labels |= {"omq": ratings[:, 0], "ta": ratings[:, 1]}
    if all(example.raters is not None for example in examples):
        shares = torch.from_numpy(np.stack([np.stack(example.raters) for example in examples]))
        labels |= {"omq_raters": shares[:, 0], "ta_raters": shares[:, 1]}
    ids = tuple(example.id for example in examples)
    return Batch(ids, audio, audio_mask, text, text_mask, **labels)


def _pad(sequences: list[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
    steps = [sequence.shape[-2] for sequence in sequences]
    *outer, _, dim = sequences[0].shape
    padded = np.zeros((len(sequences), *outer, max(steps), dim), sequences[0].dtype)
    for row, sequence in zip(padded, sequences, strict=True):
        row[..., : sequence.shape[-2], :] = sequence
    mask = torch.arange(max(steps)) < torch.tensor(steps)[:, None]
    return torch.from_numpy(padded).float(), mask  # torch widens several times faster than numpy
