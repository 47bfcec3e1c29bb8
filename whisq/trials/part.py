"""A part of the training clips: fewer prompts, fewer clips of each, or fewer raters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from pandas import DataFrame, concat

RATED = ("raters", "omq_raters", "ta_raters")


@dataclass(frozen=True)
class Part:
    """What a training takes of the pool's training clips.

    Attributes:
        prompts: How many.
        each: Clips of each prompt.
        raters: Of each clip.
        draw: Which of several draws.
    """

    prompts: int
    each: int
    raters: int
    draw: int = 0

    @property
    def clips(self) -> int:
        """How many there are in all."""
        return self.prompts * self.each

    def of(self, ratings: DataFrame, clips: DataFrame) -> DataFrame:
        """Return the ratings with this part of the training clips; dev and test stay as they are.

        Args:
            ratings: One row a clip, with RATING_COLUMNS.
            clips: One row a clip, with `id` and `prompt`.

        Raises:
            ValueError: Too few prompts have so many clips.
        """
        draw = np.random.default_rng([self.draw, self.prompts, self.each, self.raters])
        train = ratings[ratings["split"] == "train"]
        prompts = train["id"].map(clips.set_index("id")["prompt"])
        counts = prompts.value_counts()
        able = sorted(counts.index[counts >= self.each])
        if len(able) < self.prompts:
            raise ValueError(
                f"{self.prompts} prompts must have {self.each} training clips each, but only "
                f"{len(able)} have: ask for fewer"
            )
        taken = draw.choice(able, self.prompts, replace=False)
        chosen = train[prompts.isin(taken)].groupby(prompts).sample(self.each, random_state=draw)
        kept = rated_by(chosen.sort_index(), self.raters, draw)
        return concat([kept, ratings[ratings["split"] != "train"]], ignore_index=True)


def rated_by(ratings: DataFrame, count: int, draw: Generator) -> DataFrame:
    """Return ratings by `count` of each clip's raters; a clip that has fewer stays as it is.

    Args:
        ratings: With RATING_COLUMNS.
        count: At least 1.
        draw: Draws the raters.
    """
    found = ratings.copy()
    for row in ratings.index:
        cells = {name: ratings.at[row, name].split() for name in RATED}
        if len(cells["omq_raters"]) <= count:
            continue
        chosen = sorted(draw.permutation(len(cells["omq_raters"]))[:count])
        for name, own in cells.items():
            kept = [own[at] for at in chosen]
            found.at[row, name] = " ".join(kept)
            if name != "raters":
                found.at[row, name.removesuffix("_raters")] = np.mean([float(one) for one in kept])
    return found
