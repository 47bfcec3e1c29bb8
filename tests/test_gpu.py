"""Embedding, scoring and explaining on a GPU that is pretended, and all of it on a real one."""

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import whisq
from whisq.cli import app
from whisq.encoders.audio import AudioSpec
from whisq.encoders.text import TextEncoder, TextSpec
from whisq.encoders.whisper import WhisperEncoder
from whisq.evaluation.bench import Bench
from whisq.model.build import build
from whisq.model.variants import ModelConfig
from whisq.predictor import Predictor
from whisq.scoring.engines import Scorer
from whisq.scoring.requests import Request, named
from whisq.show.explain import explain
from whisq.store.audio import embed_audio
from whisq.store.sequences import Sequences
from whisq.store.text import embed_text

PROMPTS = ["a calm piano waltz", "drums", "a flute begins, strings join, then it slows down"]
MINILM = TextSpec(model="sentence-transformers/all-MiniLM-L6-v2")


@pytest.fixture
def pairs(clips):
    return [(str(clip), PROMPTS[n % 3] if n % 4 else None) for n, clip in enumerate(clips)]


def close(scores, known, tolerance=1e-4):
    for one, other in zip(scores, known, strict=True):
        assert one.omq == pytest.approx(other.omq, abs=tolerance)
        assert one.ta == pytest.approx(other.ta, abs=tolerance)


@pytest.mark.parametrize("batch_size", ["auto", 1, 3])
def test_a_gpu_scores_as_the_cpu_does(predictor, tiny_model, pairs, pretended_gpu, batch_size):
    known = list(predictor.score_many(pairs))
    with pretended_gpu():
        model = whisq.load(tiny_model, "cuda")
        assert model.network.device == model.device == torch.device("cuda:0")
        close(model.score_many(pairs, batch_size), known)


@pytest.mark.parametrize("architecture", ["whisq", "astar", "muq_eval"])
def test_bins_and_their_intervals_come_from_a_gpu(architecture, pretended_gpu):
    noise = np.random.default_rng(0)
    clips = [
        (noise.normal(size=(1, n + 2, 4)).astype(np.float16), noise.normal(size=(1, n + 1, 3)))
        for n in range(5)
    ]
    sizes = {"audio_layer": 1, "audio": {"layers": [1]}, "width": 4, "hidden": 4}
    network = build(
        ModelConfig(audio_dim=4, text_dim=3, architecture=architecture, bins=5, **sizes)
    )
    known = Predictor(network, "cpu").score_embedded(clips)
    with pretended_gpu():
        scores = Predictor(network, "cuda").score_embedded(clips)
    close(scores, known)
    assert [s.omq_interval for s in scores] == [pytest.approx(k.omq_interval) for k in known]


def test_a_list_is_encoded_together_on_a_gpu(predictor, tiny_model, clips, pretended_gpu):
    requests = named(Request("", clip, PROMPTS[n % 3]) for n, clip in enumerate(clips))
    requests.insert(2, Request("gone", clips[0].with_name("gone.wav"), "drums"))
    known = list(Scorer(predictor).rows(requests))
    with pretended_gpu():
        scorer = Scorer(whisq.load(tiny_model, "cuda"))
        for threads in (1, 2):
            rows = list(scorer.rows(requests, threads=threads, together=4))
            assert [(row.id, row.error) for row in rows] == [(r.id, r.error) for r in known]
            scored = [[row for row in some if row.error is None] for some in (rows, known)]
            close(*scored)


def test_a_clip_that_can_not_be_encoded_takes_no_other_with_it(predictor, clips, monkeypatch):
    scorer, encode = Scorer(predictor), predictor.encode

    def fail(given, together=1):
        if any(len(samples) == shortest for samples, _ in given):
            raise ValueError("too short to encode")
        return encode(given, together)

    requests = named(Request("", clip, "drums") for clip in clips)
    shortest = min(len(predictor.read(clip)[0][0]) for clip in clips)
    monkeypatch.setattr(predictor, "encode", fail)
    rows = list(scorer.rows(requests, together=8))
    assert [row.error for row in rows] == ["too short to encode", *[None] * 7]


def test_an_explanation_comes_from_a_gpu(predictor, tiny_model, clips, pretended_gpu):
    known = explain(predictor, str(clips[1]), PROMPTS[2]).record()
    with pretended_gpu():
        found = explain(whisq.load(tiny_model, "cuda"), str(clips[1]), PROMPTS[2]).record()
    assert found["words"] == known["words"]
    assert found["transport_cost"] == pytest.approx(known["transport_cost"], abs=1e-4)
    for name, rows in known["maps"].items():
        np.testing.assert_allclose(found["maps"][name], rows, atol=1e-3)


def test_probes_encode_altered_clips_on_a_gpu(predictor, tiny_model, clips, pretended_gpu):
    from pandas import DataFrame

    sounds = [(f"clip{n}", predictor.read(clip)[0][0]) for n, clip in enumerate(clips[:3])]
    table = DataFrame({"prompt": PROMPTS}, index=["clip0", "clip1", "clip2"])
    known = Bench(predictor, table, {}, {}, None).rescore(sounds)
    with pretended_gpu():
        found = Bench(whisq.load(tiny_model, "cuda"), table, {}, {}, None).rescore(sounds)
    np.testing.assert_allclose(found, known, atol=1e-4)


@pytest.fixture
def embed(tiny_whisper, clips, tmp_path):
    """Embed clips and prompts on a device, each time with a cache of its own: `embed("cuda")`."""
    spec = AudioSpec(model=str(tiny_whisper), layers=(1, 3), window="padded", pool=4)

    def run(device, **options):
        folder = tmp_path / f"{device}{len(list(tmp_path.iterdir()))}"
        paths = {clip.stem: clip for clip in clips}
        own = {"root": folder / "cache", "device": device, **options}
        embed_audio(paths, spec, folder / "audio", **own)
        embed_text(PROMPTS, MINILM, folder / "text", **own)
        return [Sequences.open(folder / kind) for kind in ("audio", "text")]

    return run


@pytest.mark.parametrize("batch_size", ["auto", 1])
def test_a_gpu_embeds_as_the_cpu_does_under_the_same_name(embed, pretended_gpu, batch_size):
    known = embed("cpu")
    with pretended_gpu():
        found = embed("cuda", batch_size=batch_size)
    for here, there in zip(known, found, strict=True):
        unlike = {"index_sha256"}  # states of a batch differ to rounding
        told = [{k: v for k, v in s.manifest.items() if k not in unlike} for s in (here, there)]
        assert told[0] == told[1]
        assert "cuda" not in str(there.manifest)
        for key in here.keys:
            np.testing.assert_allclose(here[key], there[key], atol=2e-3)


def test_what_was_embedded_on_one_device_is_found_on_another(embed, pretended_gpu, tmp_path):
    root = tmp_path / "cache"
    embed("cpu", root=root)
    with pretended_gpu():  # nothing is encoded again, to the last bit
        found = embed("cuda", root=root)
    for here, there in zip(embed("cpu", root=root), found, strict=True):
        assert here.manifest == there.manifest


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_text_encoder_computes_on_a_gpu_in_either_precision(dtype, pretended_gpu):
    known = TextEncoder(MINILM.model_copy(update={"dtype": dtype})).encode(PROMPTS)
    with pretended_gpu():
        found = TextEncoder(MINILM.model_copy(update={"dtype": dtype}), device="cuda:0").encode(
            PROMPTS, 2
        )
    for here, there in zip(known, found, strict=True):
        np.testing.assert_allclose(here, there, atol={"float32": 2e-3, "bfloat16": 0.1}[dtype])


@pytest.mark.parametrize("command", [["score"], ["explain", "-o", "why.html"]])
def test_a_device_that_is_not_here_is_one_line_and_exit_code_2(command, tiny_model, clips):
    given = [command[0], str(clips[0]), "--prompt", "drums", *command[1:]]
    ended = CliRunner().invoke(app, [*given, "-m", str(tiny_model), "--device", "cuda:99"])
    assert ended.exit_code == 2
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"whisq {command[0]}: the device must be one that is here (")
    assert "given 'cuda:99'" in line


def test_a_real_gpu_scores_as_the_cpu_does(real_gpu, predictor, tiny_model, pairs):
    close(whisq.load(tiny_model, real_gpu).score_many(pairs), predictor.score_many(pairs))


def test_a_real_gpu_embeds_as_the_cpu_does(real_gpu, embed):
    for here, there in zip(embed("cpu"), embed(real_gpu), strict=True):
        for key in here.keys:
            np.testing.assert_allclose(here[key], there[key], atol=2e-3, rtol=1e-3)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_real_gpu_computes_in_either_precision(real_gpu, dtype, tiny_whisper, sound):
    spec = AudioSpec(model=str(tiny_whisper), layers=(0, 2), window="clip", dtype=dtype)
    sounds = [sound(seconds, seed) for seed, seconds in enumerate((0.5, 0.5, 0.7))]
    known = WhisperEncoder(spec).encode(sounds)
    rough = {"float32": 2e-3, "bfloat16": 0.1}[dtype]
    for here, there in zip(
        known, WhisperEncoder(spec, device=real_gpu).encode(sounds, 2), strict=True
    ):
        np.testing.assert_allclose(here, there, atol=rough * np.abs(here).max())
