import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def rated(rated_once) -> pd.DataFrame:
    """A copy of `rated_once` that a test may alter."""
    return rated_once.copy()


@pytest.fixture(scope="session")
def rated_once() -> pd.DataFrame:
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
