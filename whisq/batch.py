"""Clips that are run at once: padded to the longest, with masks, True where a step is real."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor


class Example(NamedTuple):
    """One clip: sequences as stored, and its ratings and its raters' if there are any."""

    id: str
    audio: np.ndarray
    text: np.ndarray
    ratings: tuple[float, float] | None = None
    raters: tuple[np.ndarray, np.ndarray] | None = None


@dataclass(frozen=True)
class Batch:
    """Clips that are run at once.

    Attributes:
        ids: Clip ids.
        audio: float32, shape (clips, layers, frames, dim), zero where padded.
        audio_mask: bool, shape (clips, frames).
        text: float32, shape (clips, tokens, dim), zero where padded.
        text_mask: bool, shape (clips, tokens).
        omq: Mean ratings 1..5, float32, shape (clips,), NaN where unrated, or None.
        ta: The same for textual alignment.
        omq_known: Which clips are rated, bool, shape (clips,); None where all are.
        ta_known: The same for textual alignment.
        omq_raters: Share of raters that gave 1..5, float32, shape (clips, 5), or None.
        ta_raters: The same for textual alignment.
        pairs: Places of two clips that a listener compared, int64, shape (words, 2), or None.
        omq_preferred: 1 where the first was preferred, 0 the second, a half where neither, NaN
            where that was not asked; float32, shape (words,), or None.
        ta_preferred: The same for textual alignment.
    """

    ids: tuple[str, ...]
    audio: Tensor
    audio_mask: Tensor
    text: Tensor
    text_mask: Tensor
    omq: Tensor | None = None
    ta: Tensor | None = None
    omq_known: Tensor | None = None
    ta_known: Tensor | None = None
    omq_raters: Tensor | None = None
    ta_raters: Tensor | None = None
    pairs: Tensor | None = None
    omq_preferred: Tensor | None = None
    ta_preferred: Tensor | None = None

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self.ids)

    @property
    def inputs(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What a network reads: audio, its mask, text, its mask."""
        return self.audio, self.audio_mask, self.text, self.text_mask

    def to(self, device: torch.device | str) -> Batch:
        """Return the batch on a device, which is named as torch names it."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> Batch:
        """Return the batch in memory from which a GPU reads fast, while the CPU goes on."""
        return self._each(Tensor.pin_memory)

    def _each(self, move: Callable[[Tensor], Tensor]) -> Batch:
        tensors = {name: value for name, value in vars(self).items() if isinstance(value, Tensor)}
        return replace(self, **{name: move(tensor) for name, tensor in tensors.items()})


def collate(examples: list[Example]) -> Batch:
    """Return at least one example as a batch, padded with zeros to the longest, masked there."""
    ids, audio, text, ratings, raters = zip(*examples, strict=True)
    labels = {}
    if None not in ratings:
        omq, ta = torch.tensor(ratings, dtype=torch.float32).T
        labels |= {"omq": omq, "ta": ta}
        # Told here, on the CPU: to ask a GPU would make it wait.
        known = {f"{axis}_known": ~labels[axis].isnan() for axis in ("omq", "ta")}
        labels |= {name: mask for name, mask in known.items() if not mask.all()}
    if all(shares is not None for shares in raters):
        shares = torch.from_numpy(np.stack([np.stack(each) for each in raters]))
        labels |= {"omq_raters": shares[:, 0], "ta_raters": shares[:, 1]}
    return Batch(ids, *_pad(audio), *_pad(text), **labels)


def _pad(sequences: tuple[np.ndarray, ...]) -> tuple[Tensor, Tensor]:
    steps = [sequence.shape[-2] for sequence in sequences]
    *outer, _, dim = sequences[0].shape
    padded = np.zeros((len(sequences), *outer, max(steps), dim), sequences[0].dtype)
    for row, sequence in zip(padded, sequences, strict=True):
        row[..., : sequence.shape[-2], :] = sequence
    mask = torch.arange(max(steps)) < torch.tensor(steps)[:, None]
    return torch.from_numpy(padded).float(), mask  # torch widens several times faster than numpy
