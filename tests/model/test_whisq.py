import pytest
import torch

from whisq.model.architectures import build

CHOICES = {
    "default": {},
    "one_way": {"coattention": "audio_to_text"},
    "no_attention": {"coattention": "none"},
    "thirds": {"coattention": "none", "segments": 3, "bilinear": True},
    "everything": {
        "segments": 3,
        "bilinear": True,
        "layers": 2,
        "audio_pool": 3,
        "audio_layers": [2, 6],
        "audio": {"layers": [2, 6]},
        "quality_pooling": "mean_std",
        "alignment_pooling": "mean_std",
        "bins": 9,
    },
    "side_by_side": {
        "audio_layers": [2, 6],
        "audio": {"layers": [2, 4, 6]},
        "layer_mixing": "concat",
        "alignment_layers": [6],
        "quality_projection": "own",
        "frame_dropout": 0.5,
    },
    "own_projection": {"quality_projection": "own", "input_dropout": 0.2},
    "shares": {"position_unit": "share", "alignment_pooling": "max", "output_range": "sigmoid"},
    "challenge_baseline": {"architecture": "challenge_baseline"},
    "challenge_baseline_relu": {"architecture": "challenge_baseline_relu"},
    "astar": {"architecture": "astar", "bins": 20},
    "muq_eval": {"architecture": "muq_eval"},
    "pooled_text": {"text_sequence": "mean", "text_scaling": "whiten", "residual": False},
}


@pytest.fixture(params=CHOICES, ids=str)
def network(request, make_config, draw_batch):
    torch.manual_seed(1)
    model = build(make_config(**CHOICES[request.param])).eval()
    batch = draw_batch(layers=model.audio_input.expected)
    model.fit_scaling([tuple(vars(batch).values())])
    return model


@pytest.fixture
def batch(network, draw_batch):
    return draw_batch(layers=network.audio_input.expected)


@torch.no_grad()
def rate(model, batch):
    output = model(batch.audio, batch.audio_mask, batch.text, batch.text_mask)
    return torch.stack([output.omq, output.ta])


def close(one, two):
    torch.testing.assert_close(one, two, atol=1e-5, rtol=0)


def test_padding_changes_no_rating(network, batch, draw_batch):
    before = rate(network, batch)
    noise = draw_batch(4, 5, 3, layers=network.audio_input.expected, seed=9)
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
    other = draw_batch(layers=network.audio_input.expected, seed=7)
    batch.text, batch.text_mask = other.text, other.text_mask
    after = rate(network, batch)
    assert torch.equal(after[0], before[0])
    if network.config.architecture != "muq_eval":
        assert (after[1] - before[1]).abs().min() > 1e-6


def test_another_prompt_is_rated_as_if_it_were_the_clips_own(network, batch, draw_batch):
    output = network(batch.audio, batch.audio_mask, batch.text, batch.text_mask)
    other = draw_batch(layers=network.audio_input.expected, seed=7)
    given = network.against(batch, output, other.text, other.text_mask)
    batch.text, batch.text_mask = other.text, other.text_mask
    close(given, rate(network, batch)[1])


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
    for name in silent:
        assert name.endswith(idle) or (network.text_input.average and any(a in name for a in alone))


@pytest.mark.parametrize("swapped", ["audio", "text"])
def test_positions_make_order_heard(make_config, draw_batch, swapped):
    batch = draw_batch()
    batch.audio_mask[:], batch.text_mask[:] = True, True
    heard = {}
    for positions in ("none", "both"):
        torch.manual_seed(0)
        model = build(make_config(positions=positions)).eval()
        before = rate(model, batch)[1]
        setattr(batch, swapped, getattr(batch, swapped).flip(-2))
        heard[positions] = (rate(model, batch)[1] - before).abs().max().item()
    assert heard["none"] < 1e-5
    assert heard["both"] > 1e-3


def test_a_mixture_starts_as_the_mean_of_the_layers(make_config, draw_batch):
    choices = {"audio": {"layers": [2, 4, 6]}, "audio_scaling": "none"}
    torch.manual_seed(0)
    model = build(make_config(audio_layers=[2, 6], **choices)).eval()
    batch = draw_batch(layers=3)
    mixed, _ = model.audio_input(batch.audio, batch.audio_mask)
    torch.testing.assert_close(mixed, batch.audio[:, [0, 2]].mean(1))


@pytest.mark.parametrize("architecture", ["whisq", "challenge_baseline", "astar", "muq_eval"])
def test_layers_side_by_side_are_all_heard(make_config, draw_batch, architecture):
    choices = {"audio_layers": [2, 6], "audio": {"layers": [2, 6]}, "layer_mixing": "concat"}
    torch.manual_seed(0)
    model = build(make_config(architecture=architecture, bins=20, **choices)).eval()
    for layer in (0, 1):
        batch = draw_batch(layers=2)
        before = rate(model, batch)[0]
        batch.audio[:, layer] += 1
        assert (rate(model, batch)[0] - before).abs().min() > 1e-6


def test_alignment_reads_its_own_layers_alone(make_config, draw_batch):
    torch.manual_seed(0)
    model, batch = build(make_config(**CHOICES["side_by_side"])).eval(), draw_batch(layers=3)
    before = rate(model, batch)
    batch.audio[:, 0] += 1
    quality, alignment = (rate(model, batch) - before).abs()
    assert quality.min() > 1e-6
    assert torch.equal(alignment, torch.zeros(4))


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
