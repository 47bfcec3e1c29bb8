"""MuQ by its adapter, against a stand-in of its package: that is not installed here."""

import json
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from whisq.encoders.audio import AudioSpec
from whisq.encoders.registry import audio_encoder
from whisq.extras import MissingExtraError


class MuQ(torch.nn.Module):
    """`muq.MuQ` as published: samples of 24 kHz as `x`, 25 states a second, a tuple of states."""

    def __init__(self, settings):
        super().__init__()
        self.convolution = torch.nn.Conv1d(1, settings["encoder_dim"], 960, 960)
        self.depth = settings["encoder_depth"]

    @classmethod
    def from_pretrained(cls, folder):
        from safetensors.torch import load_file

        with open(f"{folder}/config.json") as file:
            model = cls(json.load(file))
        model.load_state_dict(load_file(f"{folder}/model.safetensors"))
        return model

    def forward(self, x, attention_mask=None, output_hidden_states=True):
        state = self.convolution(x[:, None]).transpose(1, 2)
        states = tuple(state * (1 + k) for k in range(self.depth + 1))
        return SimpleNamespace(last_hidden_state=states[-1], hidden_states=states)


@pytest.fixture
def folder(tmp_path):
    settings = {"label_rate": 25, "n_mels": 128, "encoder_dim": 8, "encoder_depth": 3}
    (tmp_path / "config.json").write_text(json.dumps(settings))
    torch.manual_seed(0)
    save_file(MuQ(settings).state_dict(), tmp_path / "model.safetensors")
    return tmp_path


@pytest.fixture
def package(monkeypatch):
    module = ModuleType("muq")
    module.MuQ, module.__spec__ = MuQ, SimpleNamespace(name="muq")
    monkeypatch.setitem(sys.modules, "muq", module)


def test_its_states_are_those_of_the_package(folder, package):
    encoder = audio_encoder(AudioSpec(model=str(folder), layers=(1, 3), pool=1))
    assert (encoder.rate, encoder.steps_per_second, encoder.dim) == (24_000, 25, 8)
    clip = np.random.default_rng(0).normal(0, 0.1, 36_000).astype(np.float32)
    with torch.inference_mode():
        expected = MuQ.from_pretrained(folder)(torch.from_numpy(clip)[None]).hidden_states
    states = encoder.encode([clip])[0]
    np.testing.assert_allclose(states[0], expected[1][0], atol=1e-3)
    np.testing.assert_allclose(states[1], expected[3][0], atol=1e-3)


def test_without_the_package_its_extra_is_named(folder):
    with pytest.raises(MissingExtraError, match=r"pip install 'whisq\[muq\]'"):
        audio_encoder(AudioSpec(model=str(folder)))


def test_a_pickle_is_not_read(folder, package):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"must hold model\.safetensors"):
        audio_encoder(AudioSpec(model=str(folder)))
