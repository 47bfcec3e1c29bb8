"""What training minimises: a weighted sum, one key a term, the same in params, code and logs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from whisq.losses import ratings
from whisq.losses.sinkhorn import Transport
from whisq.losses.transport import transport_cost

FORMS = ("plain", "rated", "ranked")
DISTRIBUTIONS = ("soft_label", "rater")


@dataclass(frozen=True)
class Objective:
    """The loss terms' weights and settings; a term of weight zero is not computed.

    Attributes:
        mse_weight: Squared error of OMQ plus that of TA.
        mae_weight: Absolute error, likewise summed over the two axes.
        huber_weight: Huber loss, likewise.
        soft_label_weight: Divergence from Gaussian soft labels; needs a model with bins.
        rater_weight: Divergence from the raters' distribution; needs bins and raters.
        ranking_weight: Pairwise logistic loss.
        mismatch_weight: A clip that follows its prompt must follow another one less.
        ot_weight: Transport between projected frames and tokens.
        ot_form: plain (every pair is drawn together), rated (only as far as its TA says) or ranked
            (the better of two aligned pairs costs less).
        ot_cost: cosine or squared.
        ot_epsilon: Entropic blur in units of cost.
        ot_iterations: Most Sinkhorn rounds.
        ot_tolerance: Marginal error at which they stop.
        mismatch_near: Share of other prompts that are the nearest to the clip's own, 0..1.
        mismatch_margin: How much less, in MOS units.
        huber_delta: In MOS units.
        soft_label_sigma: In MOS units.
    """

    mse_weight: float = 1.0
    mae_weight: float = 0.0
    huber_weight: float = 0.0
    soft_label_weight: float = 0.0
    rater_weight: float = 0.0
    ranking_weight: float = 0.0
    mismatch_weight: float = 0.0
    ot_weight: float = 0.1
    ot_form: str = "plain"
    ot_cost: str = "cosine"
    ot_epsilon: float = 0.1
    ot_iterations: int = 100
    ot_tolerance: float = 1e-3
    mismatch_near: float = 0.5
    mismatch_margin: float = 1.0
    huber_delta: float = 0.5
    soft_label_sigma: float = 0.25

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            ValueError: A weight is negative, none is positive, or the form is unknown.
        """
        weights = self.weights()
        if min(weights.values()) < 0 or not any(weights.values()):
            raise ValueError(f"Weights must be 0 or more and one above 0, given {weights}")
        if self.ot_form not in FORMS:
            raise ValueError(f"ot_form must be one of {', '.join(FORMS)}, given {self.ot_form!r}")

    def weights(self) -> dict[str, float]:
        """List the terms.

        Returns:
            The weight of each term by its key.
        """
        names = [name for name in self.__dataclass_fields__ if name.endswith("_weight")]
        return {name.removesuffix("_weight"): getattr(self, name) for name in names}

    @property
    def needs_mismatches(self) -> bool:
        """Whether clips must also be rated against prompts that are not theirs."""
        return self.mismatch_weight > 0

    def __call__(
        self, output: Any, batch: Any, other: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the loss of a batch.

        Args:
            output: What the model made of it: `omq`, `ta`, `centres`, `audio`, `text` and so on.
            batch: Its ratings: `omq`, `ta`, `omq_raters`, `ta_raters`.
            other: TA of the clips against other prompts, (clips,), where a term needs it.

        Returns:
            The weighted sum, and every computed term before weighting, by key; with transport
            also `ot_cost` and `ot_marginal_error`.
        """
        terms = {
            name: self._both(name, output, batch)
            for name, weight in self.weights().items()
            if weight and name not in ("ot", "mismatch")
        }
        if self.mismatch_weight:
            margin = self.mismatch_margin
            terms["mismatch"] = ratings.mismatch(output.ta, other, batch.ta, margin)
        if self.ot_weight:
            solved = self.transport(output)
            terms["ot"] = transport_term(solved, batch.ta, self.ot_form)
            terms["ot_cost"] = solved.cost.detach().mean()
            error = torch.tensor(solved.marginal_error, device=solved.cost.device)
            terms["ot_marginal_error"] = error
        weights = self.weights()
        total = sum(weights[name] * term for name, term in terms.items() if name in weights)
        return total, terms

    def transport(self, output: Any) -> Transport:
        """Transport the batch's frames to its tokens.

        Args:
            output: What the model made of the batch.

        Returns:
            The solved problems.

        Raises:
            ValueError: The network has no shared space.
        """
        if output.audio is None:
            raise ValueError(
                "The transport loss needs sequences in a shared space, which this architecture "
                "has not; set loss.ot_weight to 0"
            )
        return transport_cost(
            output.audio,
            output.audio_mask,
            output.text,
            output.text_mask,
            cost=self.ot_cost,
            epsilon=self.ot_epsilon,
            iterations=self.ot_iterations,
            tolerance=self.ot_tolerance,
        )

    def _both(self, name: str, output: Any, batch: Any) -> Tensor:
        return sum(self._term(name, output, batch, axis) for axis in ("omq", "ta"))

    def _term(self, name: str, output: Any, batch: Any, axis: str) -> Tensor:
        prediction, rating = getattr(output, axis), getattr(batch, axis)
        logits, centres = getattr(output, f"{axis}_logits"), output.centres
        if name in DISTRIBUTIONS and logits is None and output.centres is not None:
            return prediction.sum() * 0  # an axis that the architecture does not rate
        if name in DISTRIBUTIONS and logits is None:
            raise ValueError(f"loss.{name}_weight needs a model with bins; set model.bins to 20")
        if name == "rater":
            return ratings.rater_distribution(logits, centres, getattr(batch, f"{axis}_raters"))
        if name == "soft_label":
            return ratings.soft_labels(logits, centres, rating, self.soft_label_sigma)
        if name == "huber":
            return ratings.huber(prediction, rating, self.huber_delta)
        plain = {"mse": ratings.mse, "mae": ratings.mae, "ranking": ratings.ranking}
        return plain[name](prediction, rating)


def transport_term(solved: Transport, ta: Tensor, form: str) -> Tensor:
    """Turn transport costs into a loss.

    Differs: the paper draws every pair together (plain). The other forms ask that the cost tell
    how well a clip follows its prompt.

    Args:
        solved: The batch's solved problems.
        ta: Rated alignment, (clips,), in MOS units.
        form: plain, rated or ranked.

    Returns:
        A scalar.
    """
    if form == "rated":
        # A pair of the highest rating is drawn to cost 0, one of the lowest to cost 1 (no cosine).
        return (solved.cost - (5 - ta) / 4).square().mean()
    if form == "ranked":
        return ratings.ranking(-solved.cost / 0.1, ta)
    return solved.value.mean()
