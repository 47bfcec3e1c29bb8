import numpy as np
import pytest

from whisq.encoders.text import TextEncoder, TextSpec
from whisq.store.sequences import Sequences
from whisq.store.text import embed_text

SPEC = TextSpec(model="sentence-transformers/all-MiniLM-L6-v2")
PROMPTS = ["a slow flute", 'a "quoted", comma-ridden prompt', "a slow flute", "jazz"]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the embedding into one folder: `run(prompts)`; gives what was done."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return lambda prompts, spec=SPEC: embed_text(prompts, spec, tmp_path / "out")


def test_each_distinct_prompt_is_embedded_once(tmp_path, run):
    counts = run(PROMPTS)
    assert (counts.keys, counts.computed) == (3, 3)
    sequences, encoder = Sequences.open(tmp_path / "out"), TextEncoder(SPEC)
    for prompt in PROMPTS:
        np.testing.assert_array_equal(sequences[prompt], encoder.encode([prompt])[0])


def test_a_changed_prompt_costs_one(run):
    run(PROMPTS)
    assert run([*PROMPTS[:-1], "slow jazz"]).computed == 1


def test_the_manifest_rebuilds_the_encoder(tmp_path, run):
    run(PROMPTS)
    sequences = Sequences.open(tmp_path / "out")
    assert TextSpec(**sequences.manifest["spec"]) == SPEC
    assert sequences.layers == (6,)


def test_another_layer_never_mixes_with_what_is_stored(tmp_path, run):
    run(PROMPTS)
    assert run(PROMPTS, TextSpec(model=SPEC.model, layer=3)).computed == 3
    assert Sequences.open(tmp_path / "out").layers == (3,)
