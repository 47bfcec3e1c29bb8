import pytest
import torch

from whisq.model.build import build
from whisq.model.network import Others
from whisq.model.variants import HiddenFrames

CHOICES = {
    "default": {},
    "one_way": {"coattention": "audio_to_text"},
    "no_attention": {"coattention": "none"},
    "thirds": {"coattention": "none", "segments": 3, "bilinear": True},
    "everything": {
        "segments": 3,
        "bilinear": True,
        "layers": 2,
        "quality_layers": [6],
        "audio": {"layers": [0, 6]},
        "alignment_pooling": "mean_std",
        "bins": 9,
    },
    "quality_layers": {
        "audio_layer": 6,
        "quality_layers": [2],
        "audio": {"layers": [2, 4, 6]},
        "frame_dropout": 0.5,
    },
    "shared_projection": {"quality_projection": "shared", "quality_pooling": "mean"},
    "every_frame": {"audio_pool": 1, "quality_pooling": "attention", "interaction": "none"},
    "shares": {"position_unit": "share", "alignment_pooling": "mean"},
    "challenge_baseline": {"architecture": "challenge_baseline"},
    "challenge_baseline_relu": {"architecture": "challenge_baseline_relu"},
    "astar": {"architecture": "astar", "bins": 20},
    "muq_eval": {"architecture": "muq_eval"},
    "pooled_text": {"text_sequence": "mean"},
}


@pytest.fixture(params=CHOICES, ids=str)
def network(request, make_config, draw_batch):
    torch.manual_seed(1)
    model = build(make_config(**CHOICES[request.param])).eval()
    batch = draw_batch(layers=model.audio_input.cached)
    model.fit_scaling([tuple(vars(batch).values())])
    return model


@pytest.fixture
def batch(network, draw_batch):
    return draw_batch(layers=network.audio_input.cached)


@torch.no_grad()
def rate(model, batch):
    output = model(batch.audio, batch.audio_mask, batch.text, batch.text_mask)
    return torch.stack([output.omq, output.ta])


def close(one, two):
    torch.testing.assert_close(one, two, atol=1e-5, rtol=0)


def test_padding_changes_no_rating(network, batch, draw_batch):
    before = rate(network, batch)
    noise = draw_batch(4, 5, 3, layers=network.audio_input.cached, seed=9)
    batch.audio = torch.cat([batch.audio, noise.audio], 2)
    batch.text = torch.cat([batch.text, noise.text], 1)
    batch.audio_mask = torch.cat([batch.audio_mask, torch.zeros(4, 5, dtype=torch.bool)], 1)
    batch.text_mask = torch.cat([batch.text_mask, torch.zeros(4, 3, dtype=torch.bool)], 1)
    close(rate(network, batch), before)


def test_a_clip_is_rated_alike_alone_and_in_a_batch(network, batch):
    together = rate(network, batch)
    for clip in range(4):
        frames, tokens = batch.audio_mask[clip].sum(), batch.text_mask[clip].sum()
        alone = network(
            batch.audio[clip : clip + 1, :, :frames],
            batch.audio_mask[clip : clip + 1, :frames],
            batch.text[clip : clip + 1, :tokens],
            batch.text_mask[clip : clip + 1, :tokens],
        )
        close(torch.cat([alone.omq, alone.ta]), together[:, clip])


def test_the_batchs_order_is_kept(network, batch):
    before, order = rate(network, batch), torch.tensor([2, 0, 3, 1])
    for name, value in vars(batch).items():
        setattr(batch, name, value[order])
    close(rate(network, batch), before[:, order])


def test_quality_does_not_hear_the_prompt(network, batch, draw_batch):
    before = rate(network, batch)
    other = draw_batch(layers=network.audio_input.cached, seed=7)
    batch.text, batch.text_mask = other.text, other.text_mask
    after = rate(network, batch)
    assert torch.equal(after[0], before[0])
    if network.config.architecture != "muq_eval":
        assert (after[1] - before[1]).abs().min() > 1e-6


def test_other_prompts_are_rated_as_if_they_were_the_clips_own(network, batch, draw_batch):
    output = network(batch.audio, batch.audio_mask, batch.text, batch.text_mask)
    other = draw_batch(layers=network.audio_input.cached, seed=7)
    chosen = torch.tensor([[0, 1, 2, 3], [3, 3, 0, 2], [1, 0, 3, 3]])
    given = network.against(batch, output, Others(other.text, other.text_mask, chosen))
    assert given.shape == chosen.shape
    for row, places in zip(given, chosen, strict=True):
        batch.text, batch.text_mask = other.text[places], other.text_mask[places]
        close(row, rate(network, batch)[1])


def test_every_weight_learns(network, batch):
    network.train()
    output = network(batch.audio, batch.audio_mask, batch.text, batch.text_mask)
    (output.omq.square().sum() + output.ta.square().sum()).backward()
    silent = [
        name
        for name, weight in network.named_parameters()
        if weight.grad is None or weight.grad.abs().max() == 0
    ]
    # Adding one number to all of a softmax's scores changes nothing; of one token it has no say.
    idle = ("key.bias", "score.2.bias")
    alone = ("audio_to_text.query", "audio_to_text.key", "text_pooling")
    pooled = network.config.text_sequence == "mean"
    for name in silent:
        assert name.endswith(idle) or (pooled and any(a in name for a in alone))


@pytest.mark.parametrize("swapped", ["audio", "text"])
def test_positions_make_order_heard(make_config, draw_batch, swapped):
    batch = draw_batch()
    batch.audio_mask[:], batch.text_mask[:] = True, True
    heard = {}
    for positions in ("none", "both"):
        torch.manual_seed(0)
        model = build(make_config(positions=positions, audio_pool=1)).eval()
        before = rate(model, batch)[1]
        setattr(batch, swapped, getattr(batch, swapped).flip(-2))
        heard[positions] = (rate(model, batch)[1] - before).abs().max().item()
    assert heard["none"] < 1e-5
    assert heard["both"] > 1e-3


def test_quality_hears_its_further_layers_and_alignment_does_not(make_config, draw_batch):
    torch.manual_seed(0)
    model, batch = build(make_config(**CHOICES["quality_layers"])).eval(), draw_batch(layers=3)
    before = rate(model, batch)
    for layer, hears in enumerate([(True, False), (False, False), (True, True)]):
        changed = draw_batch(layers=3)
        changed.audio[:, layer] += torch.linspace(-1, 1, 12)
        moved = (rate(model, changed) - before).abs()
        assert tuple((moved.amax(1) > 1e-6).tolist()) == hears


def test_hidden_frames_are_a_share_of_the_real_ones_and_one_is_always_seen(make_config):
    mask = torch.arange(400) < torch.tensor([400, 300, 1]).unsqueeze(1)
    torch.manual_seed(0)
    branch = HiddenFrames(make_config(frame_dropout=0.3))
    seen = torch.stack([branch.hide(mask) for _ in range(50)])
    assert not (seen & ~mask).any()
    share = seen.float().mean(0).sum(1) / mask.sum(1)
    torch.testing.assert_close(share, torch.tensor([0.7, 0.7, 1.0]), atol=0.01, rtol=0)
    assert HiddenFrames(make_config(frame_dropout=0.999)).hide(mask).any(1).all()
    assert torch.equal(branch.eval().hide(mask), mask)


def test_an_input_with_other_layers_is_refused(make_config, draw_batch):
    model = build(make_config())
    batch = draw_batch(layers=2)
    with pytest.raises(ValueError, match=r"reads clips with 1 cached layer\(s\), given 2"):
        model(batch.audio, batch.audio_mask, batch.text, batch.text_mask)


def test_branches_that_are_told_apart_share_no_weight(network, batch):
    branches = network.branches()
    if "both" in branches:
        pytest.skip("this architecture's axes share weights")
    network.train()
    for axis, other in (("omq", "ta"), ("ta", "omq")):
        network.zero_grad()
        output = network(batch.audio, batch.audio_mask, batch.text, batch.text_mask)
        getattr(output, axis).sum().backward()
        for name, weight in network.named_parameters():
            assert name.startswith(branches[axis] + branches[other])
            assert weight.grad is None or name.startswith(branches[axis])
