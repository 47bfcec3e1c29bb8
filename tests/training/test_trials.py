import shutil
from dataclasses import replace

import pytest

from whisq.evaluation import truth
from whisq.evaluation.bench import predict
from whisq.evaluation.judge import Case, join, judge
from whisq.losses import Objective
from whisq.predictor import Predictor
from whisq.training.data import Data
from whisq.trials import judging
from whisq.trials.trial import attempt, run


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
    assert -1 <= record["ridge_ta_srcc"] <= 1
    # Held-out systems have no training mean: their floor is one number for all, and says nothing.
    assert (record["floor_omq_srcc"] is None) == (protocol == "systems")


def test_swap_counts_the_clips_that_kept_the_order(make_trial):
    record = attempt(make_trial())
    # 24 test clips, half of them of order prompts; one of those three that failed is a test clip.
    assert 10 <= record["swap_n"] <= 12
    assert 0 <= record["swap"] <= 1


def test_a_reversed_prompt_that_was_not_embedded_is_not_asked(make_trial, tmp_path):
    trial = make_trial()
    folder = shutil.copytree(trial.data, tmp_path / "data")
    prompts = folder / "raw/truth/prompts.csv"
    text = prompts.read_text()
    prompts.write_text(text.replace("first x then y,first y then x", "first x then y,unheard"))
    asked, fewer = attempt(trial), attempt(replace(trial, data=folder))
    assert 0 < fewer["swap_n"] < asked["swap_n"]
    for name in ("ta_order_srcc", "ta_other_srcc", "utt_ta_mse"):
        assert fewer[name] == asked[name]
    (folder / "raw/truth/prompts.csv").unlink()
    assert {"swap", "ta_order_srcc"}.isdisjoint(attempt(replace(trial, data=folder)))


def test_a_trial_is_judged_as_the_pipeline_s_model_is(make_recipe, data_folder):
    recipe, data = make_recipe(), Data.open(data_folder)
    model, _ = recipe.fit(data, progress=False)
    record = judging.judge_trial(model, data, recipe.loss)
    rated, raw = join(data.clips, data.ratings), data_folder / "raw"
    order = truth.about_order(truth.read_prompts(raw), rated)
    case = Case(rated, predict(Predictor(model), rated, data.audio, data.text), order=order)
    known = judge(case, "a corpus", "official", resamples=10, seed=0)["test"]
    for level in ("utt", "sys"):
        for axis in ("omq", "ta"):
            for metric, value in known[level][axis].items():
                assert record[f"{level}_{axis}_{metric}"] == pytest.approx(value, abs=1e-5)
    floor = known["floors"]["system_mean"]["utt"]["omq"]["srcc"]
    assert record["floor_omq_srcc"] == pytest.approx(floor, abs=1e-5)
    part = known["subsets"]["order_prompts"]["utt"]["ta"]["srcc"]
    assert record["ta_order_srcc"] == pytest.approx(part, abs=1e-5)


def test_a_network_without_encoders_answers_as_the_predictor_does(make_recipe, data_folder):
    data = Data.open(data_folder)
    model, _ = make_recipe().fit(data, progress=False)
    pairs = zip(data.clips["id"][:70], data.clips["prompt"][:70], strict=True)
    sequences = [(data.audio[key], data.text[prompt]) for key, prompt in pairs]
    here = judging.Trained(model).score_embedded(sequences)
    there = Predictor(model, "cpu").score_embedded(sequences)
    for axis in ("omq", "ta"):
        values = [[getattr(score, axis) for score in scores] for scores in (here, there)]
        assert values[0] == pytest.approx(values[1], abs=1e-5)


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
