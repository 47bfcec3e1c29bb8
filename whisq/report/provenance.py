"""Where a run's results come from: code, parameters, data, versions."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from whisq.report.tables import Cell, Table, number, word

PACKAGES = (
    "whisq", "torch", "torchaudio", "transformers", "numpy", "scipy", "pandas", "scikit-learn",
    "soundfile", "dvc", "mlflow",
)  # fmt: skip


def revision() -> str:
    """Name the code.

    Returns:
        The git revision, with a word where the tree differs from it.
    """
    head = _git("rev-parse", "HEAD")
    if not head:
        return "not a git checkout"
    return head + (" and changes on top" if _git("status", "--porcelain", "-uno") else "")


def versions() -> Table:
    """List what the run was made with.

    Returns:
        The table.
    """
    rows = [[word("Python"), word(platform.python_version())]]
    for name in PACKAGES:
        try:
            rows.append([word(name), word(version(name))])
        except PackageNotFoundError:
            rows.append([word(name), word("not installed")])
    return Table("Versions", ["package", "version"], rows)


def data_hashes(lock: Path) -> Table | None:
    """List each stage's outputs with their hashes.

    Args:
        lock: `dvc.lock`.

    Returns:
        The table, None where there is no lock.
    """
    if not lock.is_file():
        return None
    stages = (yaml.safe_load(lock.read_text(encoding="utf-8")) or {}).get("stages") or {}
    rows = [
        [
            Cell(stage, stage),
            Cell(out["path"], out["path"]),
            Cell(str(out.get("md5", "")), str(out.get("md5", ""))),
            number(out.get("size", 0) / 1e6, 2),
        ]
        for stage, record in stages.items()
        for out in record.get("outs", [])
    ]
    return Table("Outputs (dvc.lock)", ["stage", "path", "md5", "MB"], rows)


def parameters(values: dict[str, Any]) -> Table:
    """List the parameters.

    Args:
        values: By dotted name.

    Returns:
        The table.
    """
    rows = [[Cell(name, name), Cell(str(value), str(value))] for name, value in values.items()]
    return Table("Parameters (params.yaml)", ["name", "value"], rows, tall=True)


def stage_times(seconds: dict[str, float]) -> Table | None:
    """List how long stages took.

    Args:
        seconds: By stage; those of which it is known.

    Returns:
        The table, None where nothing is known.
    """
    rows = [[word(name), number(value, 1)] for name, value in seconds.items()]
    note = (
        "Wall time of each stage's last run in this store; what was cached then is not in it. "
        "Training counts its epochs alone."
    )
    return Table("Time a stage took", ["stage", "seconds"], rows, note) if rows else None


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
    return done.stdout.strip()
