"""Time the intervals of MusicEval's test size against one scipy call a resample; prints JSON."""

import json
import time

import numpy as np
import pandas as pd
from scipy import stats

from whisq.evaluation.intervals import intervals
from whisq.evaluation.resampling import codes, draw, replicates

CLIPS, SYSTEMS, PROMPTS, RESAMPLES, SAMPLE = 413, 30, 100, 2000, 40


def table() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw ratings of 21 levels and predictions of them."""
    chance = np.random.default_rng(0)
    system = chance.integers(0, SYSTEMS, CLIPS)
    latent = chance.normal(3, 0.7, (SYSTEMS, 2))[system] + chance.normal(0, 0.5, (CLIPS, 2))
    truth = pd.DataFrame(np.clip(np.round(latent * 5) / 5, 1, 5), columns=["omq", "ta"])
    truth["system"] = [f"S{number:03d}" for number in system]
    truth["prompt"] = [f"P{number:03d}" for number in chance.integers(0, PROMPTS, CLIPS)]
    return truth, truth[["omq", "ta"]] + chance.normal(0, 0.5, (CLIPS, 2))


def by_scipy(truth: pd.DataFrame, answer: pd.DataFrame) -> tuple[float, float]:
    """Time the plain way on a few resamples: seconds for all, and how far the two differ."""
    fast = replicates(truth, answer, "system", SAMPLE, 0)["utt"]["omq"]
    groups = codes(truth, "system")
    counts = draw(groups, SAMPLE, np.random.default_rng(0))[:, groups]
    start, apart = time.perf_counter(), 0.0
    for row, weights in enumerate(counts):
        chosen = np.repeat(np.arange(CLIPS), weights)
        x, y = truth["omq"].to_numpy()[chosen], answer["omq"].to_numpy()[chosen]
        slow = {
            "lcc": stats.pearsonr(x, y).statistic,
            "srcc": stats.spearmanr(x, y).statistic,
            "ktau": stats.kendalltau(x, y).statistic,
        }
        apart = max(apart, *(abs(fast[name][row] - value) for name, value in slow.items()))
    # Two axes, three ways of resampling; the system level is left to the fast way alone.
    return (time.perf_counter() - start) / SAMPLE * RESAMPLES * 6, apart


def main() -> None:
    """Measure and print."""
    truth, answer = table()
    start = time.perf_counter()
    intervals(truth, answer, RESAMPLES)
    fast = time.perf_counter() - start
    slow, apart = by_scipy(truth, answer)
    result = {
        "clips": CLIPS,
        "resamples": RESAMPLES,
        "seconds": round(fast, 2),
        "scipy_utterance_level_only_seconds": round(slow, 1),
        "largest_difference": float(f"{apart:.1e}"),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
