"""Training and judging on a GPU that is pretended; tests/test_gpu.py has what a real one needs."""

from dataclasses import replace

import pytest
import torch

from whisq.losses import Objective
from whisq.training.data import Data, make_loader
from whisq.trials.judging import judge_trial
from whisq.trials.trial import Trial, run

BINS = {"bins": 5}
PARTS = {
    "plain transport": ({}, {"ot_weight": 0.1}),
    "rated transport": (
        {},
        {"ot_weight": 0.1, "ot_form": "rated", "ot_epsilon": 0.02, "ot_iterations": 999},
    ),
    "ranked transport": ({}, {"ot_weight": 0.1, "ot_form": "ranked", "ot_epsilon": 0.5}),
    "mismatch": ({"quality_projection": "own"}, {"mismatch_weight": 1.0, "ot_weight": 0.0}),
    "ranking": ({}, {"ranking_weight": 1.0, "mae_weight": 1.0}),
    "soft labels": (BINS, {"soft_label_weight": 1.0, "ot_weight": 0.0}),
    "raters": (BINS, {"rater_weight": 1.0, "ot_weight": 0.0}),
    "two layers": ({"quality_layers": [6]}, {"ot_weight": 0.1}),
    "segments": ({"segments": 3, "bilinear": True, "positions": "both"}, {"ot_weight": 0.1}),
    "frames hidden": ({"frame_dropout": 0.3, "position_unit": "share"}, {"ot_weight": 0.1}),
    "mean, shared": (
        {"quality_pooling": "mean", "quality_projection": "shared", "audio_pool": 2},
        {"ot_weight": 0.1},
    ),
    "astar": ({"architecture": "astar", **BINS}, {"mismatch_weight": 1.0, "ot_weight": 0.0}),
    "muq_eval": ({"architecture": "muq_eval"}, {"ot_weight": 0.0}),
    "baseline": ({"architecture": "challenge_baseline"}, {"ot_weight": 0.0}),
}


@pytest.fixture(params=PARTS)
def recipe(request, make_recipe):
    model, loss = PARTS[request.param]
    return make_recipe(loss=Objective(**loss), **model)


@pytest.fixture
def data(data_folder):
    data = Data.open(data_folder)
    marks = {"omq_raters": "3 4 4", "ta_raters": "2 3 5"}
    return replace(data, ratings=data.ratings.assign(**marks))


def taught(recipe, **changes):
    return replace(recipe, train=recipe.train.model_copy(update=changes))


def fitted(recipe, data, device, **options):
    return taught(recipe, device=device).fit(data, progress=False, **options)


def test_a_gpu_trains_and_judges_as_the_cpu_does(recipe, data, pretended_gpu):
    here, history = fitted(recipe, data, "cpu")
    with pretended_gpu():
        there, records = fitted(recipe, data, "cuda")
        assert there.device == torch.device("cuda:0")
        judged = judge_trial(there, data, recipe.loss)
        weights = {name: value.cpu() for name, value in there.state_dict().items()}
    torch.testing.assert_close(weights, here.state_dict(), atol=1e-4, rtol=1e-3)
    for one, other in zip(records.epochs, history.epochs, strict=True):
        assert one["train_loss"] == pytest.approx(other["train_loss"], rel=1e-3)
        assert one["dev_omq_utt_mse"] == pytest.approx(other["dev_omq_utt_mse"], rel=1e-3)
    known = judge_trial(here, data, recipe.loss)
    assert judged["utt_ta_mse"] == pytest.approx(known["utt_ta_mse"], rel=1e-3)
    assert judged.keys() == known.keys()


def test_scaling_is_fitted_to_batches_on_a_gpu_too(make_recipe, data, pretended_gpu):
    recipe = make_recipe(loss=Objective(ot_weight=0.0), text_scaling="whiten")
    dataset, (here, _) = data.dataset("train"), fitted(recipe, data, "cpu")
    with pretended_gpu():
        there, _ = fitted(recipe, data, "cuda")
        there.fit_scaling(batch.inputs for batch in make_loader(dataset, 16, device="cuda:0"))
        weights = {name: value.cpu() for name, value in there.state_dict().items()}
    for name in ("text_input.scaling.matrix", "audio_input.scaling.mean"):
        torch.testing.assert_close(weights[name], here.state_dict()[name])


def test_a_training_goes_on_on_another_device(make_recipe, data, tmp_path, pretended_gpu):
    recipe = taught(make_recipe(), epochs=3, averaging=0.5)
    whole, _ = fitted(recipe, data, "cpu")

    def interrupt(record):
        raise KeyboardInterrupt

    folder = tmp_path / "checkpoints"
    for device in ("cpu", "cuda"):  # an epoch each
        with pytest.raises(KeyboardInterrupt), pretended_gpu():
            fitted(recipe, data, device, checkpoints=folder, on_epoch=interrupt)
        assert len(list(folder.iterdir())) == 1
    epochs = []
    resumed, _ = fitted(
        recipe, data, "cpu", checkpoints=folder, on_epoch=lambda r: epochs.append(r["epoch"])
    )
    assert epochs == [3]
    torch.testing.assert_close(resumed.state_dict(), whole.state_dict(), atol=1e-4, rtol=1e-3)


def test_in_bfloat16_products_are_rounded_and_nothing_else(recipe, data):
    _, exact = fitted(recipe, data, "cpu")
    half, rounded = fitted(taught(recipe, precision="bfloat16"), data, "cpu")
    assert {value.dtype for value in half.state_dict().values()} == {torch.float32}
    first = [history.steps[0]["loss"] for history in (exact, rounded)]
    assert first[0] != first[1]
    assert first[0] == pytest.approx(first[1], rel=0.02)


def test_inputs_are_scaled_in_float32_whatever_is_chosen(make_recipe, data):
    recipe = make_recipe(loss=Objective(ot_weight=0.0), audio_pool=2)
    model, _ = fitted(recipe, data, "cpu")
    batch = next(iter(make_loader(data.dataset("test"), 8)))
    exact = model.audio_input(batch.audio, batch.audio_mask), model.text_input(*batch.inputs[2:])
    with torch.autocast("cpu", torch.bfloat16):
        half = (
            model.audio_input(batch.audio, batch.audio_mask),
            model.text_input(*batch.inputs[2:]),
        )
    for one, other in zip(exact, half, strict=True):
        assert torch.equal(one[0], other[0])


def test_a_device_that_is_not_here_is_told_before_anything_is_read(make_recipe, data):
    with pytest.raises(ValueError, match="given 'cuda:7'"):
        fitted(make_recipe(), None, "cuda:7")
    trial = Trial(taught(make_recipe(), device="cuda:7"), "official", 5, data.folder)
    with pytest.raises(ValueError, match="given 'cuda:7'"):
        run([trial], workers=1)


def test_no_training_is_named_by_its_device(make_recipe, data):
    recipes = [taught(make_recipe(), device=name) for name in ("cpu", "cuda")]
    names = {recipe.key(recipe.config(data), data) for recipe in recipes}
    assert len(names) == 1


@pytest.mark.filterwarnings("ignore:Sinkhorn missed its tolerance")  # by as much as dropout has it
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_real_gpu_learns_as_the_cpu_does(recipe, data, precision, real_gpu):
    recipe = taught(recipe, precision=precision)
    _, known = fitted(recipe, data, "cpu")
    model, history = fitted(recipe, data, real_gpu)
    # Dropout is drawn otherwise there, so losses are alike and weights are not.
    for one, other in zip(known.epochs, history.epochs, strict=True):
        assert one["train_loss"] == pytest.approx(other["train_loss"], rel=0.2)
    assert judge_trial(model, data, recipe.loss)["utt_omq_mse"] is not None
