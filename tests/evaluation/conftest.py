import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

MUSICEVAL = os.environ.get("WHISQ_MUSICEVAL") or (
    Path(__file__).resolve().parents[3] / "shared" / "musiceval"
)


@pytest.fixture
def musiceval() -> Path:
    """The folder with MusicEval's real lists, which the project may not carry."""
    folder = Path(MUSICEVAL)
    if not (folder / "test_mos_list.txt").exists():
        pytest.skip(f"MusicEval's lists are not in {folder}: name their folder in WHISQ_MUSICEVAL")
    return folder


@pytest.fixture
def rated() -> pd.DataFrame:
    """A rated corpus of 12 systems by 10 prompts, whose systems and prompts differ in level."""
    draw = np.random.default_rng(3)
    systems, prompts = draw.normal(0, 0.7, (12, 2)), draw.normal(0, 0.3, (10, 2))
    rows = [
        (f"S{s:03d}", f"P{p:03d}", *(3 + systems[s] + prompts[p]))
        for s in range(12)
        for p in range(10)
    ]
    table = pd.DataFrame(rows, columns=["system", "prompt", "omq", "ta"])
    table.index = table["system"] + "_" + table["prompt"]
    table[["omq", "ta"]] += draw.normal(0, 0.4, (120, 2))
    return table.round(1)
