import shutil
from dataclasses import replace

import pytest

from whisq.losses.objective import Objective
from whisq.trials.trial import Trial, attempt, run


@pytest.fixture
def make_trial(data_folder, make_recipe):
    def make(protocol="official", seed=0, **choices):
        return Trial(make_recipe(seed, **choices), protocol, 5, data_folder)

    return make


@pytest.mark.parametrize("protocol", ["official", "systems", "prompts"])
def test_a_trial_measures_both_axes_at_both_levels(make_trial, protocol):
    record = attempt(make_trial(protocol))
    assert "error" not in record, record["error"]
    for level in ("utt", "sys"):
        for axis in ("omq", "ta"):
            assert {f"{level}_{axis}_{m}" for m in ("mse", "lcc", "srcc", "ktau")} <= set(record)
    assert record["protocol"] == protocol
    assert -1 <= record["utt_omq_srcc"] <= 1
    assert -1 <= record["ta_shuffled_srcc"] <= 1
    assert -1 <= record["ot_cost_srcc"] <= 1
    # Held-out systems have no training mean: their floor is one number for all, and says nothing.
    assert (record["floor_omq_srcc"] is None) == (protocol == "systems")


def test_swap_counts_the_clips_that_kept_the_order(make_trial):
    record = attempt(make_trial())
    # 24 test clips, half of them of order prompts; one of those three that failed is a test clip.
    assert 10 <= record["swap_n"] <= 12
    assert 0 <= record["swap"] <= 1


def test_a_model_that_rates_no_alignment_prefers_no_prompt(make_trial):
    record = attempt(make_trial(architecture="muq_eval", loss=Objective(ot_weight=0.0)))
    assert "swap" not in record
    assert record["utt_ta_srcc"] is None
    assert "ot_cost_srcc" not in record


def test_transport_without_a_shared_space_is_an_error_of_the_trial(make_trial):
    assert "set loss.ot_weight to 0" in attempt(make_trial(architecture="muq_eval"))["error"]


def test_the_same_trial_gives_the_same_figures(make_trial):
    first, again = attempt(make_trial()), attempt(make_trial())
    first.pop("seconds"), again.pop("seconds")
    assert first == again


def test_a_failed_trial_is_reported_and_the_rest_go_on(make_trial):
    failed, done = run([make_trial(audio_layer=4), make_trial()], workers=1)
    assert "for variants to trials.audio_layers" in failed["error"]
    assert "error" not in done
    assert done["seed"] == 0


def test_a_trial_reads_the_embeddings_that_it_names(make_trial, tmp_path):
    trial = make_trial()
    folder = shutil.copytree(trial.data, tmp_path / "data")
    (folder / "embeddings" / "audio").rename(folder / "embeddings" / "other")
    assert "embeddings/audio" in attempt(replace(trial, data=folder))["error"]
    record = attempt(replace(trial, data=folder, audio="other"))
    assert record["dev_score"] == attempt(trial)["dev_score"]


@pytest.mark.slow
def test_trials_in_processes_of_their_own_give_the_same_figures(make_trial):
    here = run([make_trial(), make_trial(seed=1)], workers=1)
    there = run([make_trial(), make_trial(seed=1)], workers=2)
    for record in here + there:
        record.pop("seconds")
    assert here == there
