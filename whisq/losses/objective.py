"""What training minimises: a weighted sum, one key a term, the same in params, code and logs."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import l1_loss, mse_loss

from whisq.losses import ratings
from whisq.losses.transport import EPSILON, ROUNDS, Transport, transport_cost
from whisq.section import Above0, Positive, Section, Weight

DISTRIBUTIONS = ("soft_label", "rater")


class Objective(Section):
    """The section `loss` of params.yaml: weights, of which zero leaves a term out, and transport.

    Chosen: squared error for the MOS loss, and all of transport's settings; the paper names none.

    Attributes:
        mse_weight: Squared error of OMQ plus that of TA.
        mae_weight: Absolute error, likewise.
        soft_label_weight: Divergence from Gaussian soft labels; needs a model with bins.
        rater_weight: Divergence from the raters' distribution; needs bins and raters.
        ranking_weight: Pairwise logistic loss.
        mismatch_weight: A clip that follows its prompt must follow another one less.
        ot_weight: Transport between projected frames and tokens.
        ot_form: plain (every pair is drawn together), rated (only as far as its TA says) or ranked
            (the better of two aligned pairs costs less).
        ot_cost: cosine or squared; see `pairwise_cost`.
        ot_epsilon: Entropic blur in units of cost.
        ot_iterations: Most Sinkhorn rounds.
    """

    mse_weight: Weight = 1.0
    mae_weight: Weight = 0.0
    soft_label_weight: Weight = 0.0
    rater_weight: Weight = 0.0
    ranking_weight: Weight = 0.0
    mismatch_weight: Weight = 0.0
    ot_weight: Weight = 0.1
    ot_form: Literal["plain", "rated", "ranked"] = "plain"
    ot_cost: Literal["cosine", "squared"] = "cosine"
    ot_epsilon: Above0 = EPSILON
    ot_iterations: Positive = ROUNDS

    def problems(self) -> list[str]:
        """Check that there is something to learn.

        Returns:
            One sentence a problem.
        """
        one = any(self.weights().values())
        return super().problems() + ([] if one else ["one weight must be above 0, given none"])

    def weights(self) -> dict[str, float]:
        """List the terms.

        Returns:
            The weight of each term by its key.
        """
        names = [name for name in type(self).model_fields if name.endswith("_weight")]
        return {name.removesuffix("_weight"): getattr(self, name) for name in names}

    def __call__(
        self, output: Any, batch: Any, other: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the loss of a batch.

        Args:
            output: What the model made of it: `omq`, `ta`, `centres`, `audio`, `text` and so on.
            batch: Its ratings: `omq`, `ta`, `omq_raters`, `ta_raters`.
            other: TA of the clips against other prompts, (clips,), for `mismatch`.

        Returns:
            The weighted sum, and every computed term before weighting, by key; with transport
            also `ot_cost` and `ot_marginal_error`.
        """
        weights = self.weights()
        terms = {
            name: sum(self._term(name, output, batch, axis) for axis in ("omq", "ta"))
            for name, weight in weights.items()
            if weight and name not in ("ot", "mismatch")
        }
        if self.mismatch_weight:
            terms["mismatch"] = ratings.mismatch(output.ta, other, batch.ta)
        if self.ot_weight:
            solved = self.transport(output)
            terms["ot"] = transport_term(solved, batch.ta, self.ot_form)
            terms["ot_cost"] = solved.cost.detach().mean()
            error = torch.tensor(solved.marginal_error, device=solved.cost.device)
            terms["ot_marginal_error"] = error
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
        sides = output.audio, output.audio_mask, output.text, output.text_mask
        settings = {"epsilon": self.ot_epsilon, "iterations": self.ot_iterations}
        return transport_cost(*sides, cost=self.ot_cost, **settings)

    def _term(self, name: str, output: Any, batch: Any, axis: str) -> Tensor:
        prediction, rating = getattr(output, axis), getattr(batch, axis)
        if name in DISTRIBUTIONS:
            logits, centres = getattr(output, f"{axis}_logits"), output.centres
            if centres is None:
                raise ValueError(
                    f"loss.{name}_weight needs a model with bins; set model.bins to 20"
                )
            if logits is None:
                return prediction.sum() * 0  # an axis that the architecture does not rate
            if name == "rater":
                return ratings.rater_distribution(logits, centres, getattr(batch, f"{axis}_raters"))
            return ratings.soft_labels(logits, centres, rating)
        losses = {"mse": mse_loss, "mae": l1_loss, "ranking": ratings.ranking}
        return losses[name](prediction, rating)


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
