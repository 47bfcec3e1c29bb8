"""Ranks and ordered pairs, exact with ties, by numpy alone.

To import scipy.stats takes longer than to judge a list.
"""

from __future__ import annotations

import numpy as np


def mid_ranks(values: np.ndarray) -> np.ndarray:
    """Rank values; tied ones share their mean rank.

    Args:
        values: Shape (items,).

    Returns:
        Ranks from 1, whole or half, shape (items,).
    """
    _, code, count = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[code]


def tau_b(one: np.ndarray, two: np.ndarray) -> float:
    """Compute Kendall's tau-b in n log n steps.

    Source: Knight, "A computer method for calculating Kendall's tau with ungrouped data", 1966.

    Args:
        one: Shape (items,), not constant.
        two: Alike.

    Returns:
        The correlation, -1 to 1.
    """
    one, two = (np.unique(side, return_inverse=True)[1] for side in (one, two))
    pairs = len(one) * (len(one) - 1) // 2
    untied = [pairs - _ties(side) for side in (one, two)]
    both = _ties(one * len(one) + two)
    # Sorted by the one side and within its ties by the other, what stands the wrong way round is
    # a discordant pair.
    discordant = inversions(two[np.lexsort((two, one))])
    agreement = sum(untied) - pairs + both - 2 * discordant
    return float(np.clip(agreement / np.sqrt(untied[0]) / np.sqrt(untied[1]), -1, 1))


def inversions(codes: np.ndarray) -> int:
    """Count the pairs of which the larger stands first.

    Args:
        codes: Whole numbers from 0, shape (items,).

    Returns:
        How many pairs.
    """
    found = 0
    # Two numbers are in the order of the highest bit in which they differ.
    for bit in range(int(codes.max(initial=0)).bit_length()):
        above = codes >> (bit + 1)
        order = np.argsort(above, kind="stable")
        above, high = above[order], codes[order] >> bit & 1
        ones = np.r_[0, np.cumsum(high)]
        before = ones[:-1] - ones[np.searchsorted(above, above)]
        found += int(before[high == 0].sum())
    return found


def _ties(codes: np.ndarray) -> int:
    count = np.unique(codes, return_counts=True)[1]
    return int((count * (count - 1) // 2).sum())
