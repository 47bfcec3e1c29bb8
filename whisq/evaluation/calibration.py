"""Whether a predicted 4 is rated 4: slope, intercept and reliability curve."""

from __future__ import annotations

from typing import Any

import numpy as np


def calibration(rating: np.ndarray, prediction: np.ndarray, bins: int = 10) -> dict[str, Any]:
    """Fit ratings by a line in the predictions, and average both in bins of equal size.

    Args:
        rating: Listeners' scores, shape (clips,), MOS units.
        prediction: The model's, alike.
        bins: How many points the curve has at most.

    Returns:
        `slope` and `intercept` of the line (1 and 0 at best; a slope below 1 says that
        predictions spread too far), None where predictions are constant; and `curve`, for each
        bin `prediction` and `rating` (means), `clips`, and `error` (the mean rating's standard
        error, None of one clip).
    """
    slope = intercept = None
    if len(prediction) > 1 and np.ptp(prediction) > 0:
        slope, intercept = np.polyfit(prediction, rating, 1).tolist()
    order = np.argsort(prediction, kind="stable")
    curve = [
        _point(rating[part], prediction[part])
        for part in np.array_split(order, min(bins, len(order)) or 1)
        if len(part)
    ]
    return {"slope": slope, "intercept": intercept, "curve": curve}


def _point(rating: np.ndarray, prediction: np.ndarray) -> dict[str, Any]:
    count = len(rating)
    return {
        "prediction": float(prediction.mean()),
        "rating": float(rating.mean()),
        "clips": count,
        "error": float(rating.std(ddof=1) / np.sqrt(count)) if count > 1 else None,
    }
