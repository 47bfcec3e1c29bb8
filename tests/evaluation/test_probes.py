import json
import zlib
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from whisq.evaluation import probes, prompt_probes, truth
from whisq.evaluation.bench import Bench
from whisq.rendered import faults
from whisq.rendered.build import write_tables
from whisq.rendered.requests import from_row, sentence
from whisq.rendered.takes import Rendered, cast
from whisq.show import kept
from whisq.show.probes import Probes
from whisq.show.run import Run

RATE = 16000
SIZE = Rendered(systems=8, demo_systems=2, prompts=12, demo_clips=6)


class Model:
    """A model whose every answer is known: audio and text states carry what it is told to say.

    Sounds are embedded as their share of energy that is not in a 200 Hz tone, so that OMQ falls
    with whatever is added to one.
    """

    def __init__(self, alignment):
        self.alignment, self.embedded = alignment, 0

    def embed_audio(self, samples):
        self.embedded += 1
        spectrum = np.abs(np.fft.rfft(samples[:12000])) ** 2
        return np.full((1, 2, 1), 1 - spectrum[148:153].sum() / spectrum.sum())

    def embed_prompt(self, prompt):
        return np.array([[[float(len(prompt))], [float(zlib.crc32(prompt.encode()))]]])

    def score_embedded(self, clips):
        return [
            SimpleNamespace(omq=float(5 - audio[0, 0, 0]), ta=float(self.alignment(audio, text)))
            for audio, text in clips
        ]


def reads(audio, text):
    """Full marks for the very prompt whose code the clip's stored states hold."""
    return 5 - min(abs(audio[0, 1, 0] - text[0, 1, 0]), 4)


def deaf(audio, text):
    return audio[0, 0, 0]


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    write_tables(folder, cast(SIZE), SIZE)
    return truth.read_prompts(folder), truth.read_clips(folder)


@pytest.fixture
def bench(tables) -> Bench:
    prompts, clips = tables
    table = clips[["prompt"]].assign(ta=clips["ta_latent"].astype(float))
    model = Model(reads)
    codes = {text: model.embed_prompt(text) for text in table["prompt"]}
    draw = np.random.default_rng(0)
    audio = {
        key: np.array([[[draw.random()], [codes[text][0, 1, 0]]]])
        for key, text in table["prompt"].items()
    }
    tone = 0.3 * np.sin(2 * np.pi * 200 * np.arange(RATE) / RATE).astype(np.float32)
    return Bench(model, table, audio, codes, lambda key: tone, 0, prompts, clips)


def test_requests_are_read_back_from_the_ground_truth(tables):
    prompts, _ = tables
    for text, row in prompts.iterrows():
        assert sentence(from_row(row)) == text


def test_a_model_that_reads_the_prompt_passes_every_prompt_probe(bench):
    swap = prompt_probes.order_swap(bench)
    assert (swap["swap"], swap["error"]) == (1, 0)
    about = bench.clips["prompt"].map(bench.prompts["is_order"]) == "1"
    assert 0 < swap["clips"] < swap["all"]["clips"] == about.sum()
    assert sum(part["clips"] for part in swap["by_attribute"].values()) == swap["clips"]
    assert prompt_probes.other_prompts(bench, 3)["auc"] == 1
    changed = prompt_probes.changed_attributes(bench)
    assert {"kind", "instrument", "tempo"} <= set(changed)
    assert all(found["fell"] == 1 and found["fall"] > 0 for found in changed.values())


def test_a_clip_that_plays_the_order_backwards_is_counted_apart(bench):
    key, text = next(
        (key, text)
        for key, text in bench.clips["prompt"].items()
        if bench.prompts.loc[text, "order"] and prompt_probes._played(bench, key, text) == "asked"
    )
    backwards = bench.truth.copy()
    changes = bench.prompts.loc[text, "order"]
    backwards.loc[key, [changes, "then"]] = bench.prompts.loc[text, ["then", changes]].to_numpy()
    first = prompt_probes.order_swap(bench)
    again = prompt_probes.order_swap(replace(bench, truth=backwards))
    assert again["clips"] == first["clips"] - 1
    assert again["reversed"]["clips"] == first["reversed"]["clips"] + 1
    assert again["all"] == first["all"]


def test_a_deaf_model_is_at_chance(bench):
    bench = replace(bench, scorer=Model(deaf))
    assert prompt_probes.order_swap(bench)["swap"] == 0.5
    found = prompt_probes.other_prompts(bench, 4)
    assert found["auc"] == 0.5
    assert set(found["by_distance"].values()) == {0.5}
    shuffled = prompt_probes.shuffled_prompts(bench)
    assert shuffled["srcc"] == pytest.approx(shuffled["true_srcc"])
    assert all(f["fell"] == 0.5 for f in prompt_probes.changed_attributes(bench).values())


def test_the_share_of_own_prompts_is_one_of_a_reader_and_a_half_of_the_deaf(bench):
    for alignment, share in ((reads, 1), (deaf, 0.5)):
        asked = prompt_probes.against_others(replace(bench, scorer=Model(alignment)), 4)
        found = prompt_probes.own_prompt(asked, resamples=50, seed=0)
        assert (found["share"], found["interval"]) == (share, [share, share])
        assert found["comparisons"] == 4 * found["clips"] == 4 * len(bench.clips)
        assert found["prompts"] == bench.clips["prompt"].nunique()


def test_what_was_asked_about_are_other_prompts_each_once_a_clip(bench):
    asked = prompt_probes.against_others(bench, 1000)
    prompts = bench.clips["prompt"].nunique()
    assert (asked["prompt"] != asked["other"]).all()
    assert (asked.groupby("id")["other"].nunique() == prompts - 1).all()
    assert len(asked) == len(bench.clips) * (prompts - 1)


def test_the_interval_of_own_prompts_holds_the_truth_where_prompts_are_liked_as_such():
    # TA = how well the prompt is liked + 0.7 where it is the clip's own + noise, all normal.
    truth, held = norm.cdf(0.7 / 2), []
    for world in range(60):
        draw = np.random.default_rng(world)
        liked = draw.normal(size=10)
        ta = liked + draw.normal(size=(30, 10))  # three clips a prompt
        own = np.arange(30) % 10
        ta[np.arange(30), own] += 0.7
        rows = [
            (f"{clip}", f"{own[clip]}", f"{other}", float(ta[clip, own[clip]] > ta[clip, other]))
            for clip in range(30)
            for other in range(10)
            if other != own[clip]
        ]
        asked = pd.DataFrame(rows, columns=["id", "prompt", "other", "won"])
        low, high = prompt_probes.own_prompt(asked, resamples=200, seed=0)["interval"]
        held.append(low <= truth <= high)
    assert np.mean(held) >= 0.88


def test_clips_of_one_prompt_have_a_share_and_no_interval(bench):
    asked = prompt_probes.against_others(bench, 3)
    one = asked[asked["prompt"] == asked["prompt"].iloc[0]]
    found = prompt_probes.own_prompt(one, resamples=50, seed=0)
    assert (found["share"], found["interval"], found["prompts"]) == (1, None, 1)


def test_shuffling_deals_every_clip_another_prompt(bench):
    prompts = pd.Series(list("aaaabbbccd"), index=range(10, 20))
    for seed in range(20):
        dealt = prompt_probes._deranged(prompts, np.random.default_rng(seed))
        assert sorted(dealt) == sorted(prompts)
        assert (dealt != prompts).all()


def test_shuffled_prompts_take_the_correlation_from_a_model_that_needs_them(bench):
    rating = bench.clips["ta"]

    def exact(audio, text):
        own = audio[0, 1, 0] == text[0, 1, 0]
        return audio[0, 0, 0] if own else text[0, 0, 0]

    audio = {key: np.array([[[rating[key]], bench.audio[key][0, 1]]]) for key in rating.index}
    found = prompt_probes.shuffled_prompts(replace(bench, scorer=Model(exact), audio=audio))
    assert found["true_srcc"] == pytest.approx(1)
    assert abs(found["srcc"]) < 0.5


def test_a_changed_attribute_is_asked_only_of_clips_that_play_what_was_asked(bench):
    held = bench.prompts["held"].str.split().map(lambda names: "instrument" in names)
    about = held & (bench.prompts["order"] != "instrument")
    prompts = bench.clips["prompt"]
    right = bench.truth["instrument"] == prompts.map(bench.prompts["instrument"])
    found = prompt_probes.changed_attributes(bench)["instrument"]
    assert found["clips"] == (right & prompts.map(about)).sum() < prompts.map(about).sum()


def test_without_ground_truth_the_probes_that_need_it_say_so(bench):
    bare = replace(bench, prompts=None, truth=None)
    assert prompt_probes.order_swap(bare)["swap"] is None
    assert prompt_probes.changed_attributes(bare) == {}
    assert prompt_probes.other_prompts(bare, 2)["auc"] == 1
    one = replace(bench, clips=bench.clips.iloc[:1])
    assert prompt_probes.other_prompts(one, 2)["auc"] is None


def test_a_fault_that_the_model_hears_has_tau_minus_one(bench):
    bare = replace(bench, truth=None)
    found, curves = probes.fault_response(bare, list(bench.clips.index[:2]))
    assert found["by_fault"]["noise"]["tau"] == -1
    assert found["by_fault"]["noise"]["fall"] > 0
    assert set(found["by_fault"]) == {*faults.SOUND_FAULTS, "abrupt_end"}
    noise = curves[curves["fault"] == "noise"]
    assert noise["strength"].tolist() == list(probes.STRENGTHS)
    assert noise["omq"].is_monotonic_decreasing


def test_a_model_that_hears_nothing_responds_to_nothing(bench):
    model = Model(reads)
    model.embed_audio = lambda samples: np.zeros((1, 2, 1))
    bare = replace(bench, truth=None, scorer=model)
    found, _ = probes.fault_response(bare, list(bench.clips.index[:1]))
    assert {fault["tau"] for fault in found["by_fault"].values()} == {0}
    moves = probes.invariance(bare, list(bench.clips.index[:1]))
    assert {move[axis]["largest"] for move in moves.values() for axis in move} == {0}


def test_gain_and_containers_do_not_move_a_model_that_hears_proportions_alone(bench):
    moves = probes.invariance(bench, list(bench.clips.index[:1]))
    assert {"polarity", "48000 Hz", "stereo", "flac", "ogg", "mp3"} < set(moves)
    for name in ("gain -12 dB", "gain +6 dB", "polarity", "stereo"):
        assert moves[name]["omq"]["largest"] == pytest.approx(0, abs=1e-6)
    assert moves["0.5 s of silence first"]["omq"]["largest"] > 0.05


def test_the_cleanest_clips_are_those_without_faults_or_else_the_best_scored(bench):
    keys = probes.cleanest(bench, 3)
    assert (bench.truth.loc[keys, list(faults.NAMES)].astype(float) == 0).all(axis=None)
    quiet = {key: states[0, 0, 0] for key, states in bench.audio.items()}
    keys = probes.cleanest(replace(bench, truth=None), 2)
    assert keys == sorted(quiet, key=quiet.get)[:2]


@pytest.mark.slow
def test_where_the_corpus_knows_the_music_it_is_played_anew_with_each_fault(bench):
    key = probes.cleanest(bench, 1)
    found, _ = probes.fault_response(bench, key)
    assert set(found["by_fault"]) == set(faults.NAMES)
    assert bench.scorer.embedded == 1 + len(faults.NAMES) * 3


def test_all_probes_make_one_result_that_json_a_table_and_a_picture_can_hold(bench, tmp_path):
    # Only the road that needs no music: the other has its own test.
    found, curves = probes.probe(replace(bench, truth=None), "rendered corpus", clips=2, prompts=2)
    text = json.dumps(found, allow_nan=False)
    assert "rendered corpus" in text
    short = kept.headline({}, found)
    assert (short["swap"], short["prompt_auc"]) == (1, 1)
    files = kept.draw(Run({"corpus": "rendered corpus"}, bench.clips, found, curves), tmp_path)
    assert [file.name for file in files] == ["fault_response.png", "fault_response.csv"]
    assert len(pd.read_csv(files[1])) == len(curves)
    shown = Probes(found, curves, "rendered corpus")
    said = " ".join(shown.said)
    assert "prefer their prompt to the same prompt with its order reversed" in said
    assert "that were asked" in said
    assert all(table.rows for table in shown.tables)


def test_equal_scores_are_half_a_win():
    assert prompt_probes._won(np.array([2.0, 1, 1]), np.array([1.0, 1, 2])).tolist() == [1, 0.5, 0]
