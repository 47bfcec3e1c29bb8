import numpy as np
import pytest

from whisq.evaluation.calibration import calibration


def test_a_line_is_found_again():
    prediction = np.linspace(1, 5, 50)
    found = calibration(0.5 * prediction + 1, prediction)
    assert (found["slope"], found["intercept"]) == (pytest.approx(0.5), pytest.approx(1))


def test_the_curve_averages_bins_of_equal_size():
    prediction, rating = np.array([4.0, 1, 2, 3]), np.array([5.0, 1, 3, 3])
    low, high = calibration(rating, prediction, bins=2)["curve"]
    assert low == {"prediction": 1.5, "rating": 2.0, "clips": 2, "error": pytest.approx(1)}
    assert (high["prediction"], high["rating"]) == (3.5, 4.0)


def test_constant_predictions_have_no_line_and_one_clip_no_error():
    found = calibration(np.array([1.0, 2]), np.array([3.0, 3]))
    assert (found["slope"], found["intercept"]) == (None, None)
    assert calibration(np.array([1.0]), np.array([3.0]))["curve"][0]["error"] is None
    assert calibration(np.array([]), np.array([]))["curve"] == []
