import torch

from whisq.model.dropout import FrameDropout, SequenceDropout


def masks():
    return torch.arange(400) < torch.tensor([400, 300, 1]).unsqueeze(1)


def test_hidden_frames_are_a_share_of_the_real_ones():
    torch.manual_seed(0)
    seen = torch.stack([FrameDropout(0.3)(masks()) for _ in range(50)])
    assert not (seen & ~masks()).any()
    share = seen.float().mean(0).sum(1) / masks().sum(1)
    torch.testing.assert_close(share[:2], torch.tensor([0.7, 0.7]), atol=0.01, rtol=0)


def test_one_frame_is_always_seen():
    torch.manual_seed(0)
    seen = FrameDropout(0.999)(masks())
    assert seen.any(1).all()
    assert seen.sum() < 20


def test_nothing_is_hidden_when_rating():
    assert torch.equal(FrameDropout(0.5).eval()(masks()), masks())
    assert torch.equal(FrameDropout(0.0)(masks()), masks())


def test_a_dimension_is_dropped_at_all_steps():
    torch.manual_seed(0)
    dropped = SequenceDropout(0.5)(torch.ones(4, 10, 6))
    assert torch.equal(dropped, dropped[:, :1].expand(-1, 10, -1))
    assert {*dropped.unique().tolist()} == {0.0, 2.0}
