"""A model that brings code of its own, as MERT does: refused unless a user names it."""

import json

import numpy as np
import pytest
import torch

from whisq.encoders import weights
from whisq.encoders.audio import AudioSpec
from whisq.encoders.registry import audio_encoder

CODE = """
from pathlib import Path
from transformers import HubertConfig, HubertModel

class Config(HubertConfig):
    model_type = "mert_model"

class Model(HubertModel):
    config_class = Config
"""


@pytest.fixture
def folder(families, tmp_path, monkeypatch):
    """A tiny HuBERT whose code lies beside it, read at 24 kHz."""
    from transformers import dynamic_module_utils

    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    path = families.save("hubert", tmp_path / "mert")
    told = json.loads((path / "config.json").read_text()) | {"model_type": "mert_model"}
    told["auto_map"] = {"AutoConfig": "mert.Config", "AutoModel": "mert.Model"}
    (path / "config.json").write_text(json.dumps(told))
    heard = json.loads((path / "preprocessor_config.json").read_text())
    (path / "preprocessor_config.json").write_text(json.dumps(heard | {"sampling_rate": 24_000}))
    (path / "mert.py").write_text(CODE)
    return path


def test_it_is_refused_with_the_reason_and_what_to_do(folder):
    with pytest.raises(ValueError, match="brings code of its own, which is not run unasked"):
        audio_encoder(AudioSpec(model=str(folder)))


@pytest.mark.parametrize("by", ["setting", "environment"])
def test_a_user_who_names_it_gets_its_states(folder, families, monkeypatch, by):
    from transformers import HubertModel

    spec = AudioSpec(model=str(folder), layers=(2,), pool=1, trust_remote_code=by == "setting")
    if by == "environment":
        monkeypatch.setenv(weights.TRUST, f"another/model {folder}")
    encoder = audio_encoder(spec)
    assert (encoder.rate, encoder.steps_per_second) == (24_000, 75)
    clip = np.random.default_rng(0).normal(0, 0.1, 24_000).astype(np.float32)
    plain = HubertModel.from_pretrained(folder, config=families.MODELS["hubert"]()[0]).eval()
    read = encoder.extractor(clip, sampling_rate=24_000, return_tensors="pt")
    with torch.inference_mode():
        expected = plain(**read).last_hidden_state
    np.testing.assert_allclose(encoder.encode([clip])[0], expected, atol=5e-3)


@pytest.mark.parametrize("revision", [None, "main", "v1"])
def test_of_the_hub_a_commit_must_be_named(revision):
    with pytest.raises(ValueError, match="40 digits of its commit"):
        weights.check_code("m-a-p/MERT-v1-95M", revision, trusted=True)
    weights.check_code("m-a-p/MERT-v1-95M", "0" * 40, trusted=True)


def test_no_trained_model_can_say_so():
    assert "trust_remote_code" not in AudioSpec(trust_remote_code=True).kept()
