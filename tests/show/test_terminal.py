import json
from pathlib import Path

import pytest

from whisq.evaluation.metrics import AXES
from whisq.show import outcome
from whisq.show.results import PLACES, Judged, every_metric, used

RATER = {"omq": 0.75, "ta": 0.73}


@pytest.fixture
def result(run):
    return json.loads((run / "metrics/evaluate.json").read_text())


def test_a_run_ends_with_what_came_out_and_what_to_look_at_next(
    tmp_path, monkeypatch, capsys, result
):
    (tmp_path / "metrics").mkdir()
    monkeypatch.chdir(tmp_path)
    for name, found in {"evaluate": result, "unseen": {"protocols": {}}}.items():
        Path(f"metrics/{name}.json").write_text(json.dumps(found))
    outcome.main()
    text = capsys.readouterr().out
    assert len(text.splitlines()) <= 12
    assert max(map(len, text.splitlines())) <= outcome.WIDTH
    for axis in AXES:
        srcc = f"{result['test']['utt'][axis]['srcc']:.2f}".replace("-", "−")
        assert f"{axis.upper():3} {srcc}" in text
    for name in ("toy corpus, test, official split", "best floor", "ceiling", "report.html"):
        assert name in text


def test_a_run_that_held_out_systems_says_first_what_the_model_is_worth_there(result):
    both = {axis: {"agreement": share} for axis, share in (("omq", 0.8), ("ta", 0.7))}
    found = {
        "n_clips": 9,
        "parties": {"model": both, "pooled_ridge": both},
        "less_ridge": both,
        "raters": {key: {"one": None} for key in AXES},
    }
    said = outcome.worth(result, {"corpus": "toy", "protocols": {"systems": found}})
    assert "by systems that it never heard" in said
    assert "in 80 and 70 of 100 pairs" in said


def test_without_a_held_out_split_there_is_nothing_to_tell():
    assert outcome.figures({"corpus": "toy"}) == ["No held-out clip was judged."]


def test_what_a_model_is_worth_is_told_in_pairs_beside_ridge_and_system():
    shares = {"model": (0.8, 0.69), "pooled_ridge": (0.797, 0.711), "system_mean": (0.83, 0.76)}
    within = {
        name: {
            "pairs": {axis: {"agreement": share} for axis, share in zip(AXES, pair, strict=True)}
        }
        for name, pair in shares.items()
    }
    within["gold_omq"] = {"pairs": {"ta": {"agreement": 0.7}}}
    said = used(
        {"corpus": "toy corpus", "protocol": "systems", "test": {"within": within}}, "test", RATER
    )
    assert "by systems that it never heard" in said
    assert "80 of 100 pairs for quality (OMQ) and 69 for alignment (TA)" in said
    assert "a ridge on the same embeddings in 80 and 71" in said
    assert "never listens, in 83 and 76; one listener alone in 75 and 73. Guessing" in said
    assert "toy corpus" in said


def test_a_model_that_was_asked_of_no_pair_is_not_given_a_figure():
    pairs = {axis: {"agreement": None, "pairs": 0} for axis in AXES}
    found = {
        "corpus": "toy",
        "protocol": "official",
        "test": {"within": {"model": {"pairs": pairs}}},
    }
    assert "none could be compared" in used(found, "test")


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
