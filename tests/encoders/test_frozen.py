import numpy as np
import pytest

from whisq.encoders.frozen import average, to_float16


def test_steps_are_averaged_and_the_last_averages_those_left():
    steps = np.array([[[1.0], [3.0], [5.0], [7.0], [11.0]]], dtype=np.float32)
    np.testing.assert_array_equal(average(steps, 2), [[[2.0], [6.0], [11.0]]])


def test_a_pool_of_one_keeps_every_step():
    steps = np.random.default_rng(0).standard_normal((2, 5, 3)).astype(np.float32)
    np.testing.assert_array_equal(average(steps, 1), steps)


def test_averages_are_taken_before_rounding():
    steps = np.array([[[2048.0], [2049.0]]], dtype=np.float32)  # float16 has no 2049
    assert average(steps, 2).item() == 2048.5


def test_states_beyond_float16_are_refused_rather_than_made_infinite():
    with pytest.raises(ValueError, match="65504"):
        to_float16(np.array([7e4], dtype=np.float32))


def test_nan_is_refused():
    with pytest.raises(ValueError, match="nan"):
        to_float16(np.array([1.0, np.nan], dtype=np.float32))
