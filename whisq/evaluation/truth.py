"""The ground truth that a rendered corpus carries beside its clips; a real one has none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from pandas import DataFrame, Series


def read_prompts(raw: Path) -> DataFrame | None:
    """Read what each prompt asks for.

    Args:
        raw: The corpus's folder.

    Returns:
        One row a distinct prompt, indexed by its text, or None for a corpus without truth.
    """
    path = raw / "truth" / "prompts.csv"
    if not path.exists():
        return None
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    return table.drop_duplicates("prompt").set_index("prompt")


def read_clips(raw: Path) -> DataFrame | None:
    """Read what each clip plays and what its listeners would agree on.

    Args:
        raw: The corpus's folder.

    Returns:
        One row a clip, indexed by id, all as text, or None for a corpus without truth.
    """
    path = raw / "truth" / "clips.csv"
    if not path.exists():
        return None
    return pd.read_csv(path, dtype=str, keep_default_na=False).set_index("id")


def latent(clips: DataFrame | None, rated: DataFrame) -> DataFrame | None:
    """Take the listeners' true means.

    Args:
        clips: What `read_clips` gave.
        rated: Ratings indexed by clip id.

    Returns:
        `omq` and `ta`, indexed as `rated`, or None without truth.
    """
    if clips is None:
        return None
    columns = {"omq_latent": "omq", "ta_latent": "ta"}
    return clips.loc[rated.index, list(columns)].rename(columns=columns).astype(float)


def about_order(prompts: DataFrame | None, rated: DataFrame) -> Series | None:
    """Tell which clips have a prompt about order.

    Args:
        prompts: What `read_prompts` gave.
        rated: Ratings indexed by clip id, with `prompt`.

    Returns:
        True or False a clip, indexed as `rated`, or None without truth.
    """
    if prompts is None:
        return None
    return rated["prompt"].map(prompts["is_order"] == "1").fillna(False).astype(bool)
