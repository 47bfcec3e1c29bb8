"""Which clips a table of system means was made from.

Toolkits mean two things by "system level": the mean of the evaluated clips, or a published table
made from train and dev. The two rank the same predictions differently.
"""

from __future__ import annotations

from pathlib import Path

from pandas import DataFrame

from whisq.corpus.problems import Problems
from whisq.corpus.rows import system_and_prompt
from whisq.corpus.tables import read_systems

BASES = (("train",), ("dev",), ("test",), ("train", "dev"), ("train", "dev", "test"))
TOLERANCE = 0.001
"""The tables are rounded to four decimals."""


def system_tables(folder: Path, ratings: DataFrame, problems: Problems) -> dict[str, str | None]:
    """Hold a corpus's tables of system means against its labels.

    Args:
        folder: A corpus in MusicEval's layout.
        ratings: Its labelled clips with `id, split, omq, ta`.
        problems: Where tables that no choice of clips explains are warned of.

    Returns:
        By file name, such as `train+dev`, or None where nothing fits.
    """
    found = {}
    for path in sorted((folder / "system_mos").glob("*.csv")):
        # No label comes from these tables, so nothing in them is fatal.
        table = read_systems(path, Problems())
        bases = ("+".join(basis) for basis in BASES if _fits(table, ratings, basis))
        found[path.name] = next(bases, None)
        if found[path.name] is None:
            what, remedy = "no split's clips have these means", "do not score against this table"
            problems.warn("system means differ", f"system_mos/{path.name}", None, what, remedy)
    return found


def _fits(table: DataFrame, ratings: DataFrame, basis: tuple[str, ...]) -> bool:
    part = ratings[ratings["split"].isin(basis)]
    if part.empty:
        return False
    systems = [(system_and_prompt(key) or ("",))[0] for key in part["id"]]
    means = part[["omq", "ta"]].groupby(systems).mean()
    if set(means.index) != set(table.index):
        return False
    return bool((means.loc[table.index] - table).abs().max().max() <= TOLERANCE)
