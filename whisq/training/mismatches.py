"""Other prompts for a clip: what it was not asked for, and so does not follow.

Differs: the paper trains on rated pairs alone. A few hundred rated clips say little about words;
any clip that follows its prompt also says that it does not follow another one.
"""

from __future__ import annotations

import torch
from torch import Tensor

from whisq.batch import Batch
from whisq.model.whisq import masked_mean
from whisq.training.dataset import ClipDataset

NEAR = 0.5


class Mismatches:
    """Draws prompts of the training set that are not a clip's own."""

    def __init__(self, dataset: ClipDataset, near: float = NEAR) -> None:
        """Gather the distinct prompts and find each one's nearest.

        Args:
            dataset: The training set.
            near: Share of draws that take the nearest other prompt, by the cosine of mean states:
                the same words in another order, where the corpus has them; else any prompt.
        """
        prompts = sorted(set(dataset.prompts))
        sequences = [torch.from_numpy(dataset.text[prompt][0].copy()).float() for prompt in prompts]
        self.text = torch.nn.utils.rnn.pad_sequence(sequences, batch_first=True)
        lengths = torch.tensor([len(sequence) for sequence in sequences])
        self.mask = torch.arange(self.text.shape[1]) < lengths.unsqueeze(1)
        numbers = {prompt: number for number, prompt in enumerate(prompts)}
        pairs = zip(dataset.ids, dataset.prompts, strict=True)
        self.own = {key: numbers[prompt] for key, prompt in pairs}
        means = masked_mean(self.text, self.mask)
        means = torch.nn.functional.normalize(means - means.mean(0), dim=1)
        self.nearest = (means @ means.T).fill_diagonal_(-2).argmax(1)
        self.near = near

    def draw(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Draw one other prompt a clip, by torch's own generator.

        Args:
            batch: Training clips.

        Returns:
            Token states, (clips, tokens, dim), and their mask.
        """
        own = torch.tensor([self.own[key] for key in batch.ids])
        count = len(self.text)
        others = (own + torch.randint(1, max(count, 2), own.shape)) % count
        others = torch.where(torch.rand(len(own)) < self.near, self.nearest[own], others)
        longest = int(self.mask[others].sum(1).max())
        text, mask = self.text[others, :longest], self.mask[others, :longest]
        return text.to(batch.text), mask.to(batch.text_mask)
