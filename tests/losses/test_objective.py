from types import SimpleNamespace

import pytest
import torch

from whisq.losses import Objective, transport_term


@pytest.fixture
def output():
    torch.manual_seed(0)
    centres = torch.linspace(1, 5, 9)
    return SimpleNamespace(
        omq=torch.rand(4) * 4 + 1,
        ta=torch.rand(4) * 4 + 1,
        omq_logits=torch.randn(4, 9),
        ta_logits=torch.randn(4, 9),
        centres=centres,
        audio=torch.randn(4, 6, 8, requires_grad=True),
        audio_mask=torch.ones(4, 6, dtype=torch.bool),
        text=torch.randn(4, 5, 8, requires_grad=True),
        text_mask=torch.ones(4, 5, dtype=torch.bool),
    )


@pytest.fixture
def batch():
    shares = torch.eye(5)[:4]
    return SimpleNamespace(
        omq=torch.tensor([1.0, 2.0, 3.0, 4.0]),
        ta=torch.tensor([4.0, 1.0, 2.0, 5.0]),
        omq_raters=shares,
        ta_raters=shares,
    )


def only(**weights):
    return Objective(**{"mse_weight": 0.0, "ot_weight": 0.0} | weights)


@pytest.mark.parametrize("term", ["mse", "mae", "soft_label", "rater", "ranking", "ot"])
def test_a_weight_scales_its_term_and_no_other_is_computed(output, batch, term):
    total, terms = only(**{f"{term}_weight": 3.0})(output, batch)
    assert [name for name in terms if name in Objective().weights()] == [term]
    torch.testing.assert_close(total, 3 * terms[term])


def test_the_total_is_the_sum_of_weighted_terms(output, batch):
    total, terms = Objective(mse_weight=2.0, ot_weight=0.5)(output, batch)
    torch.testing.assert_close(total, 2 * terms["mse"] + 0.5 * terms["ot"])
    assert terms["ot_marginal_error"].item() <= 1e-3


def test_both_axes_count(output, batch):
    _, terms = only(mse_weight=1.0)(output, batch)
    expected = (output.omq - batch.omq).square().mean() + (output.ta - batch.ta).square().mean()
    torch.testing.assert_close(terms["mse"], expected)


def test_plain_transport_pulls_both_sides_together(output, batch):
    total, _ = only(ot_weight=1.0, ot_form="plain")(output, batch)
    total.backward()
    with torch.no_grad():
        output.audio -= 0.5 * output.audio.grad
        output.text -= 0.5 * output.text.grad
    assert only(ot_weight=1.0)(output, batch)[0] < total


def test_rated_transport_wants_the_cost_that_the_rating_says():
    solved = SimpleNamespace(cost=torch.tensor([0.0, 1.0, 0.5]))
    assert transport_term(solved, torch.tensor([5.0, 1.0, 3.0]), "rated").item() == 0
    assert transport_term(solved, torch.tensor([1.0, 1.0, 3.0]), "rated").item() > 0


def test_ranked_transport_wants_better_pairs_cheaper():
    ta = torch.tensor([5.0, 1.0])
    right = transport_term(SimpleNamespace(cost=torch.tensor([0.1, 0.9])), ta, "ranked")
    wrong = transport_term(SimpleNamespace(cost=torch.tensor([0.9, 0.1])), ta, "ranked")
    assert right < wrong


def test_a_better_own_prompt_lowers_the_mismatch(output, batch):
    term = only(mismatch_weight=1.0)
    other = output.ta - 0.5
    lower = output.ta - 2.0
    assert term(output, batch, other)[0].item() == pytest.approx(0.5)
    assert term(output, batch, lower)[0].item() == 0


def test_transport_without_a_shared_space_says_what_to_set(output, batch):
    output.audio = None
    with pytest.raises(ValueError, match=r"set loss\.ot_weight to 0"):
        only(ot_weight=1.0)(output, batch)


def test_an_axis_that_is_not_rated_adds_nothing(output, batch):
    _, both = only(soft_label_weight=1.0)(output, batch)
    output.ta_logits = None
    _, one = only(soft_label_weight=1.0)(output, batch)
    assert 0 < one["soft_label"] < both["soft_label"]


@pytest.mark.parametrize("name", ["soft_label", "rater"])
def test_a_distribution_loss_without_bins_says_what_to_set(output, batch, name):
    output.omq_logits = output.ta_logits = output.centres = None
    with pytest.raises(ValueError, match=r"set model\.bins"):
        only(**{f"{name}_weight": 1.0})(output, batch)


WRONG = [{"mse_weight": -1.0}, {"mse_weight": 0.0, "ot_weight": 0.0}, {"ot_form": "odd"}]
WRONG += [{"ot_epsilon": 0.0}, {"ot_iterations": 0}, {"ot_cost": "manhattan"}]


@pytest.mark.parametrize("wrong", WRONG)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=r"above 0|greater than|'plain'|'cosine'"):
        Objective(**wrong)
