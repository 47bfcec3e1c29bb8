"""Which clips are run at once: those of similar length, so that little is padded."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler


class LengthBatches(Sampler[list[int]]):
    """Batches of clips of similar length, shuffled anew each epoch.

    Clips are shuffled, sorted by length within stretches of many batches, and the batches
    shuffled: chance decides who meets whom, and little is padded.
    """

    STRETCH = 32  # batches

    def __init__(
        self, lengths: np.ndarray, batch_size: int, shuffle: bool = True, seed: int = 0
    ) -> None:
        """Take the lengths.

        Args:
            lengths: Steps of each clip, shape (clips,).
            batch_size: Clips a batch, at least 1.
            shuffle: Another order each epoch, a function of seed and epoch; else by length.
            seed: Of the shuffling.
        """
        self.lengths, self.batch_size = np.asarray(lengths), batch_size
        self.shuffle, self.seed, self.epoch = shuffle, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order.

        Args:
            epoch: Number of the epoch.
        """
        self.epoch = epoch

    def __len__(self) -> int:
        """Return the number of batches."""
        return -(-len(self.lengths) // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the batches of the epoch, as indices of clips."""
        if not self.shuffle:
            yield from self._cut(np.argsort(self.lengths, kind="stable"))
            return
        generator = np.random.default_rng([self.seed, self.epoch])
        order = generator.permutation(len(self.lengths))
        size = self.STRETCH * self.batch_size
        batches = []
        for start in range(0, len(order), size):
            stretch = order[start : start + size]
            batches += self._cut(stretch[np.argsort(self.lengths[stretch], kind="stable")])
        for index in generator.permutation(len(batches)):
            yield batches[index]

    def _cut(self, order: np.ndarray) -> list[list[int]]:
        size = self.batch_size
        return [order[start : start + size].tolist() for start in range(0, len(order), size)]
