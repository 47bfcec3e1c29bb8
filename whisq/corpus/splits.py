"""How clips are divided into train, dev and test.

The official split is random by clip: every test system and every test prompt is also in train,
so much of a score can be had by recognising the system. The other protocols hold whole groups
out; over all values of `fold` every clip is tested once.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

import numpy as np
from pandas import DataFrame, Series
from pydantic import Field

from whisq.section import Section

Protocol = Literal["official", "systems", "prompts", "systems_and_prompts"]


class Split(Section):
    """How clips are divided.

    Attributes:
        protocol: `official` keeps the corpus's own split; `systems`, `prompts` and
            `systems_and_prompts` hold out whole groups, the last one both at once.
        folds: Into how many parts the groups are divided: train, dev and test at least.
        fold: Which part is tested, from 0; `systems_and_prompts` has `folds` x `folds` of them,
            counted systems first.
        seed: Of the division.
    """

    protocol: Protocol = "official"
    folds: Annotated[int, Field(ge=3)] = 5
    fold: Annotated[int, Field(ge=0)] = 0
    seed: int = 0

    def problems(self) -> list[str]:
        """Tell where the choices do not go together.

        Returns:
            One sentence a problem.
        """
        count = self.folds**2 if self.protocol == "systems_and_prompts" else self.folds
        if self.protocol == "official" or self.fold < count:
            return []
        return [f"fold must be in 0..{count - 1} for {self.protocol}, given {self.fold}"]


def nth_fold(protocol: Protocol, folds: int, number: int) -> int:
    """Choose the fold of one of several trainings, of which the first `folds` test each group once.

    Args:
        protocol: How clips are divided.
        folds: Into how many parts.
        number: Which training, from 0.

    Returns:
        The fold. Where systems and prompts are held out both go on with each training, or the
        first ones would all test the same systems; after `folds` squared every pair was tested.
    """
    part = number % folds
    if protocol != "systems_and_prompts":
        return part
    return part * folds + (number + number // folds) % folds


def assign(ratings: DataFrame, clips: DataFrame, how: Split) -> DataFrame:
    """Give each rated clip its split.

    Chosen: fold `fold` is tested, the next one is dev, the others train. A prompt is its text,
    not its P-id, for demo clips use the P-ids of shared prompts for prompts of their own; prompts
    of the same words are held out together, or one half of a pair that differs in order alone
    would be learnt from and known.

    Args:
        ratings: One row a labelled clip, with the corpus's own `split`.
        clips: One row a clip, with `id, system, prompt`.
        how: The division; more folds than there are groups is a `ValueError`.

    Returns:
        The ratings with the new `split`. Under `systems_and_prompts` the clips that share only
        their system or only their prompt with a split fit nowhere and are left out.
    """
    if how.protocol == "official":
        return ratings
    known = ratings[["id"]].merge(clips, on="id", how="left", validate="one_to_one")
    known["prompt"] = known["prompt"].map(_words)
    if how.protocol == "systems_and_prompts":
        by_system = _split(known["system"], how.folds, how.fold // how.folds, how.seed)
        by_prompt = _split(known["prompt"], how.folds, how.fold % how.folds, how.seed)
        split = np.where(by_system == by_prompt, by_system, "")
    else:
        column = {"systems": "system", "prompts": "prompt"}[how.protocol]
        split = _split(known[column], how.folds, how.fold, how.seed)
    return ratings.assign(split=split)[split != ""].reset_index(drop=True)


def _words(prompt: str) -> str:
    return " ".join(sorted(re.findall(r"\w+", prompt.casefold())))


def _split(groups: Series, folds: int, fold: int, seed: int) -> np.ndarray:
    # train, dev or test a row, so that no group is in two.
    from sklearn.model_selection import GroupKFold

    if groups.nunique() < folds:
        raise ValueError(
            f"split.folds must be at most the number of groups, given {folds} folds of "
            f"{groups.nunique()} {groups.name}s; lower split.folds"
        )
    # In the order of the groups' names, the division does not depend on the rows' order.
    ordered = groups.sort_values(kind="stable")
    parts = GroupKFold(folds, shuffle=True, random_state=seed).split(ordered, groups=ordered)
    part = np.empty(len(groups), dtype=int)
    for number, (_, held_out) in enumerate(parts):
        part[ordered.index[held_out]] = number
    return np.select([part == fold, part == (fold + 1) % folds], ["test", "dev"], "train")
