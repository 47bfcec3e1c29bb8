"""The raters' own rows: who gave which clip what."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from pandas import DataFrame

from whisq.corpus.clips import SPLITS
from whisq.corpus.problems import Problems
from whisq.corpus.tables import read_raters


def read_all(folder: Path, problems: Problems) -> DataFrame:
    """Read every table of raters' rows that is there.

    Args:
        folder: What holds `person_mos/`.
        problems: Where ratings other than 1, 2, 3, 4, 5 are noted.

    Returns:
        Columns `id, rater, omq, ta, row, file`, each clip from one table.
    """
    names = [f"{name}_person_mos.txt" for name in (*SPLITS, "total")]
    paths = [path for name in names if (path := folder / "person_mos" / name).exists()]
    rated = [read_raters(path, problems).assign(file=path.name) for path in paths]
    if not rated:
        return DataFrame(columns=["id", "rater", "omq", "ta", "row", "file"])
    # `total` repeats what the splits' tables say.
    everything = pd.concat(rated, ignore_index=True)
    first = everything.groupby("id")["file"].transform("first")
    return everything[everything["file"] == first]


def add(labelled: DataFrame, raters: DataFrame, problems: Problems) -> DataFrame:
    """Put each clip's raters beside its label.

    Args:
        labelled: One row a clip, with `id, omq, ta, row, file`.
        raters: What `read_all` gives.
        problems: Where labels that are not the raters' mean are warned of.

    Returns:
        The clips with `raters, omq_raters, ta_raters`, space-separated, blank where unknown.
    """
    grouped = {key: rows for key, rows in raters.groupby("id")}
    columns: dict[str, list[str]] = {"raters": [], "omq_raters": [], "ta_raters": []}
    for clip in labelled.itertuples():
        rows = grouped.get(clip.id)
        for column, source in zip(columns, ("rater", "omq", "ta"), strict=True):
            columns[column].append("" if rows is None else " ".join(map(str, rows[source])))
        if rows is not None:
            _check_mean(clip, rows, problems)
    return labelled.assign(**columns)


def _check_mean(clip: tuple, rows: DataFrame, problems: Problems) -> None:
    means = rows[["omq", "ta"]].mean()
    if abs(means["omq"] - clip.omq) > 0.051 or abs(means["ta"] - clip.ta) > 0.051:
        what = f"{clip.id} is {clip.omq},{clip.ta}, its raters' mean {tuple(means.round(2))}"
        problems.warn(
            "label is not the mean", clip.file, clip.row, what, "the list's label is used"
        )
