import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from whisq.show import kept
from whisq.show.run import read_run


@pytest.fixture
def kept_run(run):
    curves = {"fault": "wow", "strength": [0.0, 1.0], "omq": [4.0, 2.0], "error": [0.1, np.nan]}
    found = read_run(run / "data", run / "metrics")
    return type(found)(found.evaluate, found.rated, faults=pd.DataFrame(curves))


def test_the_headline_is_short_and_mlflow_gets_every_figure(run):
    result = json.loads((run / "metrics/evaluate.json").read_text())
    found, logged = kept.headline(result, None), kept.logged(result)
    assert set(found) == {
        "dev_omq_srcc", "dev_ta_srcc", "test_omq_srcc", "test_ta_srcc",
        "test_omq_share", "test_ta_share",
    }  # fmt: skip
    assert found["test_ta_srcc"] == result["test"]["utt"]["ta"]["srcc"]
    assert logged["test"]["test/sys/omq/ktau"] == result["test"]["sys"]["omq"]["ktau"]
    assert {split: len(figures) for split, figures in logged.items()} == {"dev": 16, "test": 16}
    assert set(kept.besides(found)) == {"test_omq_share", "test_ta_share"}


def test_a_split_that_was_not_judged_has_no_figure(run):
    result = json.loads((run / "metrics/evaluate.json").read_text())
    del result["test"]
    assert set(kept.headline(result, None)) == {
        "dev_omq_srcc", "dev_ta_srcc", "dev_omq_share", "dev_ta_share"
    }  # fmt: skip


def test_pictures_come_with_their_numbers_and_the_same_twice(kept_run, tmp_path):
    files = kept.draw(kept_run, tmp_path / "one")
    assert {file.stem for file in files} == {
        "scatter", "calibration", "standing", "fault_response"
    }  # fmt: skip
    assert {file.suffix for file in files} == {".png", ".csv"}
    shown = pd.read_csv(tmp_path / "one" / "scatter.csv")
    assert len(shown) == 24
    assert {"omq_rating", "omq_prediction"} <= set(shown)
    for file in kept.draw(kept_run, tmp_path / "two"):
        assert file.read_bytes() == (tmp_path / "one" / file.name).read_bytes()


def test_a_trainings_epochs_are_drawn_beside_the_rest(kept_run, tmp_path):
    srcc = {"dev_omq_utt_srcc": [0.1, 0.2], "dev_ta_utt_srcc": [0.0, 0.1]}
    epochs = pd.DataFrame({"epoch": [1, 2], **srcc, "train_loss": [1.0, 0.5]})
    files = kept.draw(replace(kept_run, epochs=epochs, best={"best_epoch_both": 2}), tmp_path)
    assert tmp_path / "curves.png" in files
    assert pd.read_csv(tmp_path / "curves.csv").equals(epochs)


def test_without_a_held_out_split_only_the_faults_are_drawn(kept_run, tmp_path):
    alone = type(kept_run)({"corpus": "toy"}, kept_run.rated, faults=kept_run.faults)
    assert {file.stem for file in kept.draw(alone, tmp_path)} == {"fault_response"}


def test_the_note_of_a_run_has_its_standing_and_what_is_not_the_default(run):
    result = json.loads((run / "metrics/evaluate.json").read_text())
    said = kept.note(result, "best", {"loss.ot_weight": 0.0}, "#/a/report.html")
    assert "| **the model** |" in said
    assert "| loss.ot_weight | 0.0 |" in said
    assert "[The report](#/a/report.html)" in said
    assert "Variant `best`" in said
    plain = kept.note({"corpus": "toy"}, "default", {})
    assert plain == "Variant `default`."
