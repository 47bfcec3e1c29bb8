"""The lists of `sets/`: which clips there are, in which split, with which labels."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from pandas import DataFrame

from whisq.corpus import tables
from whisq.corpus.clips import SPLITS
from whisq.corpus.problems import Problems


def read_sets(folder: Path, problems: Problems) -> tuple[DataFrame, DataFrame]:
    """Read every list that is there and hold them against each other.

    Args:
        folder: What holds `sets/`.
        problems: Where clips listed twice or with two labels are noted.

    Returns:
        The labelled clips `id, omq, ta, row, split, file` and the unlabelled `id, row, file`.
    """
    sets = []
    for split in SPLITS:
        path = folder / "sets" / f"{split}_mos_list.txt"
        if path.exists():
            sets.append(tables.read_mos(path, problems).assign(split=split, file=path.name))
    eval_list = folder / "sets" / "eval_list.txt"
    plain = DataFrame({"id": [], "row": []}, dtype=object)
    if eval_list.exists():
        plain = tables.read_ids(eval_list, problems)
    if not sets and plain.empty:
        wanted = "sets/train_mos_list.txt, dev, test, or sets/eval_list.txt"
        problems.fatal("no list", "sets", None, "no list of clips in it", f"put there {wanted}")
    empty = DataFrame(columns=["id", "omq", "ta", "row", "split", "file"]).astype(
        {"omq": float, "ta": float}
    )
    labelled = pd.concat(sets, ignore_index=True) if sets else empty
    _check_once(labelled, problems)
    _check_total(folder, labelled, problems)
    plain = plain[~plain["id"].isin(labelled["id"])]
    return labelled, plain.assign(file="eval_list.txt")


def _check_once(labelled: DataFrame, problems: Problems) -> None:
    for key, same in labelled.groupby("id"):
        if len(same) == 1:
            continue
        last = same.iloc[-1]
        first = f"{key} is also in {same.iloc[0]['file']}, row {same.iloc[0]['row']}"
        kind = "duplicate id" if same["split"].nunique() == 1 else "split overlap"
        problems.fatal(kind, last["file"], last["row"], first, "keep one of the rows")


def _check_total(folder: Path, labelled: DataFrame, problems: Problems) -> None:
    path = folder / "sets" / "total_mos_list.txt"
    if not path.exists() or labelled.empty:
        return
    total = tables.read_mos(path, problems)
    joined = total.merge(labelled, on="id", how="left", suffixes=("", "_split"))
    for row in joined.itertuples():
        if pd.isna(row.omq_split):
            what, remedy = f"{row.id} is in no split", "it is left out; add it to a split's list"
            problems.warn("clip without split", path.name, row.row, what, remedy)
        elif abs(row.omq - row.omq_split) > 0 or abs(row.ta - row.ta_split) > 0:
            what = f"{row.id} is {row.omq_split},{row.ta_split} in {row.file}"
            problems.fatal("two labels", path.name, row.row, what, "make them one")
