import numpy as np
import pytest

from whisq.evaluation import metrics, resampling

LEVELS = np.arange(1, 5.01, 0.2)


def test_groups_are_drawn_whole_and_as_many_as_there_are():
    groups = np.array([0, 0, 1, 2, 2, 2])
    drawn = resampling.draw(groups, 50, np.random.default_rng(0))
    assert drawn.shape == (50, 3)
    assert (drawn.sum(axis=1) == 3).all()
    assert drawn.mean(axis=0) == pytest.approx([1, 1, 1], abs=0.4)


@pytest.mark.parametrize("seed", range(4))
def test_weights_equal_the_resampled_table(seed):
    draw = np.random.default_rng(seed)
    rating, prediction = draw.choice(LEVELS, 40), draw.choice(LEVELS, 40)
    weights = resampling.draw(np.arange(40), 20, draw)
    found = resampling.weighted(rating, prediction, weights)
    for row, counts in enumerate(weights):
        drawn = np.repeat(np.arange(40), counts)
        expected = metrics.measure(rating[drawn], prediction[drawn])
        for name in metrics.METRICS:
            assert found[name][row] == pytest.approx(expected[name], abs=1e-12)


def test_items_may_have_other_values_in_each_resample(monkeypatch):
    draw = np.random.default_rng(1)
    rating, prediction = draw.choice(LEVELS, (30, 12)), draw.choice(LEVELS, (30, 12))
    weights = resampling.draw(np.arange(12), 30, draw)
    found = resampling.weighted(rating, prediction, weights)
    for row, counts in enumerate(weights):
        alone = resampling.weighted(rating[row], prediction[row], counts[None])
        for name in metrics.METRICS:
            assert found[name][row] == pytest.approx(alone[name][0], abs=1e-12)
    monkeypatch.setattr(resampling, "CHUNK", 12 * 12 * 7)
    for name, values in resampling.weighted(rating, prediction, weights).items():
        assert np.array_equal(values, found[name])


def test_a_resample_that_has_one_value_is_undefined_and_not_wrong():
    rating, prediction = np.array([3.1, 3.1, 4.7]), np.array([1.0, 2.0, 3.0])
    found = resampling.weighted(rating, prediction, np.array([[2, 1, 0], [1, 1, 1]]))
    for name in ("lcc", "srcc", "ktau"):
        assert np.isnan(found[name][0])
        assert np.isfinite(found[name][1])
    assert np.isfinite(found["mse"]).all()


def test_means_of_groups_by_hand():
    means, present = resampling._group_means(
        np.array([1.0, 2.0, 4.0]), np.array([0, 0, 1]), np.array([[2, 1, 0], [0, 1, 2]])
    )
    assert means == pytest.approx(np.array([[4 / 3, 0], [2, 4]]))
    assert present.tolist() == [[True, False], [True, True]]
