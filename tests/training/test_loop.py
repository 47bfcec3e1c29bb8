from dataclasses import replace

import numpy as np
import pytest
import torch

from whisq.losses import Objective
from whisq.training.history import Checkpoint
from whisq.training.loop import Schedule, dev_metrics


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


@pytest.fixture
def batches(make_batch):
    return [make_batch(seed=seed) for seed in range(3)]


@pytest.fixture
def dev(make_batch):
    return [make_batch(20, seed=10), make_batch(7, seed=11)]


def weights(model):
    return {name: value.numpy().tobytes() for name, value in model.state_dict().items()}


def test_eight_clips_are_learnt_by_heart(fit, schedule, make_batch):
    few = [make_batch(8)]
    _, history = fit(schedule(epochs=150, patience=150), few, few)
    assert history.epochs[-1]["dev_omq_utt_lcc"] > 0.99
    assert history.epochs[-1]["dev_ta_utt_lcc"] > 0.99


def test_one_seed_gives_one_network_byte_for_byte(fit, schedule, batches, dev):
    first, _ = fit(schedule(), batches, dev)
    again, _ = fit(schedule(), batches, dev)
    other, _ = fit(schedule(), batches, dev, seed=1)
    assert weights(first) == weights(again)
    assert weights(first) != weights(other)


def test_the_best_epochs_weights_are_kept(fit, schedule, batches, dev):
    model, history = fit(schedule(epochs=12, patience=12), batches, dev)
    scores = [record["dev_score"] for record in history.epochs]
    assert history.best_scores == {"both": max(scores)}
    assert history.best_epochs == {"both": scores.index(max(scores)) + 1}
    assert dev_metrics(model, dev)["dev_score"] == pytest.approx(history.best_score, abs=1e-9)


@pytest.mark.parametrize("projection", ["shared", "own"])
def test_the_last_epochs_weights_are_kept_whatever_dev_says(
    fit, schedule, batches, dev, projection
):
    chosen = schedule(epochs=12, patience=1, keep="last")
    model, history = fit(chosen, batches, dev, projection=projection)
    assert set(history.best_epochs.values()) == {12}
    assert history.idle == 0
    last = history.epochs[-1]["dev_score"]
    assert dev_metrics(model, dev)["dev_score"] == pytest.approx(last, abs=1e-9)


def test_axes_that_share_no_weight_keep_their_own_best_epochs(fit, schedule, batches, dev):
    model, history = fit(schedule(epochs=12), batches, dev, projection="own")
    measured = dev_metrics(model, dev)
    for axis in ("omq", "ta"):
        key = f"dev_{axis}_utt_srcc"
        scores = [record[key] for record in history.epochs]
        assert history.best_epochs[axis] == scores.index(max(scores)) + 1
        assert measured[key] == pytest.approx(max(scores), abs=1e-9)
        assert history.kept()[key] == max(scores)
    assert history.best_epochs["omq"] != history.best_epochs["ta"]


def test_dev_is_read_once(fit, schedule, batches, dev):
    model, _ = fit(schedule(epochs=1), batches, dev)
    assert dev_metrics(model, iter(dev)) == dev_metrics(model, dev)


def test_training_stops_when_dev_no_longer_improves(fit, schedule, batches, dev):
    _, history = fit(schedule(epochs=60, patience=2), batches, dev)
    assert len(history.epochs) == history.best_epochs["both"] + 2


def test_every_epoch_is_told_and_every_step_kept(fit, schedule, batches, dev):
    told = []
    _, history = fit(schedule(), batches, dev, on_epoch=told.append)
    assert told == history.epochs
    epochs, steps = history.tables()
    assert list(epochs["epoch"]) == [1, 2, 3, 4]
    assert len(steps) == 4 * len(batches)
    means = steps.groupby("epoch")[["loss", "mse", "ot"]].mean()
    np.testing.assert_allclose(means["mse"], epochs["train_mse"])
    np.testing.assert_allclose(means["ot"], epochs["train_ot"])
    assert {"dev_omq_utt_srcc", "dev_ta_utt_ktau", "seconds"} <= set(epochs)


def test_an_interrupted_training_ends_as_if_it_had_not_been(fit, schedule, batches, dev, tmp_path):
    whole, straight = fit(schedule(), batches, dev)
    checkpoint = Checkpoint(tmp_path, "key")

    def interrupt(record):
        if record["epoch"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(schedule(), batches, dev, checkpoint=checkpoint, on_epoch=interrupt)
    epochs = []
    resumed, history = fit(
        schedule(),
        batches,
        dev,
        checkpoint=checkpoint,
        on_epoch=lambda r: epochs.append(r["epoch"]),
    )
    assert epochs == [3, 4]
    assert weights(resumed) == weights(whole)
    assert [r["dev_score"] for r in history.epochs] == [r["dev_score"] for r in straight.epochs]


def test_an_average_of_the_weights_is_judged_and_kept(fit, schedule, batches, dev):
    plain, _ = fit(schedule(epochs=1), batches, dev)
    mean, history = fit(schedule(epochs=1, averaging=0.5), batches, dev)
    assert weights(plain) != weights(mean)
    assert dev_metrics(mean, dev)["dev_score"] == pytest.approx(history.best_score, abs=1e-9)


def test_an_interrupted_average_goes_on(fit, schedule, batches, dev, tmp_path):
    choices = {"averaging": 0.9}
    whole, _ = fit(schedule(**choices), batches, dev)
    checkpoint = Checkpoint(tmp_path, "key")

    def interrupt(record):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(schedule(**choices), batches, dev, checkpoint=checkpoint, on_epoch=interrupt)
    resumed, _ = fit(schedule(**choices), batches, dev, checkpoint=checkpoint)
    assert weights(resumed) == weights(whole)


def test_a_loss_that_is_not_finite_ends_training_with_a_remedy(fit, schedule, batches, dev):
    batches[1].omq[0] = torch.nan
    with pytest.raises(ValueError, match=r"epoch 1, step 2\. Lower train\.learning_rate"):
        fit(schedule(), batches, dev)


def test_transport_that_does_not_converge_is_warned_of(fit, schedule, batches, dev):
    hasty = Objective(contrast_weight=0.0, ot_iterations=1, ot_epsilon=0.02)
    with pytest.warns(UserWarning, match=r"missed its tolerance.*raise loss\.ot_iterations"):
        fit(schedule(epochs=1), batches, dev, objective=hasty)


@pytest.mark.parametrize("projection", ["shared", "own"])
@pytest.mark.parametrize("axis", ["omq", "ta"])
def test_it_learns_from_one_axis_alone(make_batch, fit, schedule, axis, projection):
    def one_axis(seed):
        batch, other = make_batch(seed=seed), {"omq": "ta", "ta": "omq"}[axis]
        unrated = {other: torch.full((24,), torch.nan), f"{other}_known": torch.zeros(24) > 0}
        return replace(batch, **unrated)

    quick, plain = schedule(epochs=12), Objective(contrast_weight=0.0, ot_weight=0.0)
    _, history = fit(quick, [one_axis(0)], [one_axis(1)], plain, projection)
    first, last = history.epochs[0], history.epochs[-1]
    assert last["train_loss"] < first["train_loss"]
    scores = [record["dev_score"] for record in history.epochs]
    assert scores == [record[f"dev_{axis}_utt_srcc"] for record in history.epochs]


def test_an_axis_is_measured_on_the_clips_that_are_rated(make_batch, fit, schedule):
    batch = make_batch()
    model, _ = fit(schedule(epochs=1), [batch], [batch])
    half = torch.arange(24) % 2 == 0
    some = replace(batch, ta=torch.where(half, batch.ta, torch.nan), ta_known=half)
    found, full = dev_metrics(model, [some]), dev_metrics(model, [batch])
    assert found["dev_omq_utt_srcc"] == full["dev_omq_utt_srcc"]
    assert found["dev_ta_utt_mse"] != full["dev_ta_utt_mse"]
