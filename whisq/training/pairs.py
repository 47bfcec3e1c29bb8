"""What listeners preferred of two clips, as a network learns from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from pandas import DataFrame, concat

from whisq.batch import Batch, Example, collate
from whisq.corpus.clips import PAIRS, read_pairs
from whisq.evaluation.metrics import AXES, agreed
from whisq.training.data import ClipDataset, Data, LengthBatches, load


def read_words(data: Data, source: str) -> DataFrame:
    """Return the preferences on a corpus's clips, a row a word.

    Args:
        data: Rated clips and where they are from.
        source: `corpus`, its own table of pairs, or `raters`, what `from_raters` makes.

    Raises:
        ValueError: It has none.
    """
    made = source == "raters"
    table = from_raters(data.clips, data.ratings) if made else read_pairs(data.folder / "raw")
    if table.empty:
        other = (
            "corpus, if it has pairs of its own" if made else "raters, if raters' rows are known"
        )
        lacks = "clips that one rater has rated both" if made else f"a table {PAIRS}"
        raise ValueError(
            f"loss.preference_weight needs preferences, and the corpus lacks {lacks}; set "
            f"train.pairs to {other}, or the weight to 0"
        )
    return table


def from_raters(clips: DataFrame, ratings: DataFrame) -> DataFrame:
    """Make preferences of raters' rows: two clips of one prompt that one rater has rated both.

    Args:
        clips: One row a clip, with `id` and `prompt`.
        ratings: As `ratings.csv` has them; clips without raters' rows on both axes are left out.

    Returns:
        A row a word: `a`, `b`, `axis`, `vote` (1, -1, or 0 for equal grades) and `rater`.
    """
    columns = ["raters", "omq_raters", "ta_raters"]
    rows = ratings[["id", *columns]].merge(clips[["id", "prompt"]], on="id")
    lists = rows[columns].apply(lambda cells: cells.str.split())
    whole = lists.map(len).nunique(axis=1) == 1
    rows[columns] = lists
    rows = rows[whole].explode(columns).dropna(subset=columns)
    both = rows.merge(rows, on=["prompt", "raters"], suffixes=("_a", "_b"))
    both = both[both["id_a"] < both["id_b"]]
    named = {"id_a": "a", "id_b": "b", "raters": "rater"}
    words = [
        both[list(named)]
        .rename(columns=named)
        .assign(
            axis=axis,
            vote=np.sign(
                both[f"{axis}_raters_a"].astype(float) - both[f"{axis}_raters_b"].astype(float)
            ).astype(int),
        )
        for axis in AXES
    ]
    return concat(words, ignore_index=True)


class Words:
    """Preferences between the clips of one set; a pair that reaches out of it is left out."""

    def __init__(self, table: DataFrame, ids: Sequence[str]) -> None:
        """Take a row a word, `a, b, axis, vote` (a blank axis is both), and the set's clip ids."""
        self.ids = list(ids)
        self.own = {key: number for number, key in enumerate(self.ids)}
        table = table[table["a"].isin(self.own) & table["b"].isin(self.own)]
        ends = [table[end].map(self.own).to_numpy(np.int64) for end in ("a", "b")]
        self.pairs = np.stack(ends, 1)
        self.votes = {
            axis: np.where(table["axis"].isin([axis, ""]), table["vote"].astype(float), np.nan)
            for axis in AXES
        }

    def __len__(self) -> int:
        """Return the number of words."""
        return len(self.pairs)

    def axes(self) -> list[str]:
        """Return the axes of which some clip is preferred."""
        return [axis for axis in AXES if np.nan_to_num(self.votes[axis]).any()]

    def collate(self, examples: list[Example]) -> Batch:
        """Return clips of the set as a batch, with all that is known of pairs among them."""
        place = np.full(len(self.ids), -1)
        place[[self.own[example.id] for example in examples]] = np.arange(len(examples))
        inside = (place[self.pairs] >= 0).all(1)
        shares = {
            f"{axis}_preferred": torch.from_numpy((1 + votes[inside]) / 2).float()
            for axis, votes in self.votes.items()
        }
        pairs = torch.from_numpy(place[self.pairs[inside]])
        return replace(collate(examples), pairs=pairs, **shares)

    def accuracy(self, said: Mapping[str, np.ndarray]) -> dict[str, float | None]:
        """Tell how often a model names the clip that a listener preferred.

        Args:
            said: By axis the predictions of the set's clips, in their order.

        Returns:
            By axis the share, ties of listeners left out, of predictions half; None without words.
        """
        first, second = self.pairs.T
        found = {}
        for axis in AXES:
            right = agreed(self.votes[axis], said[axis][first] - said[axis][second])
            right = right[np.isfinite(right)]
            found[axis] = float(right.mean()) if len(right) else None
        return found


def make_pair_loader(
    dataset: ClipDataset, words: Words, batch_size: int, seed: int, device: torch.device | str
) -> Any:
    """Return an iterable of `Batch`, as `make_loader` does, in which compared clips meet."""
    batches = PairBatches(words, dataset.lengths, batch_size, seed)
    return load(dataset, batches, device, words.collate)


class PairBatches(LengthBatches):
    """Batches in which clips meet those that they were compared with, each clip once an epoch.

    From clip to compared clip, depth first, and cut where a batch is full: pairs are all met where
    each clip is in one, and where clips are compared with many, those that a cut parts are met in
    another epoch. By `seed` and `epoch`, as `LengthBatches`.
    """

    def __init__(self, words: Words, lengths: np.ndarray, batch_size: int, seed: int = 0) -> None:
        """Take the preferences of a set, the steps of each of its clips, and clips a batch."""
        super().__init__(lengths, batch_size, shuffle=True, seed=seed)
        self.compared: list[set[int]] = [set() for _ in words.ids]
        for first, second in words.pairs.tolist():
            self.compared[first].add(second)
            self.compared[second].add(first)

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the epoch's batches."""
        generator = np.random.default_rng([self.seed, self.epoch])
        order = list(self._walk(generator.permutation(len(self.compared)).tolist()))
        starts = np.arange(0, len(order), self.batch_size)
        for start in generator.permutation(starts):
            yield order[start : start + self.batch_size]

    def _walk(self, starts: list[int]) -> Iterator[int]:
        rank = {clip: place for place, clip in enumerate(starts)}
        seen: set[int] = set()
        for start in starts:
            waiting = [start]
            while waiting:
                clip = waiting.pop()
                if clip in seen:
                    continue
                seen.add(clip)
                yield clip
                waiting += sorted(self.compared[clip] - seen, key=rank.__getitem__)
