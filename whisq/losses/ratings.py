"""How far predicted ratings are from listeners', beside torch's own losses.

Conventions: predictions and ratings are (clips,) in MOS units; logits are (clips, bins) over bins
whose centres, (bins,), are spread evenly over the scale; every loss is a mean over clips (or
pairs), zero where there are none.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import kl_div, log_softmax, relu, softplus

MARKS = (1.0, 2.0, 3.0, 4.0, 5.0)
SIGMA = 0.25  # of soft labels, MOS units
LEAST = 0.2  # pairs whose ratings differ by less say nothing of which is better
MARGIN = 1.0  # by which TA falls with another prompt


def soft_labels(logits: Tensor, centres: Tensor, rating: Tensor, sigma: float = SIGMA) -> Tensor:
    """Compare the predicted distribution with a Gaussian around the rating.

    Source: ASTAR-NTU (arXiv 2507.09904): 20 bins, Gaussian soft labels, Kullback-Leibler. Chosen:
    the Gaussian's width.

    Args:
        logits: (clips, bins).
        centres: (bins,), in MOS units.
        rating: (clips,).
        sigma: Width of the Gaussian in MOS units.

    Returns:
        Mean divergence from target to prediction in nats, a scalar.
    """
    target = (-((centres - rating.unsqueeze(1)) ** 2) / (2 * sigma**2)).softmax(1)
    return kl_div(log_softmax(logits, 1), target, reduction="batchmean")


def rater_distribution(logits: Tensor, centres: Tensor, shares: Tensor) -> Tensor:
    """Compare the predicted distribution with how many raters gave each mark.

    A mark between two bins is shared by them in proportion, so that the target's mean is the
    raters' mean.

    Args:
        logits: (clips, bins).
        centres: (bins,), in MOS units, the first at 1 and the last at 5.
        shares: Share of raters that gave 1, 2, 3, 4 and 5, (clips, 5), rows summing to one; rows
            of NaN (raters not known) are left out.

    Returns:
        Mean divergence from target to prediction in nats, a scalar.
    """
    known = ~shares.isnan().any(1)
    if not known.any():
        return logits.sum() * 0
    marks = torch.tensor(MARKS).to(centres)
    gap = centres[1] - centres[0]
    nearness = (1 - (marks.unsqueeze(1) - centres).abs() / gap).clamp(min=0)
    target = shares[known].to(logits) @ nearness
    return kl_div(log_softmax(logits[known], 1), target, reduction="batchmean")


def ranking(prediction: Tensor, rating: Tensor, least: float = LEAST) -> Tensor:
    """Ask of every pair in the batch that the better clip is predicted better.

    Source: RankNet (Burges et al. 2005), the pairwise logistic loss.

    Args:
        prediction: (clips,).
        rating: (clips,).
        least: Pairs whose ratings differ by less than this, in MOS units, say nothing.

    Returns:
        Mean loss over the pairs, a scalar.
    """
    better = rating.unsqueeze(1) - rating.unsqueeze(0) >= least
    if not better.any():
        return prediction.sum() * 0
    lead = prediction.unsqueeze(1) - prediction.unsqueeze(0)
    return softplus(-lead[better]).mean()


def mismatch(own: Tensor, other: Tensor, rating: Tensor, margin: float = MARGIN) -> Tensor:
    """Ask that a clip which follows its prompt be rated lower against another.

    A clip counts by how well it follows its own prompt: not at all at 3 and below, for there is no
    telling what it does follow, and fully at 5.

    Args:
        own: Predicted alignment with the clip's own prompt, (clips,).
        other: Predicted alignment with another prompt, (clips,).
        rating: Rated alignment with its own, (clips,), in MOS units.
        margin: How much lower, in the unit of the predictions.

    Returns:
        Weighted mean of what is lacking, a scalar.
    """
    weight = ((rating - 3) / 2).clamp(min=0)
    return (weight * relu(margin - own + other)).sum() / weight.sum().clamp(min=1)
