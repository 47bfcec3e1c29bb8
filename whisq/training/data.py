"""What a network learns from: rated clips and their cached sequences."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pandas import DataFrame

from whisq.corpus.clips import read_clips, read_ratings
from whisq.store.sequences import Sequences
from whisq.training.dataset import ClipDataset


@dataclass(frozen=True)
class Data:
    """Rated clips and their cached sequences.

    Attributes:
        clips: `id` and `prompt` of every clip.
        ratings: `id, split, omq, ta` of every labelled clip, and its raters where known.
        audio: Sequences by clip id.
        text: Sequences by prompt.
        folder: Where they are from.
    """

    clips: DataFrame
    ratings: DataFrame
    audio: Sequences
    text: Sequences
    folder: Path = Path("data")

    def dataset(self, split: str) -> ClipDataset:
        """Take one split's clips.

        Args:
            split: train, dev or test.

        Returns:
            Its clips.

        Raises:
            ValueError: The split has no clip.
        """
        ratings = self.ratings[self.ratings["split"] == split].reset_index(drop=True)
        if ratings.empty:
            raise ValueError(f"ratings.csv must have clips of split {split!r}; it has none")
        return ClipDataset(self.clips, ratings, self.audio, self.text)

    @classmethod
    def open(cls, folder: str | Path, audio: str = "audio") -> Data:
        """Open what the pipeline's stages have written.

        Args:
            folder: `data`.
            audio: Which of its embeddings of the clips.

        Returns:
            The data; no sequence is read yet.
        """
        folder = Path(folder)
        return cls(
            read_clips(folder / "clips.csv"),
            read_ratings(folder / "ratings.csv"),
            Sequences.open(folder / "embeddings" / audio),
            Sequences.open(folder / "embeddings" / "text"),
            folder,
        )
