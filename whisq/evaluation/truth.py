"""The ground truth that a rendered corpus carries beside its clips; a real one has none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from pandas import DataFrame, Series


def read_prompts(raw: Path) -> DataFrame | None:
    """Return what each prompt asks for, all as text, indexed by the prompt's own.

    Args:
        raw: The corpus's folder; None comes of one without truth.
    """
    table = _read(raw / "truth" / "prompts.csv")
    return None if table is None else table.drop_duplicates("prompt").set_index("prompt")


def read_clips(raw: Path) -> DataFrame | None:
    """Return what each clip plays and what its listeners would agree on, as text, by clip id.

    Args:
        raw: The corpus's folder; None comes of one without truth.
    """
    table = _read(raw / "truth" / "clips.csv")
    return None if table is None else table.set_index("id")


def latent(clips: DataFrame | None, rated: DataFrame) -> DataFrame | None:
    """Return the listeners' true means `omq` and `ta`, indexed as `rated`; None without truth.

    Args:
        clips: What `read_clips` gave.
        rated: Ratings indexed by clip id.
    """
    if clips is None:
        return None
    columns = {"omq_latent": "omq", "ta_latent": "ta"}
    return clips.loc[rated.index, list(columns)].rename(columns=columns).astype(float)


def about_order(prompts: DataFrame | None, rated: DataFrame) -> Series | None:
    """Return whether each clip's prompt is about order, indexed as `rated`; None without truth.

    Args:
        prompts: What `read_prompts` gave.
        rated: Ratings indexed by clip id, with `prompt`.
    """
    if prompts is None:
        return None
    return rated["prompt"].map(prompts["is_order"] == "1").fillna(False).astype(bool)


def _read(path: Path) -> DataFrame | None:
    return pd.read_csv(path, dtype=str, keep_default_na=False) if path.exists() else None
