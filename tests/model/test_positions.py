import math

import pytest
import torch

from whisq.model.whisq import SHARE_STEPS, positions

MASK = torch.arange(6) < torch.tensor([[6], [3]])


def test_the_first_step_is_sine_zero_and_cosine_one():
    assert positions(MASK, 4)[0, 0].tolist() == [0, 0, 1, 1]


def test_waves_by_hand():
    step = positions(MASK, 4)[0, 2]
    slow = 2 / math.sqrt(10_000)
    expected = [math.sin(2), math.sin(slow), math.cos(2), math.cos(slow)]
    torch.testing.assert_close(step, torch.tensor(expected))


def test_steps_do_not_depend_on_the_length():
    described = positions(MASK, 8)
    torch.testing.assert_close(described[0], described[1])


def test_shares_depend_on_the_clips_own_length_and_not_on_padding():
    described = positions(MASK, 8, "share")
    padded = positions(torch.cat([MASK, torch.zeros(2, 4, dtype=torch.bool)], 1), 8, "share")
    torch.testing.assert_close(padded[:, :6], described)
    # The middle of the second of three steps is as far through as the border of six in the middle.
    expected = math.sin(0.5 * SHARE_STEPS)
    assert described[1, 1, 0].item() == pytest.approx(expected, abs=1e-5)
