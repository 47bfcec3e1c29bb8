"""What is left when the system, or the prompt, is known.

A model that has learnt to tell the systems apart scores well over all clips and nothing inside
one system; one that hears the clip itself scores in both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from whisq.evaluation.metrics import AXES, METRICS, measure

if TYPE_CHECKING:
    from pandas import DataFrame

FEWEST = 4  # clips that a group needs for a correlation of its own to say anything


def within(rated: DataFrame, predictions: DataFrame) -> dict[str, dict[str, Any]]:
    """Compare predictions with ratings inside each system, inside each prompt, and by pairs.

    Args:
        rated: Ratings indexed by clip id: `system`, `prompt`, `omq`, `ta`.
        predictions: Indexed by the same ids: a column an axis.

    Returns:
        `system` and `prompt`, axis by axis as `grouped`, and `pairs`, axis by axis as `agreement`.
    """
    predictions = predictions.loc[rated.index]
    axes = [axis for axis in AXES if axis in predictions]
    found: dict[str, dict[str, Any]] = {"system": {}, "prompt": {}, "pairs": {}}
    for axis in axes:
        values = rated[axis].to_numpy(float), predictions[axis].to_numpy(float)
        for group in ("system", "prompt"):
            found[group][axis] = grouped(*values, rated[group].to_numpy())
        found["pairs"][axis] = agreement(*values, rated["prompt"].to_numpy())
    return found


def grouped(rating: np.ndarray, prediction: np.ndarray, group: np.ndarray) -> dict[str, Any]:
    """Average each group's own correlations, a clip counting once.

    Args:
        rating: Shape (clips,), MOS units.
        prediction: Alike.
        group: Each clip's group, shape (clips,).

    Returns:
        `lcc, srcc, ktau`, None where no group defines one, and `groups`, how many did: those of
        FEWEST clips at least whose ratings and predictions vary.
    """
    rows, sizes = [], []
    for name in np.unique(group):
        inside = group == name
        scores = measure(rating[inside], prediction[inside])
        if inside.sum() >= FEWEST and "undefined" not in scores:
            rows.append([scores[metric] for metric in METRICS[1:]])
            sizes.append(inside.sum())
    means = np.average(rows, axis=0, weights=sizes).tolist() if rows else [None] * 3
    return dict(zip(METRICS[1:], means, strict=True)) | {"groups": len(rows)}


def agreement(rating: np.ndarray, prediction: np.ndarray, prompt: np.ndarray) -> dict[str, Any]:
    """Ask of two clips of one prompt which is better, and count how often the model agrees.

    Args:
        rating: Shape (clips,), MOS units.
        prediction: Alike.
        prompt: Each clip's prompt, shape (clips,).

    Returns:
        `agreement`, 0 to 1 (0.5 is chance; equal predictions count half), None without pairs,
        and `pairs`, how many there were whose ratings differ.
    """
    agreed, pairs = 0.0, 0
    for name in np.unique(prompt):
        inside = prompt == name
        better = np.sign(rating[inside][:, None] - rating[inside])
        said = np.sign(prediction[inside][:, None] - prediction[inside])
        asked = np.triu(better != 0, k=1)
        agreed += float((1 + (better * said)[asked]).sum() / 2)
        pairs += int(asked.sum())
    return {"agreement": agreed / pairs if pairs else None, "pairs": pairs}
