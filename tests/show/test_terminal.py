import json

import pytest

from whisq.show import kept
from whisq.show.results import PLACES, Judged, every_metric


@pytest.fixture
def result(run):
    return json.loads((run / "metrics/evaluate.json").read_text())


def test_people_see_model_floors_and_ceilings_within_80_columns(result, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    kept.printed(result, None)
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    for name in (
        "the system's training mean",
        "the model",
        "what the raters allow",
        "way from best floor to ceiling",
        "inside",
        "pairs",
        "worth",
        "toy corpus, dev, official split",
        "toy corpus, test, official split",
        "The probes were not run.",
    ):
        assert name in " ".join(text.split()).replace("Among clips of one system", "inside")
    assert f"{result['test']['utt']['ta']['srcc']:.3f}".replace("-", "−") in text


def test_the_models_row_is_the_judges_and_its_interval_holds_it(result):
    rows = {row[0].text: row[1:] for row in Judged(result["test"], "toy").standings.rows}
    for place, (level, axis) in enumerate(PLACES):
        srcc = result["test"][level][axis]["srcc"]
        assert rows["the model"][place].key == srcc
        low, high = map(float, rows["95% interval, drawing systems"][place].text
                        .replace("−", "-").split(" to "))  # fmt: skip
        assert low - 0.005 <= srcc <= high + 0.005


def test_a_floor_that_nobody_named_goes_by_its_key(result):
    found = result["test"] | {"floors": {"some_ridge": result["test"]["floors"]["system_mean"]}}
    assert Judged(found, "toy").standings.rows[0][0].text == "floor: some ridge"


def test_an_undefined_metric_is_a_dash_and_the_note_says_why(result):
    scores = {"mse": 0.0, "lcc": None, "srcc": None, "ktau": None, "undefined": "all are alike"}
    found = result["test"] | {"sys": {"ta": scores}, "intervals": {}}
    table = every_metric(found, "toy")
    assert table.columns == ["level", "axis", "metric", "value"]
    assert [row[3].key for row in table.rows if row[0].text == "by system"] == [0, None, None, None]
    assert table.note == "TA by system is not defined: all are alike."
