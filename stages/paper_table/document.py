"""docs/paper.md, from params.yaml and the tables in `metrics/`: `make readme`."""

import json
from pathlib import Path
from typing import Any

from pandas import DataFrame, concat, read_csv

from whisq import params
from whisq.show.paper import document

WINDOWS = {"windows": {"embed_audio.window": "padded"}}  # what tests/benchmarks/windows.py measures


def write(folder: Path) -> str:
    """Return the page about the project in a folder, where params.yaml and `metrics/` are."""
    values, metrics = params.load(folder / "params.yaml"), folder / "metrics"
    windows = json.loads((metrics / "benchmarks/windows.json").read_text(encoding="utf-8"))
    measured = metrics / "paper_table.csv"
    return document(
        params.pipeline(values),
        values.recipes["paper"].changes,
        WINDOWS | {name: one.changes for name, one in values.ablations.items()},
        concat([read_csv(metrics / "ablations.csv"), DataFrame(_rows(windows))]),
        read_csv(measured) if measured.exists() else None,
    )


def _rows(windows: dict[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for metric, figure in windows["padded"].items():
        less = figure["difference"]["clip"]
        ends = less["interval"] or (None, None)
        row = {"variant": "windows", "protocol": "official", "metric": metric}
        row |= {"corpus": f"{windows['corpus']} corpus", "less_default": less["mean"]}
        rows.append(row | dict(zip(("less_default_low", "less_default_high"), ends, strict=True)))
    return rows


if __name__ == "__main__":
    Path("docs/paper.md").write_text(write(Path()), encoding="utf-8")
