import pytest
import torch

from whisq.model.variants import Bilinear, ModelConfig
from whisq.model.whisq import Interaction, RatingHead


def config(**choices):
    return ModelConfig(audio_dim=4, text_dim=4, **{"width": 4, "hidden": 8} | choices)


def test_bins_span_the_scale():
    assert RatingHead(4, config(bins=5)).centres.tolist() == [1, 2, 3, 4, 5]


def test_a_head_with_bins_predicts_the_mean_of_its_distribution():
    rating, logits = RatingHead(4, config(bins=20))(torch.randn(3, 4))
    torch.testing.assert_close(rating, logits.softmax(1) @ torch.linspace(1, 5, 20))


def test_a_head_without_bins_starts_at_the_middle():
    head = RatingHead(4, config())
    with torch.no_grad():
        head.layers[-1].weight.zero_()
        head.layers[-1].bias.zero_()
    rating, logits = head(torch.randn(2, 4))
    assert rating.tolist() == [3, 3]
    assert logits is None


@pytest.mark.parametrize(
    ("interaction", "expected"), [("none", [1, 2, 3, -1]), ("product", [1, 2, 3, -1, 3, -2, 2, 3])]
)
def test_products_and_differences_by_hand(interaction, expected):
    audio, text = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, -1.0]])
    made = Interaction(2, 2, config(width=2, heads=1, interaction=interaction))(audio, text)
    assert made.tolist() == [expected]


@pytest.mark.parametrize("interaction", ["none", "product"])
@pytest.mark.parametrize("kind", [Interaction, Bilinear])
def test_features_have_the_width_that_is_told(interaction, kind):
    made = kind(5, 3, config(interaction=interaction))
    assert made(torch.randn(2, 5), torch.randn(2, 3)).shape == (2, made.out_dim)


def test_the_bilinear_form_is_linear_in_each_side():
    interaction = Bilinear(4, 4, config(interaction="none"))
    with torch.no_grad():
        interaction.left.bias.zero_()
        interaction.right.bias.zero_()
    audio, text = torch.randn(1, 4), torch.randn(1, 4)
    form = interaction(audio, text)[:, 8:]
    torch.testing.assert_close(interaction(2 * audio, -3 * text)[:, 8:], -6 * form)
