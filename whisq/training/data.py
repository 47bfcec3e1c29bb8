"""What a network learns from: rated clips with their stored sequences, and others' prompts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from pandas import DataFrame
from torch import Tensor
from torch.nn.functional import normalize
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset, Sampler

from whisq.batch import Batch, Example, collate
from whisq.corpus.clips import read_clips, read_ratings, read_rewordings
from whisq.corpus.splits import bag
from whisq.losses import MARKS
from whisq.model.network import Others
from whisq.model.whisq import masked_mean
from whisq.store.sequences import Sequences

STRETCH = 32  # batches that are sorted by length together
NEAR = 0.5  # share of other prompts that are the nearest one


@dataclass(frozen=True)
class Data:
    """Rated clips and their cached sequences."""

    clips: DataFrame  # `id` and `prompt` of every clip
    ratings: DataFrame  # `id, split, omq, ta` of the labelled ones, and their raters where known
    audio: Sequences  # by clip id
    text: Sequences  # by prompt
    folder: Path  # where they are from

    @classmethod
    def open(cls, folder: str | Path, audio: str = "audio") -> Data:
        """Return what the stages have written to `data`, with one of its audio embeddings."""
        folder = Path(folder)
        return cls(
            read_clips(folder / "clips.csv"),
            read_ratings(folder / "ratings.csv"),
            Sequences.open(folder / "embeddings" / audio),
            Sequences.open(folder / "embeddings" / "text"),
            folder,
        )

    def dataset(self, split: str) -> ClipDataset:
        """Return the clips of a split, train, dev or test.

        Raises:
            ValueError: The split has no clip.
        """
        ratings = self.ratings[self.ratings["split"] == split].reset_index(drop=True)
        if ratings.empty:
            raise ValueError(f"ratings.csv must have clips of split {split!r}; it has none")
        return ClipDataset(self.clips, ratings, self.audio, self.text)

    def rewordings(self) -> DataFrame:
        """Return what was made of the training clips' prompts, of which held-out ones are no part.

        `prompt`, `same` (what asks for the same in other words) and `other` (the same words as
        `same`, asking for something else). Rows in the words of a prompt that is held out, in
        whatever order, are left out, or it would be learnt from.

        Raises:
            ValueError: The corpus has none.
        """
        table = read_rewordings(self.folder / "raw")
        if table.empty:
            raise ValueError(
                "train.rewordings needs prompts in other words, and the corpus has none; set "
                "corpus.rendered.rewordings, or add a table rewordings.csv (prompt,same,other) to "
                "your corpus, or set train.rewordings to false"
            )
        rated = self.ratings.merge(self.clips, on="id")
        bags = rated["prompt"].map(bag)
        train = rated["split"] == "train"
        held = set(bags[~train]) - set(bags[train])
        taken = table["same"].map(bag).isin(held) | table["other"].map(bag).isin(held)
        return table[table["prompt"].isin(rated["prompt"][train]) & ~taken]


class ClipDataset(Dataset):
    """Rated clips with their stored sequences."""

    def __init__(
        self, clips: DataFrame, ratings: DataFrame, audio: Sequences, text: Sequences
    ) -> None:
        """Join the tables.

        Args:
            clips: One row a clip, with `id` and `prompt`.
            ratings: One row a labelled clip as `ratings.csv` has them; only these clips are
                taken, in this order.
            audio: Sequences by clip id.
            text: Sequences by prompt; one layer.

        Raises:
            ValueError: A rated clip is not among the clips, or something was not embedded.
        """
        prompts = dict(zip(clips["id"], clips["prompt"], strict=True))
        self.ids = list(ratings["id"])
        unknown = [key for key in self.ids if key not in prompts]
        unknown += [key for key in self.ids if key not in audio]
        wanted = [prompts[key] for key in self.ids if key in prompts]
        unknown += [prompt for prompt in wanted if prompt not in text]
        if unknown:
            raise ValueError(
                f"{len(unknown)} rated clip(s) or prompt(s) have no row in clips.csv or were not "
                f"embedded, first {unknown[0]!r}; run `dvc repro embed_audio embed_text`"
            )
        self.prompts, self.audio, self.text = wanted, audio, text
        # In memory: prompts are few, and each is read as often as it has clips.
        self._states = {prompt: np.array(text[prompt][0]) for prompt in dict.fromkeys(wanted)}
        steps = dict(zip(audio.keys, audio.lengths.tolist(), strict=True))
        self.lengths = np.array([steps[key] for key in self.ids], dtype=np.int64)
        self.ratings = list(zip(ratings["omq"], ratings["ta"], strict=True))
        self.raters = _shares(ratings)

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self.ids)

    def __getitem__(self, index: int) -> Example:
        """Return one clip with its sequences."""
        return Example(
            self.ids[index],
            self.audio[self.ids[index]],
            self._states[self.prompts[index]],
            self.ratings[index],
            self.raters[index] if self.raters else None,
        )


def make_loader(
    dataset: ClipDataset,
    batch_size: int,
    shuffle: bool = False,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> DataLoader | _Ahead:
    """Return an iterable of `Batch`, each of clips of similar length, on a device.

    The order is that of `LengthBatches`, so `Batch.ids` says who is who;
    `loader.batch_sampler.epoch` chooses it.
    """
    return load(dataset, LengthBatches(dataset.lengths, batch_size, shuffle, seed), device)


def load(
    dataset: ClipDataset,
    batches: LengthBatches,
    device: torch.device | str,
    collate: Callable[[list[Example]], Batch] = collate,
) -> DataLoader | _Ahead:
    """Return an iterable of a sampler's batches on a device, made of examples by `collate`."""
    loader = DataLoader(dataset, batch_sampler=batches, collate_fn=collate)
    device = torch.device(device)
    return loader if device.type == "cpu" else _Ahead(loader, device)


class LengthBatches(Sampler[list[int]]):
    """Batches of clips of similar length, as their indices.

    Clips are shuffled, sorted by length within stretches of many batches, and the batches
    shuffled, by `seed` and `epoch`: chance decides who meets whom, and little is padded. Without
    shuffling they come by length.
    """

    def __init__(
        self, lengths: np.ndarray, batch_size: int, shuffle: bool = True, seed: int = 0
    ) -> None:
        """Take the steps of each clip, (clips,)."""
        self.lengths, self.batch_size = np.asarray(lengths), batch_size
        self.shuffle, self.seed, self.epoch = shuffle, seed, 0

    def __len__(self) -> int:
        """Return the number of batches."""
        return -(-len(self.lengths) // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the epoch's batches."""
        if not self.shuffle:
            yield from self._by_length(np.arange(len(self.lengths)))
            return
        generator = np.random.default_rng([self.seed, self.epoch])
        order = generator.permutation(len(self.lengths))
        size, batches = STRETCH * self.batch_size, []
        for start in range(0, len(order), size):
            batches += self._by_length(order[start : start + size])
        for index in generator.permutation(len(batches)):
            yield batches[index]

    def _by_length(self, clips: np.ndarray) -> list[list[int]]:
        order, size = clips[np.argsort(self.lengths[clips], kind="stable")], self.batch_size
        return [order[start : start + size].tolist() for start in range(0, len(order), size)]


class Mismatches:
    """Draws prompts of the training set that are not a clip's own: what it does not follow.

    Differs: the paper trains on rated pairs alone. A few hundred rated clips say little about
    words; any clip that follows its prompt also says that it does not follow another one. A share
    of the draws takes the nearest other prompt, by the cosine of mean states: the same words in
    another order, where the corpus has them.
    """

    def __init__(self, dataset: ClipDataset, by_clip: bool = False) -> None:
        """Gather the training set's distinct prompts and find each one's nearest.

        With `by_clip` a prompt is drawn as often as it has clips. Chosen: where a clip's prompt is
        told from several, one that is another's more often than it is a clip's own would be known
        as one that nobody follows.
        """
        self.by_clip = by_clip
        self.prompts = sorted(set(dataset.prompts))
        self.states = _States(self.prompts, dataset.text)
        numbers = {prompt: number for number, prompt in enumerate(self.prompts)}
        pairs = zip(dataset.ids, dataset.prompts, strict=True)
        self.own = {key: numbers[prompt] for key, prompt in pairs}
        self.clips = torch.tensor(list(self.own.values()))
        means = masked_mean(self.states.text, self.states.mask)
        means = normalize(means - means.mean(0), dim=1)
        self.nearest = (means @ means.T).fill_diagonal_(-2).argmax(1)

    def draw(self, batch: Batch, count: int = 1) -> tuple[Batch, Others]:
        """Draw so many other prompts a clip by torch's own generator.

        Returns:
            The batch as it is to be read, and what its clips are to meet besides.
        """
        own = self._own(batch)
        drawn = self._others(own, count)
        # The first alone may be the nearest: more would be one prompt several times.
        drawn[0] = torch.where(torch.rand(len(own)) < NEAR, self.nearest[own], drawn[0])
        return batch, self.states.met(drawn, batch)

    def _own(self, batch: Batch) -> Tensor:
        return torch.tensor([self.own[key] for key in batch.ids])

    def _others(self, own: Tensor, count: int) -> list[Tensor]:
        return [self._other(own) for _ in range(count)]

    def _other(self, own: Tensor) -> Tensor:
        total = len(self.prompts)
        other = (own + torch.randint(1, max(total, 2), own.shape)) % total
        if not self.by_clip:
            return other
        by_clip = self.clips[torch.randint(len(self.clips), own.shape)]
        return torch.where(by_clip == own, other, by_clip)


class Rewordings(Mismatches):
    """Draws a clip's prompt in other words, the same words asking for something else, and others.

    Differs: the paper has the raters' prompts alone. A network that meets few prompts learns which
    prompt it is, not what its words mean. The others are in other words too: who is always met in
    its own words would be known by them.
    """

    def __init__(self, dataset: ClipDataset, table: DataFrame) -> None:
        """Take what `Data.rewordings` gives; a prompt without rewordings stays as it is."""
        super().__init__(dataset, by_clip=True)
        texts = sorted({*self.prompts, *table["same"], *table["other"]})
        self.made = _States(texts, dataset.text)
        place = {text: number for number, text in enumerate(texts)}
        rows = {prompt: part for prompt, part in table.groupby("prompt")[["same", "other"]]}
        self.pairs = [
            torch.tensor(rows[prompt].map(place.__getitem__).to_numpy())
            if prompt in rows
            else torch.tensor([[place[prompt], place[self.prompts[near]]]])
            for prompt, near in zip(self.prompts, self.nearest.tolist(), strict=True)
        ]

    def draw(self, batch: Batch, count: int = 1) -> tuple[Batch, Others]:
        """Reword the batch's prompts, and draw so many others a clip, in other words too.

        Returns:
            The batch, and what its clips are to meet; the first of that asks for something else in
            the same words.
        """
        own = self._own(batch)
        same, changed = self._worded(own).T
        text, text_mask = self.made.of(same, batch)
        drawn = [self._worded(others)[:, 0] for others in self._others(own, count - 1)]
        reworded = replace(batch, text=text, text_mask=text_mask)
        return reworded, self.made.met([changed, *drawn], batch)

    def _worded(self, prompts: Tensor) -> Tensor:
        pairs = [self.pairs[prompt] for prompt in prompts.tolist()]
        return torch.stack([rows[torch.randint(len(rows), ())] for rows in pairs])


class _States:
    """Prompts' token states, padded."""

    def __init__(self, prompts: list[str], text: Sequences) -> None:
        states = [torch.from_numpy(text[prompt][0].copy()).float() for prompt in prompts]
        self.text = pad_sequence(states, batch_first=True)
        lengths = torch.tensor([len(each) for each in states])
        self.mask = torch.arange(self.text.shape[1]) < lengths.unsqueeze(1)

    def met(self, drawn: list[Tensor], batch: Batch) -> Others:
        """Return what clips meet, told by the numbers of a prompt a clip, each (clips,)."""
        numbers, places = torch.stack(drawn).unique(return_inverse=True)
        return Others(*self.of(numbers, batch), places.to(batch.text.device))

    def of(self, chosen: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return tokens and mask of some by their numbers, as a batch has its own."""
        longest = int(self.mask[chosen].sum(1).max())
        text, mask = self.text[chosen, :longest], self.mask[chosen, :longest]
        return text.to(batch.text), mask.to(batch.text_mask)


class _Ahead:
    # Batches on a GPU, each read by a thread while the one before it is computed on.

    def __init__(self, loader: DataLoader, device: torch.device) -> None:
        self.loader, self.device = loader, device
        self.batch_sampler = loader.batch_sampler

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[Batch]:
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


def _shares(ratings: DataFrame) -> list[tuple[np.ndarray, np.ndarray]] | None:
    # One clip without raters would leave a hole in a batch, so then none has them.
    axes = ["omq_raters", "ta_raters"]
    if not set(axes) <= set(ratings) or any(
        (ratings[axis].str.strip() == "").any() for axis in axes
    ):
        return None
    rows = zip(ratings["omq_raters"], ratings["ta_raters"], strict=True)
    return [(_share(omq), _share(ta)) for omq, ta in rows]


def _share(grades: str) -> np.ndarray:
    # A grade that was mapped from another scale is shared by the marks that it lies between.
    given = np.array(grades.split(), dtype=float)
    counts = np.clip(1 - np.abs(given[:, None] - np.array(MARKS)), 0, None).sum(0)
    return (counts / counts.sum()).astype(np.float32)
