import numpy as np
import pytest
from scipy import stats

from whisq.scoring.rows import Row, summary


def _told(scores):
    """Mean and margin, as people read them."""
    rows = [Row(str(n), "a.wav", None, "S", score, None) for n, score in enumerate(scores)]
    mean, _, margin = summary(rows).splitlines()[1].split()[3:6]
    return float(mean), float(margin)


def test_the_interval_is_students():
    scores = np.random.default_rng(0).normal(3, 1, 12)
    mean, margin = _told(scores)
    low, high = stats.t.interval(0.95, 11, scores.mean(), stats.sem(scores))
    assert (mean - margin, mean + margin) == pytest.approx((low, high), abs=0.01)


def test_intervals_hold_the_true_mean_as_often_as_they_say():
    noise = np.random.default_rng(1)
    means = [_told(noise.normal(3, 1, 5)) for _ in range(2000)]
    held = np.mean([abs(mean - 3) <= margin for mean, margin in means])
    assert held == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize(("scores", "said"), [([], "-"), ([3.0], "3.00"), ([2, 2], "2.00 ± 0.00")])
def test_too_few_scores_promise_no_interval(scores, said):
    rows = [Row(str(n), "a.wav", None, "S", score, score) for n, score in enumerate(scores)]
    rows = rows or [Row("a", "a.wav", None, "S", None, None, error="silent")]
    assert summary(rows).splitlines()[1].split("  ")[-1].strip() == said


def test_failed_and_nameless_clips_are_counted_where_they_belong():
    rows = [
        Row("a", "a.wav", "p", "S002", 4.0, 2.0),
        Row("b", "b.wav", "p", "S002", None, None, error="silent"),
        Row("c", "c.wav", None, None, 3.0, None),
    ]
    lines = [line.split() for line in summary(rows).splitlines()]
    assert lines[0][:3] == ["system", "clips", "failed"]
    assert lines[1:] == [["-", "1", "0", "3.00", "-"], ["S002", "2", "1", "4.00", "2.00"]]
