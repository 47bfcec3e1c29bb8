import pytest

from whisq.training.schedule import Schedule


def test_the_step_size_rises_then_falls_to_zero():
    schedule = Schedule(epochs=10, warmup=2.0)
    factors = [schedule.factor(epoch) for epoch in (0.5, 1, 2, 5, 8, 10)]
    assert factors[0] < factors[1] < factors[2]
    assert factors[2] > factors[3] > factors[4]
    assert factors[3] == pytest.approx(0.5)
    assert factors[5] == pytest.approx(0)


def test_a_constant_step_size_stays():
    assert Schedule(decay="constant", warmup=0.0).factor(0) == 1
    assert Schedule(decay="constant", warmup=1.0).factor(7) == 1
