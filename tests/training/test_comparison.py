import pytest
from pandas import DataFrame
from scipy import stats

from whisq.trials.comparison import compare, summarise, table


@pytest.fixture
def variants():
    def trials(values, **more):
        rows = {"protocol": ["official"] * 3, "seed": [0, 1, 2], "utt_ta_srcc": values}
        return DataFrame(rows | more)

    return {
        "default": trials([0.4, 0.5, 0.6]),
        "better": trials([0.5, 0.61, 0.69]),
        "broken": trials([0.3, None, 0.3], error=[None, "why", None]),
    }


def test_means_and_intervals_are_students(variants):
    figure = compare(variants, ["default"], ["utt_ta_srcc"])["default"]["official"]["utt_ta_srcc"]
    assert figure["mean"] == pytest.approx(0.5)
    assert figure["sd"] == pytest.approx(0.1)
    expected = stats.t.interval(0.95, 2, 0.5, 0.1 / 3**0.5)
    assert figure["interval"] == pytest.approx(list(expected))


def test_differences_are_paired_by_trial(variants):
    shuffled = variants["better"].iloc[[2, 0, 1]]
    found = compare(variants | {"better": shuffled}, ["default"], ["utt_ta_srcc"])
    difference = found["better"]["official"]["utt_ta_srcc"]["difference"]["default"]
    assert difference["mean"] == pytest.approx(0.1)
    assert difference["sd"] == pytest.approx(0.01)


def test_failed_trials_are_told_and_left_out(variants):
    found = compare(variants, ["default"], ["utt_ta_srcc"])
    assert found["broken"]["errors"] == ["why"]
    assert found["broken"]["official"]["utt_ta_srcc"]["n"] == 2
    assert found["broken"]["official"]["utt_ta_srcc"]["difference"]["default"]["n"] == 2


def test_one_value_has_no_interval_and_none_has_no_mean():
    assert summarise([0.5]) == {"mean": 0.5, "sd": None, "n": 1, "interval": None}
    assert summarise([None])["mean"] is None


def test_the_table_has_a_row_for_each_variant_protocol_and_metric(variants):
    rows = table(compare(variants, ["default", "absent"], ["utt_ta_srcc", "absent"]))
    assert list(rows["variant"]) == ["default", "better", "broken"]
    row = rows.set_index("variant").loc["better"]
    assert row["less_default_low"] < row["less_default"] < row["less_default_high"]
