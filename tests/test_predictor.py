import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import whisq
from whisq.encoders import audio, text
from whisq.model.build import ARCHITECTURES, build
from whisq.model.variants import ModelConfig
from whisq.predictor import Predictor, ScoreWarning
from whisq.scores import Score

PROMPTS = [None, "a calm piano waltz", "drums", "a flute begins, strings join, then it slows down"]


@pytest.fixture(scope="module")
def alone(predictor, clips):
    """Each clip's score with each prompt, asked for one by one."""
    return {(clip, prompt): predictor.score(clip, prompt) for clip in clips for prompt in PROMPTS}


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_score_does_not_depend_on_neighbours_order_or_batch(data, predictor, clips, alone):
    pair = st.tuples(st.sampled_from(clips), st.sampled_from(PROMPTS))
    pairs = data.draw(st.lists(pair, min_size=1, max_size=20))
    batch_size = data.draw(st.integers(1, 20))
    scores = list(predictor.score_many(pairs, batch_size))
    assert len(scores) == len(pairs)
    for pair, score in zip(pairs, scores, strict=True):
        assert score.omq == pytest.approx(alone[pair].omq, abs=1e-5)
        assert score.ta == pytest.approx(alone[pair].ta, abs=1e-5)


def test_scores_differ_between_clips_and_between_prompts(alone, clips):
    assert np.ptp([alone[clip, "drums"].omq for clip in clips]) > 1e-3
    assert np.ptp([alone[clips[0], prompt].ta for prompt in PROMPTS[1:]]) > 1e-3


def test_the_thread_count_changes_no_score(predictor, clips, alone):
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2 if threads == 1 else 1)
        again = predictor.score(clips[-1], "drums")
    finally:
        torch.set_num_threads(threads)
    assert again.omq == pytest.approx(alone[clips[-1], "drums"].omq, abs=1e-5)
    assert again.ta == pytest.approx(alone[clips[-1], "drums"].ta, abs=1e-5)


def test_many_threads_may_ask_one_model(predictor, clips):
    prompts = [f"waltz number {n} " * (n % 5 + 1) for n in range(60)]
    alone = [predictor.score(clips[n % 8], prompt) for n, prompt in enumerate(prompts)]
    predictor._states.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(predictor.score, clips[n % 8], p) for n, p in enumerate(prompts)]
        assert [job.result() for job in jobs] == alone


def test_without_a_prompt_the_quality_stays_and_there_is_no_alignment(alone, clips):
    for clip in clips:
        assert alone[clip, None].ta is None
        assert alone[clip, None].omq == pytest.approx(alone[clip, "drums"].omq, abs=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_no_architecture_hears_the_prompt_in_the_quality(architecture):
    noise = np.random.default_rng(0)
    audio = noise.normal(size=(1, 9, 4)).astype(np.float16)
    text = noise.normal(size=(1, 5, 3)).astype(np.float16)
    sizes = {"audio_layer": 1, "audio": {"layers": [1]}, "width": 4, "hidden": 4}
    torch.manual_seed(0)
    network = build(
        ModelConfig(audio_dim=4, text_dim=3, architecture=architecture, bins=5, **sizes)
    )
    bare, prompted = Predictor(network, "cpu").score_embedded([(audio, None), (audio, text)])
    assert bare.omq == pytest.approx(prompted.omq, abs=1e-6)
    assert bare.omq_interval == pytest.approx(prompted.omq_interval, abs=1e-6)
    assert (bare.ta, bare.ta_interval) == (None, None)


def test_a_path_bytes_an_array_and_a_tensor_are_the_same_clip(predictor, clips):
    samples, rate = soundfile.read(clips[3], dtype="float32")
    given = [str(clips[3]), clips[3], clips[3].read_bytes()]
    scores = [predictor.score(clip, "drums") for clip in given]
    scores.append(predictor.score(samples, "drums", rate=rate))
    scores.append(predictor.score(torch.from_numpy(samples), "drums", rate=rate))
    scores.append(predictor.score(np.stack([samples, samples]), "drums", rate=rate))
    assert all(score == scores[0] for score in scores)


def test_embedding_first_and_scoring_later_is_scoring(predictor, clips, alone):
    samples, _ = soundfile.read(clips[0], dtype="float32")
    audio, text = predictor.embed_audio(samples), predictor.embed_prompt("drums")
    assert (audio.shape[0], text.shape[0]) == (2, 1)
    assert predictor.score_embedded([(audio, text)]) == [alone[clips[0], "drums"]]
    assert predictor.score_embedded([]) == []


def test_a_clip_longer_than_the_window_is_scored_by_its_first_part_and_says_so(predictor):
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, 16000 * 31).astype(np.float32)
    with pytest.warns(ScoreWarning, match=r"first 30 s of 31\.0 s"):
        score = predictor.score(noise, "drums", rate=16000)
    assert score == predictor.score(noise[: 16000 * 30], "drums", rate=16000)


def test_a_prompt_longer_than_the_encoder_reads_says_so(predictor, clips):
    with pytest.warns(ScoreWarning, match="tokens are read"):
        predictor.score(clips[0], "a calm piano waltz " * 200)


def test_a_model_that_gives_no_number_is_an_error(tiny_model, clips):
    broken = whisq.load(tiny_model)
    with torch.no_grad():
        next(broken.network.quality.parameters()).fill_(float("nan"))
    with pytest.raises(ValueError, match="damaged"):
        broken.score(clips[0])


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
@pytest.mark.parametrize("damage", [lambda text: text[:40], lambda text: text.replace("8", "9")])
def test_a_model_that_can_not_be_read_is_an_error(file, damage, tiny_model, tmp_path):
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    text = (folder / file).read_text(encoding="latin-1")
    (folder / file).write_text(damage(text), encoding="latin-1")
    with pytest.raises(ValueError, match="holds no model that this version"):
        whisq.load(folder)


@pytest.mark.parametrize("kind", ["audio", "text"])
def test_a_model_of_other_preprocessing_is_refused(kind, tiny_model, tmp_path):
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    ours = {"audio": audio.PREPROCESSING, "text": text.PREPROCESSING}
    (folder / "config.json").write_text(json.dumps(config | {"preprocessing": ours}))
    assert whisq.load(folder).config.preprocessing == ours
    other = ours | {kind: 99}
    (folder / "config.json").write_text(json.dumps(config | {"preprocessing": other}))
    with pytest.raises(ValueError, match=f"{kind} 99, not {ours[kind]}"):
        whisq.load(folder)


def test_the_package_offers_what_it_documents():
    assert whisq.Score is Score
    assert whisq.Predictor.load is not None
    with pytest.raises(AttributeError, match="nothing"):
        vars(whisq)["__getattr__"]("nothing")


def test_an_encoder_whose_files_changed_is_refused_and_both_are_named(tiny_model, clips, tmp_path):
    shutil.copytree(tiny_model.parent / "whisper", tmp_path / "whisper")
    shutil.copytree(tiny_model, tmp_path / "model")
    config = json.loads((tmp_path / "model/config.json").read_text())
    config["audio"]["model"] = str(tmp_path / "whisper")
    (tmp_path / "model/config.json").write_text(json.dumps(config))
    before = whisq.load(tmp_path / "model").score(clips[0])
    assert before == whisq.load(tiny_model).score(clips[0])
    (tmp_path / "whisper/preprocessor_config.json").write_text("{}")
    with pytest.raises(ValueError, match=f"SHA-256 .*, not {config['weights']['audio']}"):
        whisq.load(tmp_path / "model").score(clips[0])


@pytest.mark.parametrize("kind", ["audio", "text"])
def test_a_model_that_does_not_know_its_encoders_weights_is_refused(
    kind, tiny_model, clips, tmp_path
):
    shutil.copytree(tiny_model, tmp_path / "model")
    config = json.loads((tmp_path / "model/config.json").read_text())
    del config["weights"][kind]
    (tmp_path / "model/config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=f"does not say which weights its {kind} encoder"):
        whisq.load(tmp_path / "model").score(clips[0], "drums")
    del config["weights"]
    (tmp_path / "model/config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="weights: missing"):
        whisq.load(tmp_path / "model")
