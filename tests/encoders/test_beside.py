import json
import shutil

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

import whisq
from whisq.encoders.audio import AudioSpec
from whisq.encoders.beside import over
from whisq.encoders.weights import Location, fingerprint
from whisq.model import card
from whisq.model.build import build
from whisq.model.variants import ModelConfig
from whisq.params import EmbedAudio
from whisq.store.audio import embed_audio
from whisq.store.sequences import Sequences
from whisq.store.store import Store

RAMP = np.arange(6, dtype=np.float32)[None, :, None]


def averaged(steps, ratio):
    return over(RAMP, steps, ratio)[0, :, 0].tolist()


def test_a_sequence_of_the_same_steps_stays_as_it_is():
    assert averaged(6, 1) == RAMP.ravel().tolist()
    assert averaged(4, 1) == [0, 1, 2, 3]


def test_longer_steps_average_and_shorter_ones_repeat():
    assert averaged(3, 2) == [0.5, 2.5, 4.5]
    assert averaged(6, 0.5) == [0, 0, 1, 1, 2, 2]


def test_a_state_that_two_steps_share_counts_for_both_by_its_part():
    # Steps of one and a half: the whole of 0 and half of 1, half of 1 and the whole of 2.
    assert averaged(2, 1.5) == pytest.approx([(0 + 0.5) / 1.5, (0.5 + 2) / 1.5])


def test_past_its_end_a_sequence_keeps_its_last_state():
    assert averaged(5, 2) == [0.5, 2.5, 4.5, 5, 5]


@given(st.integers(1, 30), st.integers(1, 40), st.floats(0.05, 20))
def test_what_never_changes_stays_the_same_at_any_rate(length, steps, ratio):
    states = np.full((2, length, 1), 3.5, np.float32)
    np.testing.assert_allclose(over(states, steps, ratio), np.full((2, steps, 1), 3.5), rtol=1e-5)


@given(st.integers(1, 12), st.integers(1, 6))
def test_averaging_over_whole_steps_is_averaging_by_pool(steps, pool):
    states = np.random.default_rng(steps).normal(size=(1, steps * pool, 3)).astype(np.float32)
    expected = states.reshape(1, steps, pool, 3).mean(2)
    np.testing.assert_allclose(over(states, steps, pool), expected, rtol=1e-4, atol=1e-5)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two clips of 32 kHz, which both encoders must resample."""
    folder, noise = tmp_path_factory.mktemp("files"), np.random.default_rng(0)
    paths = {key: folder / f"{key}.wav" for key in "ab"}
    for path, seconds in zip(paths.values(), (0.6, 0.9), strict=True):
        soundfile.write(path, noise.normal(0, 0.1, round(32_000 * seconds)), 32_000)
    return paths


@pytest.fixture(scope="module")
def pair(families):
    """An encoder of 16 kHz and 50 states a second, and one of 48 kHz and 25 beside it."""
    beside = {"model": str(families.folder("pe-audio")), "layers": [1, 2], "pool": 1}
    return AudioSpec(model=str(families.folder("wav2vec2")), layers=[0, 2], pool=2, beside=[beside])


@pytest.fixture(scope="module")
def embedded(pair, files, tmp_path_factory):
    """Where the pair's states were embedded: the output and the store."""
    folder = tmp_path_factory.mktemp("embedded")
    assert embed_audio(files, pair, folder / "out", root=folder / "store").computed == len(files)
    return folder


def test_each_encoder_s_states_are_those_that_it_has_alone(pair, files, embedded, tmp_path):
    together = Sequences.open(embedded / "out")
    alone = []
    for number, spec in enumerate(pair.each()):
        out = tmp_path / str(number)
        # Nothing is computed again: the store kept each encoder's own states.
        assert embed_audio(files, spec, out, root=embedded / "store").computed == 0
        alone.append(Sequences.open(out))
    first, other = alone
    assert (together.dim, together.layers) == (first.dim + other.dim, first.layers)
    for key in files:
        # At 25 steps a second both, their steps are the same ones.
        steps = first[key].shape[1]
        np.testing.assert_array_equal(together[key][..., : first.dim], first[key])
        np.testing.assert_array_equal(together[key][..., first.dim :], other[key][:, :steps])


def model_of(spec, embedded, folder):
    """Save a network that reads what was embedded, as training would."""
    stored = Sequences.open(embedded / "out")
    sizes = {"audio_dim": stored.dim, "text_dim": 4, "width": 8, "hidden": 8, "heads": 2}
    audio = stored.manifest["spec"] | {"layers": list(stored.layers)}
    own = {"audio_layer": 2, "audio_pool": 1, "audio_scaling": "none", "text_scaling": "none"}
    weights = {"audio": stored.manifest["weights"]}
    config = ModelConfig(**sizes, **own, audio=audio, text={"model": "none"}, weights=weights)
    build(config).save_pretrained(folder)
    return stored


def test_a_model_of_two_encoders_scores_a_file_by_its_own_config(pair, files, embedded, tmp_path):
    stored = model_of(pair, embedded, tmp_path / "model")
    model = whisq.load(tmp_path / "model", device="cpu")
    scores = list(model.score_many((path, None) for path in files.values()))
    for (key, path), score in zip(files.items(), scores, strict=True):
        (expected,) = model.score_embedded([(stored[key], None)])
        assert score.omq == pytest.approx(expected.omq, abs=1e-5)
        assert model.score(path) == score


def test_both_encoders_are_named_with_their_hashes(pair, embedded, tmp_path):
    model_of(pair, embedded, tmp_path / "model")
    about = card.about(json.loads((tmp_path / "model/config.json").read_text()))
    named = [(one["model"], one["sha256"]) for kind, one in card.each(about["encoders"])]
    hashes = [fingerprint(spec.locate()) for spec in pair.each()]
    assert named[:2] == list(zip([spec.model for spec in pair.each()], hashes, strict=True))
    assert all(model in card.text(about) for model, _ in named)


def test_a_second_encoder_whose_files_changed_is_refused(pair, files, embedded, tmp_path):
    model_of(pair, embedded, tmp_path / "model")
    config = json.loads((tmp_path / "model/config.json").read_text())
    second = shutil.copytree(config["audio"]["beside"][0]["model"], tmp_path / "second")
    (second / "config.json").write_text((second / "config.json").read_text() + "\n")
    config["audio"]["beside"][0]["model"] = str(second)
    (tmp_path / "model/config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="another than the model learnt from"):
        whisq.load(tmp_path / "model", device="cpu").score(files["a"])


def test_the_hub_s_commit_of_each_encoder_is_kept(tmp_path):
    first, second = (tmp_path / commit for commit in ("c0ffee", "decade"))
    for folder in (first, second):
        folder.mkdir()
    spec = AudioSpec(model="a/b", beside=[{"model": "c/d"}])
    location = Location("hub", first, beside=(Location("hub", second),))
    store = Store.of("audio", spec, location, 0, tmp_path)
    assert (store.commit, store.commits_beside) == ("c0ffee", ["decade"])


def test_one_layer_stands_beside_each_of_the_first_encoder_s(pair, files, tmp_path):
    beside = pair.beside[0] | {"layers": [1]}
    spec = pair.model_copy(update={"beside": [beside]})
    embed_audio(files, spec, tmp_path / "out", root=tmp_path / "store")
    states = Sequences.open(tmp_path / "out")["a"]
    np.testing.assert_array_equal(states[0, :, 16:], states[1, :, 16:])


def test_what_is_not_said_of_a_further_encoder_is_the_first_s_but_its_revision():
    spec = AudioSpec(model="a/b", revision="v1", window="padded", beside=[{"model": "c/d"}])
    _, other = spec.each()
    assert (other.model, other.window, other.pool) == ("c/d", "padded", spec.pool)
    assert other.revision is None


def test_a_single_encoder_goes_by_the_name_that_it_always_had():
    assert AudioSpec().kept().keys() == {
        "model", "revision", "dtype", "layers", "window", "pool", "past_window",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("beside", "problem"),
    [
        ({"layers": [1]}, "must name its `model`"),
        ({"model": "a/b", "beside": []}, "no further ones"),
        ({"model": "a/b", "layers": [1, 2, 3]}, r"one or 2, given \[1, 2, 3\]"),
        ({"model": "a/b", "seconds": 10.0}, "heard by all"),
        ({"model": "a/b", "window": "wide"}, "window must be"),
        ({"model": "a/b", "lairs": [1]}, "lairs: no such parameter"),
    ],
)
def test_what_is_wrong_with_a_further_encoder_is_said(beside, problem):
    with pytest.raises(ValueError, match=rf"beside\.0: .*{problem}"):
        EmbedAudio(layers=[1, 2], beside=[beside])
