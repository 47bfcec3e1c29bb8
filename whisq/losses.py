"""What training minimises: a weighted sum, one key a term, the same in params, code and logs.

Conventions: predictions and ratings are (clips,) in MOS units, ratings NaN where a clip has none,
and such clips are left out; logits are (clips, bins) over bins
whose centres, (bins,), are spread evenly over the scale; listeners' words on pairs are (words,); a
loss is a mean over clips or pairs, zero where there are none. Of transport, with the symbols of
geomloss and OTT: `a, b` weigh frames and tokens, `cost` prices a unit moved from one to the other,
`epsilon` is the entropic blur in units of cost, `plan`, (clips, frames, tokens), what is moved,
`f, g` the dual potentials over epsilon.

Source: WhisQ (arXiv 2506.05899) for the MOS loss and Sinkhorn transport, of neither of which it
publishes a setting.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.functional import (
    binary_cross_entropy_with_logits,
    l1_loss,
    log_softmax,
    mse_loss,
    normalize,
)

from whisq.section import Above0, Positive, Section, Weight

MARKS = (1.0, 2.0, 3.0, 4.0, 5.0)  # that a rater may give
SIGMA = 0.25  # of soft labels, MOS units
LEAST = 0.2  # pairs whose ratings differ by less, in MOS units, say nothing of which is better
MARGIN = 1.0  # by which TA falls with another prompt
TEMPERATURE = 0.5  # MOS units of TA in which prompts are told apart
EPSILON, ROUNDS = 0.1, 100  # what is taken where nothing else is chosen
TOLERANCE = 1e-3  # marginal error at which Sinkhorn's rounds stop, as a share of the mass
KERNEL_RANGE = 60.0  # exp(-60) and the scalings that undo it are far inside float32
BETWEEN_CHECKS = 5  # rounds


class Objective(Section):
    """The section `loss` of params.yaml: weights, of which zero leaves a term out, and transport.

    Chosen: squared error for the MOS loss, and all of transport's settings; the paper names none.

    Attributes:
        mse_weight: Squared error of OMQ plus that of TA.
        mae_weight: Absolute error, likewise.
        soft_label_weight: Divergence from Gaussian soft labels; needs a model with bins.
        rater_weight: Divergence from the raters' distribution; needs bins and raters.
        ranking_weight: Pairwise logistic loss.
        preference_weight: What listeners preferred of two clips; which ones, `train.pairs` says.
        mismatch_weight: A clip that follows its prompt must follow another one less.
        contrast_weight: A clip that follows its prompt must be told by it from several others.
        other_prompts: How many others a clip is rated against for those two.
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
    preference_weight: Weight = 0.0
    mismatch_weight: Weight = 0.0
    contrast_weight: Weight = 0.5
    other_prompts: Positive = 4
    ot_weight: Weight = 0.1
    ot_form: Literal["plain", "rated", "ranked"] = "plain"
    ot_cost: Literal["cosine", "squared"] = "cosine"
    ot_epsilon: Above0 = EPSILON
    ot_iterations: Positive = ROUNDS

    @classmethod
    def of_alignment(cls) -> set[str]:
        """Name the choices that no term of OMQ depends on."""
        beginnings = ("ot_", "mismatch_", "contrast_", "other_")
        return {name for name in cls.model_fields if name.startswith(beginnings)}

    @property
    def of_ratings(self) -> bool:
        """Whether any term learns from a clip's own ratings, and not from its place in pairs."""
        names = ("mse", "mae", "soft_label", "rater", "ranking")
        return any(self.weights()[name] for name in names)

    @property
    def against_others(self) -> bool:
        """Whether clips are rated against other prompts too."""
        return bool(self.mismatch_weight or self.contrast_weight)

    def problems(self) -> list[str]:
        """Check that there is something to learn."""
        one = any(self.weights().values())
        return super().problems() + ([] if one else ["one weight must be above 0, given none"])

    def weights(self) -> dict[str, float]:
        """List the weight of each term by its key."""
        names = [name for name in type(self).model_fields if name.endswith("_weight")]
        return {name.removesuffix("_weight"): getattr(self, name) for name in names}

    def __call__(
        self, output: Any, batch: Any, other: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the loss of a batch.

        Args:
            output: What the model made of it: `omq`, `ta`, `centres`, `audio`, `text` and so on.
            batch: Its ratings: `omq`, `ta`, `omq_raters`, `ta_raters`; and `pairs` of its clips
                with what was preferred, `omq_preferred`, `ta_preferred`.
            other: TA of the clips against other prompts, (clips, prompts), for `mismatch` and
                `contrast`.

        Returns:
            The weighted sum, and every computed term before weighting, by key; with transport
            also `ot_cost` and `ot_marginal_error`.

        Raises:
            ValueError: A weighed term needs what is not there: `other`, bins or a shared space.
        """
        weights = self.weights()
        terms = {
            name: sum(_term(name, output, batch, axis) for axis in ("omq", "ta"))
            for name, weight in weights.items()
            if weight and name not in ("ot", "preference", "mismatch", "contrast")
        }
        if self.preference_weight:
            terms["preference"] = sum(
                preference(getattr(output, axis), batch.pairs, getattr(batch, f"{axis}_preferred"))
                for axis in ("omq", "ta")
            )
        for name, term in (("mismatch", mismatch), ("contrast", contrast)):
            if weights[name] and other is None:
                raise ValueError(
                    f"loss.{name}_weight needs TA against other prompts, given none; give `other`, "
                    "or set it to 0"
                )
            if weights[name]:
                terms[name] = term(output.ta, other, batch.ta)
        if self.ot_weight:
            solved = self.transport(output)
            terms["ot"] = transport_term(solved, batch.ta, self.ot_form)
            terms["ot_cost"] = solved.cost.detach().mean()
            error = torch.tensor(solved.marginal_error, device=solved.cost.device)
            terms["ot_marginal_error"] = error
        total = sum(weights[name] * term for name, term in terms.items() if name in weights)
        return total, terms

    def transport(self, output: Any) -> Transport:
        """Transport the frames of what the model made of a batch to its tokens.

        Raises:
            ValueError: The network has no shared space.
        """
        if output.audio is None:
            raise ValueError(
                "The transport loss needs sequences in a shared space, which this architecture "
                "has not; set loss.ot_weight to 0"
            )
        sides = output.audio, output.audio_mask, output.text, output.text_mask
        epsilon, iterations = self.ot_epsilon, self.ot_iterations
        return transport_cost(*sides, cost=self.ot_cost, epsilon=epsilon, iterations=iterations)


def _term(name: str, output: Any, batch: Any, axis: str) -> Tensor:
    prediction, rating = getattr(output, axis), getattr(batch, axis)
    logits, centres = getattr(output, f"{axis}_logits"), output.centres
    known = getattr(batch, f"{axis}_known", None)
    if known is not None:
        if not known.any():
            return prediction.sum() * 0
        prediction, rating = prediction[known], rating[known]
        logits = None if logits is None else logits[known]
    losses = {"mse": mse_loss, "mae": l1_loss, "ranking": ranking}
    if name in losses:
        return losses[name](prediction, rating)
    if centres is None:
        raise ValueError(f"loss.{name}_weight needs a model with bins; set model.bins to 20")
    if logits is None:
        return prediction.sum() * 0  # an axis that the architecture does not rate
    if name == "rater":
        shares = getattr(batch, f"{axis}_raters")
        return rater_distribution(logits, centres, shares if known is None else shares[known])
    return soft_labels(logits, centres, rating)


def soft_labels(logits: Tensor, centres: Tensor, rating: Tensor) -> Tensor:
    """Compare the predicted distribution with a Gaussian around the rating.

    Source: ASTAR-NTU (arXiv 2507.09904): 20 bins, Gaussian soft labels, Kullback-Leibler, the mean
    divergence from target to prediction in nats. Chosen: the Gaussian's width.
    """
    target = (-((centres - rating.unsqueeze(1)) ** 2) / (2 * SIGMA**2)).softmax(1)
    return functional.kl_div(log_softmax(logits, 1), target, reduction="batchmean")


def rater_distribution(logits: Tensor, centres: Tensor, shares: Tensor) -> Tensor:
    """Compare the predicted distribution with how many raters gave each mark, in nats likewise.

    A mark between two bins is shared by them in proportion, so that the target's mean is the
    raters' mean. Shares of raters that gave 1, 2, 3, 4 and 5 are (clips, 5), rows summing to one;
    rows of NaN (raters not known) are left out.
    """
    known = ~shares.isnan().any(1)
    if not known.any():
        return logits.sum() * 0
    marks = torch.tensor(MARKS).to(centres)
    gap = centres[1] - centres[0]
    nearness = (1 - (marks.unsqueeze(1) - centres).abs() / gap).clamp(min=0)
    target = shares[known].to(logits) @ nearness
    return functional.kl_div(log_softmax(logits[known], 1), target, reduction="batchmean")


def ranking(prediction: Tensor, rating: Tensor) -> Tensor:
    """Ask of every pair in the batch that the better clip is predicted better.

    Source: RankNet (Burges et al. 2005), the pairwise logistic loss.
    """
    better = rating.unsqueeze(1) - rating.unsqueeze(0) >= LEAST
    if not better.any():
        return prediction.sum() * 0
    lead = prediction.unsqueeze(1) - prediction.unsqueeze(0)
    return functional.softplus(-lead[better]).mean()


def preference(prediction: Tensor, pairs: Tensor, preferred: Tensor) -> Tensor:
    """Ask of pairs that listeners have compared that the preferred clip is predicted better.

    Source: Bradley and Terry, Rank analysis of incomplete block designs (1952): the first is
    preferred with probability 1 / (1 + exp(-lead)). Chosen: a lead of one MOS unit is one of their
    units, so that preferences and ratings can teach one prediction.

    Args:
        prediction: Shape (clips,).
        pairs: Places of the first and the second clip, (words, 2).
        preferred: 1 where a listener preferred the first, 0 the second, a half where neither, and
            NaN where the word is on another axis; shape (words,).
    """
    first, second = pairs[~preferred.isnan()].T
    if not len(first):
        return prediction.sum() * 0
    lead = prediction[first] - prediction[second]
    return binary_cross_entropy_with_logits(lead, preferred[~preferred.isnan()])


def mismatch(own: Tensor, other: Tensor, rating: Tensor) -> Tensor:
    """Ask that a clip which follows its prompt, (clips,), be rated lower against others.

    `other` is (clips, prompts).
    """
    lacking = functional.relu(MARGIN - own.unsqueeze(1) + other).mean(1)
    return _of_followers(lacking, rating)


def contrast(own: Tensor, other: Tensor, rating: Tensor) -> Tensor:
    """Ask that a clip which follows its prompt, (clips,), be told by it from others.

    `other` is (clips, prompts). Source: InfoNCE (van den Oord et al. 2018), which keeps asking
    where `mismatch` is content with a margin. Chosen: its temperature.
    """
    each = torch.cat([own.unsqueeze(1), other], 1) / TEMPERATURE
    return _of_followers(-functional.log_softmax(each, 1)[:, 0], rating)


def _of_followers(loss: Tensor, rating: Tensor) -> Tensor:
    """Average a loss over clips by how well each follows its own prompt, its rating.

    Not at all at 3 and below, for there is no telling what such a clip does follow; fully at 5.
    """
    weight = ((rating - 3) / 2).clamp(min=0).nan_to_num(0)
    return (weight * loss).sum() / weight.sum().clamp(min=1)


@dataclass(frozen=True)
class Transport:
    """Solved problems of a batch.

    Attributes:
        value: The entropic objective <plan, cost> - epsilon * entropy(plan), (clips,), with the
            exact gradient to the cost (the plan, by the envelope theorem).
        cost: The cost of what is moved, <plan, cost>, (clips,); its gradient, too, is the plan.
        plan: Zero on padding; no gradient.
        marginal_error: By how much the worst plan's rows miss the frames' weights, absolute
            differences summed; columns are met exactly.
    """

    value: Tensor
    cost: Tensor
    plan: Tensor
    marginal_error: float


def transport_term(solved: Transport, ta: Tensor, form: str) -> Tensor:
    """Turn transport costs and rated alignment, (clips,), into a loss.

    Differs: the paper draws every pair together (plain). The other forms ask that the cost tell
    how well a clip follows its prompt.
    """
    if form == "rated":
        # A pair of the highest rating is drawn to cost 0, one of the lowest to cost 1 (no cosine).
        gap = solved.cost - (5 - ta) / 4
        known = ~ta.isnan()
        return gap[known].square().mean() if known.any() else solved.cost.sum() * 0
    if form == "ranked":
        return ranking(-solved.cost / 0.1, ta)
    return solved.value.mean()


def transport_cost(
    audio: Tensor,
    audio_mask: Tensor,
    text: Tensor,
    text_mask: Tensor,
    *,
    cost: str = "cosine",
    epsilon: float = EPSILON,
    iterations: int = ROUNDS,
    tolerance: float = TOLERANCE,
) -> Transport:
    """Transport each clip's projected frames to its prompt's tokens, (clips, steps, dim) each.

    Rounds end after so many iterations, or at a marginal error within the tolerance. Chosen: cosine
    cost (0..2, so that epsilon means the same at any width), uniform weights.
    """
    costs = pairwise_cost(audio, text, cost)
    a, b = (uniform(mask, costs.dtype) for mask in (audio_mask, text_mask))
    return solve(costs, a, b, epsilon=epsilon, iterations=iterations, tolerance=tolerance)


def pairwise_cost(audio: Tensor, text: Tensor, cost: str) -> Tensor:
    """Price every frame against every token: (clips, frames, tokens).

    The cost is cosine (1 - cosine, 0..2) or squared (squared distance over the dimension).
    """
    if cost == "cosine":
        return 1 - normalize(audio, dim=2) @ normalize(text, dim=2).transpose(1, 2)
    squares = audio.square().sum(2).unsqueeze(2) + text.square().sum(2).unsqueeze(1)
    return (squares - 2 * audio @ text.transpose(1, 2)).clamp(min=0) / audio.shape[2]


def uniform(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """Share one unit of mass evenly over the real steps of a mask: (clips, steps)."""
    return mask.to(dtype) / mask.to(dtype).sum(1, keepdim=True)


def solve(
    cost: Tensor, a: Tensor, b: Tensor, *, epsilon: float, iterations: int, tolerance: float
) -> Transport:
    """Solve transport of costs, finite on padding too, and weights, rows of one, zero on padding.

    Source: Cuturi 2013; Schmitzer 2019, section 3, for small epsilon. Tests hold it against POT
    (tests/benchmarks/transport.py: 1 to 2 times slower).
    """
    with torch.no_grad():
        plan, dual, error = _sinkhorn(cost / -epsilon, a, b, iterations, tolerance)
    moved = (plan * cost).sum((1, 2))
    return Transport(moved - moved.detach() + epsilon * dual, moved, plan, error)


def _sinkhorn(
    scaled: Tensor, a: Tensor, b: Tensor, iterations: int, tolerance: float
) -> tuple[Tensor, Tensor, float]:
    # Where costs range widely, the scalings u, v are absorbed into the potentials f, g every few
    # rounds (Schmitzer 2019, section 3): no epsilon is too small then. The first round moves a
    # potential by the logarithm of some hundred steps and no later one by more, so that the rounds
    # between two absorptions stay inside float32.
    a, b, f, g = a.unsqueeze(1), b.unsqueeze(1), torch.zeros_like(a), torch.zeros_like(b)
    low, high = scaled.aminmax()
    narrow = float(high - low) < KERNEL_RANGE
    padded = ((a > 0).transpose(1, 2) & (b > 0)).logical_not()
    if not narrow:
        f = -_largest(scaled, padded, 2)
        g = -_largest(scaled + f.unsqueeze(2), padded, 1)
    error, rounds, kernel = math.inf, 0, None
    while rounds < iterations and error > tolerance:
        if kernel is None:
            kernel = scaled.exp() if narrow else _kernel(scaled, f, g, padded)
            kernel_t, v = kernel.transpose(1, 2).contiguous(), (b > 0).to(b.dtype)
        for _ in range(min(BETWEEN_CHECKS, iterations - rounds)):
            u = a / torch.bmm(v, kernel_t)
            v = b / torch.bmm(u, kernel)
            rounds += 1
        rows = u * torch.bmm(v, kernel_t)
        error = float((rows - a).abs().sum(2).max())
        if not narrow or rounds >= iterations or error <= tolerance:
            plan = u.transpose(1, 2) * kernel * v
            f, g = f + _log(u), g + _log(v)
            kernel = None
    dual = (rows.squeeze(1) * f).sum(1) + (b.squeeze(1) * g).sum(1)
    return plan, dual, error


def _kernel(scaled: Tensor, f: Tensor, g: Tensor, padded: Tensor) -> Tensor:
    # Entries too small to change any sum are zero: arithmetic on subnormal numbers is slow. Padding
    # has no mass, whatever its kernel; ones keep it from dividing zero by zero.
    logs = (scaled + (f.unsqueeze(2) + g.unsqueeze(1))).masked_fill(padded, 0)
    least = 0.7 * math.log(torch.finfo(logs.dtype).tiny)
    return functional.threshold(logs, least, -torch.inf).exp()


def _largest(scaled: Tensor, padded: Tensor, dim: int) -> Tensor:
    largest = scaled.masked_fill(padded, -torch.inf).amax(dim)
    return torch.where(largest > -torch.inf, largest, 0)


def _log(scaling: Tensor) -> Tensor:
    return torch.where(scaling > 0, scaling.log(), 0).squeeze(1)
