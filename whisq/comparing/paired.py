"""Systems on the same prompts: their differences, how sure these are, and what it takes to tell.

Conventions: a system's score of a prompt is the mean of its clips (seeds) of that prompt, in MOS
units, and every prompt counts alike. Prompts are the sample: what is asked is what would come out
on other prompts of the same kind, with as many seeds.

Chosen: intervals draw whole prompts with all of their seeds. The scores of a drawn prompt hold its
seeds' chance already; to draw seeds anew inside it would count that twice, and intervals would
hold the truth too often (Davison and Hinkley, Bootstrap Methods and their Application, 1997,
section 3.8).
"""

from __future__ import annotations

from itertools import combinations
from math import ceil
from string import ascii_letters
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtri, stdtr

from whisq.evaluation.intervals import LEVEL, interval
from whisq.evaluation.metrics import DECIMALS
from whisq.evaluation.resampling import draw

if TYPE_CHECKING:
    from pandas import DataFrame

POWER = 0.8
EXACT = 14  # prompts up to which every flip of signs is tried
FLIPS = 2 ** (EXACT - 1)
CHUNK = 2**22  # numbers held at once


def scores_by_prompt(clips: DataFrame, axis: str) -> DataFrame:
    """Return the mean over seeds of each prompt that every system has, a column a system.

    Systems stand in the order in which they first come, prompts by name; the order of a system's
    clips changes no bit of it.

    Args:
        clips: One row a clip: `system`, `prompt`, and the axis, NaN where there is no score.
        axis: `omq` or `ta`.
    """
    systems = clips["system"].unique()
    # Sums depend on the order of what is summed in their last bits.
    known = clips.dropna(subset=[axis]).sort_values(["system", "prompt", axis])
    means = known.groupby(["prompt", "system"])[axis].mean().unstack()
    return means.reindex(columns=systems).dropna()


def compare(scores: DataFrame, resamples: int = 2000, seed: int = 0) -> dict[str, Any]:
    """Compare every two systems, and rank all.

    Args:
        scores: What `scores_by_prompt` gave: at least one prompt and two systems.
        resamples: For the intervals, at least 1.
        seed: Of the draws and of the flips.

    Returns:
        `n_prompts`; `differences`, a list: for each two systems `system` and `less` (its score less
        that one's, which came before it), `difference`, `interval` (95%, None of one prompt),
        `wins` (share of prompts on which `system` scores higher, ties half), `p` (two-sided, by
        flips of signs), `p_holm` (Student's, as the intervals, and Holm's correction for as many
        comparisons as there are), `prompts_needed` (to
        tell a difference of this size with 80% power, None of no difference or one prompt),
        `more_prompts` (so many more than these), and `detectable` (the difference that as many
        prompts as these tell with that power; both allow for as many comparisons as there are);
        and `ranking`, a list from the best: `system`,
        `mean`, `above` (how far that is above the mean of all systems on the same prompts), its
        `interval`, and `groups`: two systems without a letter in common are told apart.
    """
    prompts, systems = scores.shape
    values, rng = scores.to_numpy(float), np.random.default_rng(seed)
    drawn = draw(np.arange(prompts), resamples, rng) / prompts
    before, after = np.array(list(combinations(range(systems), 2))).T
    less = values[:, after] - values[:, before]
    measured, adjusted = measure(less, drawn, rng, len(before)), holm(student(less)).tolist()
    named = zip(scores.columns[after], scores.columns[before], measured, adjusted, strict=True)
    found = [
        {"system": system, "less": other, **pair, "p_holm": p} for system, other, pair, p in named
    ]
    ranking = _ranking(scores, drawn, [pair for pair in found if pair["p_holm"] <= 1 - LEVEL])
    return {"n_prompts": prompts, "differences": found, "ranking": ranking}


def measure(
    differences: np.ndarray, drawn: np.ndarray, rng: np.random.Generator, comparisons: int = 1
) -> list[dict[str, Any]]:
    """Measure paired differences.

    Args:
        differences: Of scores, shape (prompts, pairs), MOS units.
        drawn: Each prompt's share of each resample, shape (resamples, prompts).
        rng: Where the flips' chance comes from.
        comparisons: Among how many a difference must be told, at least 1.

    Returns:
        For each pair what `compare` tells of it, but names and `p_holm`.
    """
    less = differences.round(DECIMALS)
    # Equal means differ in their last bits.
    p, means = flip_test(less, rng), drawn @ less
    return [
        _figures(column, resampled, float(chance), comparisons)
        for column, resampled, chance in zip(less.T, means.T, p, strict=True)
    ]


def flip_test(differences: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return how often the mean is as far from 0 when prompts' signs are flipped: p, (pairs,).

    Source: Fisher, The Design of Experiments (1935), section 21. Every flip is tried on up to 14
    prompts; on more 8,192 at random, the one that was observed among them, so that p is never 0
    (Phipson and Smyth, 2010).

    Args:
        differences: Shape (prompts, pairs).
        rng: Where chance comes from.
    """
    prompts = len(differences)
    exact = prompts <= EXACT
    count = 2 ** (prompts - 1) if exact else FLIPS
    far = np.abs(differences.sum(axis=0)) - 10.0**-DECIMALS / 2
    as_far = np.zeros(differences.shape[1])
    rows = max(1, CHUNK // prompts)
    for begin in range(0, count, rows):
        codes = np.arange(begin, min(begin + rows, count))
        if exact:
            # The last prompt's sign stays: to flip all signs changes no distance.
            bits = codes[:, None] >> np.arange(prompts) & 1
        else:
            bits = rng.integers(0, 2, (len(codes), prompts)) * (codes > 0)[:, None]
        as_far += (np.abs((1 - 2.0 * bits) @ differences) >= far).sum(axis=0)
    return as_far / count


def student(differences: np.ndarray) -> np.ndarray:
    """Return the p of Student's paired test, which the groups of a ranking stand on: (pairs,).

    Chosen: a flip test's p can't fall below 2 in 2**prompts, so that of many systems on few
    prompts it would tell none apart however far they are. Of a single prompt, or without any
    difference, p is 1.

    Args:
        differences: Shape (prompts, pairs).
    """
    prompts, less = len(differences), differences.round(DECIMALS)
    if prompts < 2:
        return np.ones(less.shape[1])
    error = less.std(axis=0, ddof=1) / prompts**0.5
    far = np.abs(less.mean(axis=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * stdtr(prompts - 1, -far / error)
    return np.where(far > 10.0**-DECIMALS / 2, p, 1.0)


def holm(p: np.ndarray) -> np.ndarray:
    """Return p adjusted for the number of comparisons, shape (comparisons,).

    To call apart what is at most 0.05 errs once or more in at most 5% of experiments.

    Source: Holm, A simple sequentially rejective multiple test procedure (1979).
    """
    order = np.argsort(p, kind="stable")
    times = np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * times), 1)
    return adjusted


def prompts_needed(difference: float, deviation: float, comparisons: int = 1) -> int | None:
    """Return how many prompts tell a difference with 80% power, None of no difference.

    Source: Guenther, Sample size formulas for normal theory t tests (1981). Chosen: among several
    comparisons the level is 0.05 over their number, which is Holm's hardest step.

    Args:
        difference: Between two systems' means, MOS units.
        deviation: Of the differences prompt by prompt, MOS units.
        comparisons: How many are made, at least 1.
    """
    if difference == 0:
        return None
    sure, more = _quantiles(comparisons)
    return max(2, ceil(((sure + more) * deviation / difference) ** 2 + sure**2 / 2))


def detectable(deviation: float, prompts: int, comparisons: int = 1) -> float | None:
    """Return the difference that so many prompts tell with 80% power, None where there is none.

    `prompts_needed` turned round, in MOS units.
    """
    sure, more = _quantiles(comparisons)
    if prompts <= sure**2 / 2:
        return None
    return float((sure + more) * deviation / (prompts - sure**2 / 2) ** 0.5)


def group(systems: list[str], apart: list[tuple[str, str]]) -> dict[str, str]:
    """Return each system's letters, such as `ab`: two have one in common unless they are apart.

    Source: Piepho, An algorithm for a letter-based representation of all-pairwise comparisons
    (2004): insert and absorb.

    Args:
        systems: From the best, which has `a`.
        apart: Those of which each two are told apart.
    """
    columns = [frozenset(systems)]
    for pair in apart:
        parts = [
            part
            for column in columns
            for part in ([column - {one} for one in pair] if column >= {*pair} else [column])
        ]
        columns = [part for part in dict.fromkeys(parts) if not any(part < more for more in parts)]
    columns.sort(key=lambda column: [systems.index(s) for s in systems if s in column])
    return {
        system: "".join(_letter(place) for place, column in enumerate(columns) if system in column)
        for system in systems
    }


def _figures(less: np.ndarray, resampled: np.ndarray, p: float, comparisons: int) -> dict[str, Any]:
    prompts, mean = len(less), float(less.mean().round(DECIMALS))
    wins = float(((less > 0) + (less == 0) / 2).mean())
    found = {"difference": mean, "interval": interval(resampled, mean, prompts)}
    found |= {"wins": wins, "p": p, "prompts_needed": None, "more_prompts": None}
    if prompts < 2:
        return found | {"detectable": None}
    deviation = float(less.std(ddof=1))
    needed = prompts_needed(mean, deviation, comparisons)
    if needed is not None:
        found |= {"prompts_needed": needed, "more_prompts": max(needed - prompts, 0)}
    return found | {"detectable": detectable(deviation, prompts, comparisons)}


def _ranking(scores: DataFrame, drawn: np.ndarray, apart: list[dict]) -> list[dict[str, Any]]:
    means = scores.mean().round(DECIMALS)
    ranked = sorted(scores.columns, key=lambda system: (-means[system], system))
    letters = group(ranked, [(pair["system"], pair["less"]) for pair in apart])
    above = scores.sub(scores.mean(axis=1), axis=0)
    resampled, mean = drawn @ above.to_numpy(), above.mean()
    ends = {
        system: interval(column, mean[system], len(scores))
        for system, column in zip(scores.columns, resampled.T, strict=True)
    }
    return [
        {
            "system": system,
            "mean": float(means[system]),
            "above": float(mean[system]),
            "interval": ends[system],
            "groups": letters[system],
        }
        for system in ranked
    ]


def _quantiles(comparisons: int) -> tuple[float, float]:
    # Of the normal distribution: how sure one comparison must be, and how often it shall succeed.
    return float(ndtri(1 - (1 - LEVEL) / 2 / comparisons)), float(ndtri(POWER))


def _letter(place: int) -> str:
    # One letter each, since they stand side by side: a to z, A to Z, then others.
    return ascii_letters[place] if place < len(ascii_letters) else chr(0x100 + place)
