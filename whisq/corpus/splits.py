"""How clips are divided into train, dev and test.

The official split is random by clip: every test system and every test prompt is also in train,
so much of a score can be had by recognising the system. The other protocols hold whole groups
out; over all values of `fold` every clip is tested once.
"""

from __future__ import annotations

import re

import numpy as np
from pandas import DataFrame, Series
from sklearn.model_selection import GroupKFold

PROTOCOLS = ("official", "systems", "prompts", "systems_and_prompts")


def assign(
    ratings: DataFrame, clips: DataFrame, protocol: str, folds: int, fold: int, seed: int
) -> DataFrame:
    """Give each rated clip its split.

    Chosen: fold `fold` is tested, the next one is dev, the others train. A prompt is its text,
    not its P-id, for demo clips use the P-ids of shared prompts for prompts of their own; prompts
    of the same words are held out together, or one half of a pair that differs in order alone
    would be learnt from and known.

    Args:
        ratings: One row a labelled clip, with the corpus's own `split`.
        clips: One row a clip, with `id, system, prompt`.
        protocol: `official` keeps the corpus's own split; `systems`, `prompts` and
            `systems_and_prompts` hold out whole groups, the last one both at once.
        folds: Into how many parts the groups are divided, at least 3.
        fold: Which part is tested, from 0; `systems_and_prompts` has `folds` x `folds` of them,
            counted systems first.
        seed: Of the division.

    Returns:
        The ratings with the new `split`. Under `systems_and_prompts` the clips that share only
        their system or only their prompt with a split fit nowhere and are left out. An unknown
        protocol, more folds than groups or a fold out of range is a `ValueError`.
    """
    if protocol == "official":
        return ratings
    _check(protocol, folds, fold)
    known = ratings[["id"]].merge(clips, on="id", how="left", validate="one_to_one")
    known["prompt"] = known["prompt"].map(_words)
    if protocol == "systems_and_prompts":
        by_system = _split(known["system"], folds, fold // folds, seed)
        by_prompt = _split(known["prompt"], folds, fold % folds, seed)
        split = np.where(by_system == by_prompt, by_system, "")
    else:
        column = {"systems": "system", "prompts": "prompt"}[protocol]
        split = _split(known[column], folds, fold, seed)
    return ratings.assign(split=split)[split != ""].reset_index(drop=True)


def _words(prompt: str) -> str:
    return " ".join(sorted(re.findall(r"\w+", prompt.casefold())))


def _split(groups: Series, folds: int, fold: int, seed: int) -> np.ndarray:
    """Name the split of each row so that no group is in two.

    Args:
        groups: One group a row.
        folds: Into how many parts the groups are divided.
        fold: The tested part.
        seed: Of the division.

    Returns:
        `train`, `dev` or `test` a row.

    Raises:
        ValueError: There are fewer groups than folds.
    """
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


def _check(protocol: str, folds: int, fold: int) -> None:
    if protocol not in PROTOCOLS:
        raise ValueError(f"split.protocol must be one of {PROTOCOLS}, given {protocol!r}")
    if folds < 3:
        raise ValueError(f"split.folds must be at least 3 (train, dev, test), given {folds}")
    count = folds**2 if protocol == "systems_and_prompts" else folds
    if not 0 <= fold < count:
        raise ValueError(f"split.fold must be in 0..{count - 1} for {protocol}, given {fold}")
