import torch

from whisq.model.build import build


@torch.no_grad()
def test_without_activations_the_baseline_is_linear_in_the_means(make_config, draw_batch):
    torch.manual_seed(0)
    model = build(make_config(architecture="challenge_baseline", audio_scaling="none")).eval()
    one, two = draw_batch(seed=1), draw_batch(seed=1)
    two.audio = 3 * two.audio
    zero = 0 * one.audio

    def omq(audio):
        return model(audio, one.audio_mask, one.text, one.text_mask).omq

    torch.testing.assert_close(omq(two.audio) - omq(zero), 3 * (omq(one.audio) - omq(zero)))


@torch.no_grad()
def test_the_quality_peer_rates_every_alignment_alike(make_config, draw_batch):
    model = build(make_config(architecture="muq_eval"))
    assert model(*vars(draw_batch()).values()).ta.tolist() == [3, 3, 3, 3]
