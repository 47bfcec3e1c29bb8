"""What the network says of clips, as numbers for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from whisq.model.whisq import Output

Interval = tuple[float, float]
TAIL = 0.05  # what an interval leaves out on either side


@dataclass(frozen=True)
class Score:
    """What listeners would say on average, 1 to 5.

    Attributes:
        omq: Overall musical quality.
        ta: Textual alignment; None if there was no prompt.
        omq_interval: The part of the scale that holds 90% of the distribution that the model
            predicts; None where it predicts the mean alone. A model that learnt from soft labels
            says by it how sure it is, one that learnt from raters' marks how far listeners differ.
        ta_interval: The same for textual alignment.
    """

    omq: float
    ta: float | None
    omq_interval: Interval | None = None
    ta_interval: Interval | None = None


def scores_of(output: Output, prompted: Sequence[bool]) -> list[Score]:
    """Return the scores in a network's output, one a clip.

    Args:
        output: Of a batch.
        prompted: For each clip whether it had a prompt.

    Raises:
        ValueError: A prediction is not a number.
    """
    if not (output.omq.isfinite().all() and output.ta.isfinite().all()):
        raise ValueError("the model gives no number: its weights are damaged; train it again")
    columns = zip(
        output.omq.tolist(),
        output.ta.tolist(),
        _intervals(output.omq_logits, output.centres, len(prompted)),
        _intervals(output.ta_logits, output.centres, len(prompted)),
        prompted,
        strict=True,
    )
    return [
        Score(omq, ta if known else None, omq_interval, ta_interval if known else None)
        for omq, ta, omq_interval, ta_interval, known in columns
    ]


def _intervals(
    logits: Tensor | None, centres: Tensor | None, clips: int
) -> list[Interval] | list[None]:
    if logits is None or centres is None:
        return [None] * clips
    shares = logits.cpu().double().softmax(1).numpy()
    return [interval(row, centres.cpu().numpy()) for row in shares]


def interval(shares: np.ndarray, centres: np.ndarray, tail: float = TAIL) -> Interval:
    """Cut both tails off a distribution over rating bins, each bin's share spread over its width.

    Args:
        shares: Summing to one, (bins,).
        centres: Evenly spaced from 1 to 5, (bins,).
        tail: What is left out on either side, 0 to 0.5.

    Returns:
        The lower and upper end, on the scale.
    """
    step = centres[1] - centres[0]
    edges = np.append(centres - step / 2, centres[-1] + step / 2)
    below = np.concatenate([[0.0], np.cumsum(shares)])
    low, high = np.interp([tail, 1 - tail], below, edges).clip(centres[0], centres[-1])
    return float(low), float(high)
