"""Where a run's results come from: code, parameters, data, versions, time."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from whisq.show.table import Table, number, verbatim, word

PACKAGES = (
    "whisq", "torch", "torchaudio", "transformers", "numpy", "scipy", "pandas", "scikit-learn",
    "soundfile", "dvc", "mlflow",
)  # fmt: skip


def revision() -> str:
    """Return the git revision, with a word where the tree differs from it."""
    head = _git("rev-parse", "HEAD")
    if not head:
        return "not a git checkout"
    return head + (" and changes on top" if _git("status", "--porcelain", "-uno") else "")


def made_with(params: Mapping[str, Any], lock: Path) -> list[Table]:
    """Return tables of parameters by dotted name, data (where there is `dvc.lock`), versions."""
    rows = [[verbatim(name), verbatim(value)] for name, value in params.items()]
    parameters = Table("Parameters (params.yaml)", ["name", "value"], rows, tall=True)
    versions = {"Python": platform.python_version()} | {name: _version(name) for name in PACKAGES}
    rows = [[word(name), word(found)] for name, found in versions.items()]
    data = [_data(lock)] if lock.is_file() else []
    return [parameters, *data, Table("Versions", ["package", "version"], rows)]


def stage_times(seconds: Mapping[str, float]) -> Table | None:
    """Return a table of how long stages took, None where nothing is known."""
    rows = [[word(name), number(value, 1)] for name, value in seconds.items()]
    note = (
        "Wall time of each stage's last run in this store; what was cached then is not in it. "
        "Training counts its epochs alone."
    )
    return Table("Time a stage took", ["stage", "seconds"], rows, note) if rows else None


def _data(lock: Path) -> Table:
    stages = (yaml.safe_load(lock.read_text(encoding="utf-8")) or {}).get("stages") or {}
    rows = [
        [
            *(verbatim(text) for text in (stage, out["path"], out.get("md5", ""))),
            number(out.get("size", 0) / 1e6, 2),
        ]
        for stage, record in stages.items()
        for out in record.get("outs", [])
    ]
    return Table("Outputs (dvc.lock)", ["stage", "path", "md5", "MB"], rows)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
    return done.stdout.strip()
