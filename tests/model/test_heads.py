import pytest
import torch

from whisq.model.heads import Interaction, RatingHead, bin_centres


def test_bins_span_the_scale():
    assert bin_centres(5).tolist() == [1, 2, 3, 4, 5]


def test_a_head_with_bins_predicts_the_mean_of_its_distribution():
    head = RatingHead(4, 8, 0.0, bins=20)
    rating, logits = head(torch.randn(3, 4))
    torch.testing.assert_close(rating, logits.softmax(1) @ torch.linspace(1, 5, 20))


def test_a_sigmoid_head_stays_on_the_scale():
    head = RatingHead(4, 8, 0.0, output_range="sigmoid")
    with torch.no_grad():
        head.layers[-1].weight.mul_(1e4)
    rating, _ = head(torch.randn(50, 4))
    assert rating.min() >= 1
    assert rating.max() <= 5
    assert rating.max() - rating.min() > 3


def test_a_free_head_starts_at_the_middle():
    head = RatingHead(4, 8, 0.0)
    with torch.no_grad():
        head.layers[-1].weight.zero_()
        head.layers[-1].bias.zero_()
    assert head(torch.randn(2, 4))[0].tolist() == [3, 3]


def test_products_and_differences_by_hand():
    audio, text = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, -1.0]])
    assert Interaction(2, 2, 2, "none", False)(audio, text).tolist() == [[1, 2, 3, -1]]
    assert Interaction(2, 2, 2, "product", False)(audio, text).tolist() == [
        [1, 2, 3, -1, 3, -2, 2, 3]
    ]


@pytest.mark.parametrize("kind", ["none", "product"])
@pytest.mark.parametrize("bilinear", [False, True])
def test_features_have_the_width_that_is_told(kind, bilinear):
    interaction = Interaction(5, 3, 4, kind, bilinear)
    assert interaction(torch.randn(2, 5), torch.randn(2, 3)).shape == (2, interaction.out_dim)


def test_the_bilinear_form_is_linear_in_each_side():
    interaction = Interaction(4, 4, 4, "none", True)
    with torch.no_grad():
        interaction.left.bias.zero_()
        interaction.right.bias.zero_()
    audio, text = torch.randn(1, 4), torch.randn(1, 4)
    form = interaction(audio, text)[:, 8:]
    torch.testing.assert_close(interaction(2 * audio, -3 * text)[:, 8:], -6 * form)
