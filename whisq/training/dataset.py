"""Stored sequences and ratings as batches, read when they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from pandas import DataFrame
from torch.utils.data import DataLoader, Dataset

from whisq.batch import Batch, Example, collate
from whisq.store.sequences import Sequences
from whisq.training.length_batches import LengthBatches

__all__ = ["Ahead", "Batch", "ClipDataset", "make_loader"]

GRADES = 5  # a rater gives 1, 2, 3, 4 or 5


class ClipDataset(Dataset):
    """Clips with their stored sequences and, where given, their ratings."""

    def __init__(
        self, clips: DataFrame, ratings: DataFrame | None, audio: Sequences, text: Sequences
    ) -> None:
        """Join the tables.

        Args:
            clips: One row a clip, with `id` and `prompt`.
            ratings: One row a labelled clip as `ratings.csv` has them; only these clips are
                taken, in this order. None takes all clips, without ratings.
            audio: Sequences by clip id.
            text: Sequences by prompt; one layer.

        Raises:
            ValueError: A rated clip is not among the clips, or something was not embedded.
        """
        prompts = dict(zip(clips["id"], clips["prompt"], strict=True))
        self.ids = list(clips["id"] if ratings is None else ratings["id"])
        unknown = [key for key in self.ids if key not in prompts]
        unknown += [key for key in self.ids if key not in audio]
        wanted = [prompts[key] for key in self.ids if key in prompts]
        unknown += [prompt for prompt in wanted if prompt not in text]
        if unknown:
            raise ValueError(
                f"{len(unknown)} rated clip(s) or prompt(s) have no row in clips.csv or were not "
                f"embedded, first {unknown[0]!r}; run `dvc repro embed_audio embed_text`"
            )
        self.prompts = [prompts[key] for key in self.ids]
        self.audio, self.text = audio, text
        steps = dict(zip(audio.keys, audio.lengths.tolist(), strict=True))
        self.lengths = np.array([steps[key] for key in self.ids], dtype=np.int64)
        self.ratings = self.raters = None
        if ratings is not None:
            self.ratings = list(zip(ratings["omq"], ratings["ta"], strict=True))
            self.raters = _histograms(ratings)

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self.ids)

    def __getitem__(self, index: int) -> Example:
        """Return one clip with its sequences."""
        return Example(
            self.ids[index],
            self.audio[self.ids[index]],
            self.text[self.prompts[index]][0],
            self.ratings[index] if self.ratings else None,
            self.raters[index] if self.raters else None,
        )


def make_loader(
    dataset: ClipDataset,
    batch_size: int,
    shuffle: bool = False,
    seed: int = 0,
    workers: int = 0,
    device: torch.device | str = "cpu",
) -> DataLoader | Ahead:
    """Read a dataset in batches of similar lengths.

    Args:
        dataset: What to read.
        batch_size: Clips a batch, at least 1.
        shuffle: Another order each epoch; `loader.batch_sampler.set_epoch(epoch)` chooses it.
        seed: Of the shuffling.
        workers: Processes that read ahead; 0 reads in this one.
        device: Where the batches are to be, as torch names it.

    Returns:
        An iterable of `Batch`; without shuffling sorted by length, so `Batch.ids` says who is who.
    """
    loader = DataLoader(
        dataset,
        batch_sampler=LengthBatches(dataset.lengths, batch_size, shuffle, seed),
        collate_fn=collate,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
    device = torch.device(device)
    return loader if device.type == "cpu" else Ahead(loader, device)


class Ahead:
    """Batches on a GPU, each read by a thread while the one before it is computed on.

    Attributes:
        batch_sampler: Of the loader.
    """

    def __init__(self, loader: DataLoader, device: torch.device) -> None:
        """Take the loader.

        Args:
            loader: Reads batches.
            device: Where they go.
        """
        self.loader, self.device = loader, device
        self.batch_sampler = loader.batch_sampler

    def __len__(self) -> int:
        """Return the number of batches."""
        return len(self.loader)

    def __iter__(self) -> Iterator[Batch]:
        """Yield the epoch's batches, on the device."""
        batches = iter(self.loader)
        with ThreadPoolExecutor(1) as reader:
            waiting = reader.submit(self._read, batches)
            while (batch := waiting.result()) is not None:
                waiting = reader.submit(self._read, batches)
                yield batch.to(self.device)

    def _read(self, batches: Iterator[Batch]) -> Batch | None:
        batch = next(batches, None)
        pinned = batch is not None and self.device.type == "cuda"
        return batch.pin_memory() if pinned else batch


def _histograms(ratings: DataFrame) -> list[tuple[np.ndarray, np.ndarray]] | None:
    # One clip without raters would leave a hole in a batch, so then none has them.
    if "omq_raters" not in ratings or (ratings["omq_raters"].str.strip() == "").any():
        return None
    rows = zip(ratings["omq_raters"], ratings["ta_raters"], strict=True)
    return [(_histogram(omq), _histogram(ta)) for omq, ta in rows]


def _histogram(grades: str) -> np.ndarray:
    counts = np.bincount([int(grade) for grade in grades.split()], minlength=GRADES + 1)[1:]
    return (counts / counts.sum()).astype(np.float32)
