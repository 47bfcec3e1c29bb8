import json
import shutil

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from whisq.corpus.card import identify
from whisq.corpus.clips import write_clips, write_ratings
from whisq.encoders.audio import AudioSpec
from whisq.encoders.text import TextSpec
from whisq.encoders.words import load_tokenizer
from whisq.evaluation.judge import Case, judge
from whisq.model.build import build
from whisq.model.variants import ModelConfig
from whisq.show.page import render
from whisq.show.run import read_run

MINILM = TextSpec(model="sentence-transformers/all-MiniLM-L6-v2")
PROMPTS = [
    f"a calm waltz for {name}" for name in ("flute", "squeezebox", "<b>drum</b>", "two oboes")
]
SECONDS = 0.4


@pytest.fixture(scope="session")
def make_browser():
    """Open a browser that nobody sees: `with make_browser("window-size=390,900") as driver`."""
    selenium = pytest.importorskip("selenium.webdriver", reason="pip install selenium")
    programs = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if None in programs:
        pytest.skip("no chromium: apt-get install chromium chromium-driver")

    def make(*words, log=None):
        options = selenium.ChromeOptions()
        options.binary_location = programs[0]
        if log:
            options.set_capability("goog:loggingPrefs", log)
        for word in ("headless=new", "no-sandbox", "disable-dev-shm-usage", *words):
            options.add_argument(f"--{word}")
        return selenium.Chrome(options, selenium.ChromeService(programs[1]))

    return make


@pytest.fixture(scope="session")
def tokenizer():
    return load_tokenizer(MINILM)


def rate(draw):
    """Six systems x four prompts x two clips, with raters' rows and predictions."""
    rows = [
        (f"S{system:03d}_P{clip:03d}", f"S{system:03d}", PROMPTS[clip % 4])
        for system in range(6)
        for clip in range(8)
    ]
    table = pd.DataFrame(rows, columns=["id", "system", "prompt"]).set_index("id")
    table["split"] = ["train", "dev", "test", "test"] * 12
    level = np.repeat(draw.uniform(1.5, 4.5, 6), 8)
    for axis in ("omq", "ta"):
        grades = np.clip(np.round(level[:, None] + draw.normal(0, 0.8, (48, 5))), 1, 5).astype(int)
        table[f"{axis}_raters"] = [" ".join(map(str, row)) for row in grades]
        table[axis] = grades.mean(axis=1)
    table["raters"] = "R01 R02 R03 R04 R05"
    return table.assign(prompt_id="P001", seconds=SECONDS)


@pytest.fixture(scope="session")
def run(tmp_path_factory, tokenizer, lay_out):
    """A folder with `data` and `metrics` as the stages leave them, without extras."""
    folder, draw = tmp_path_factory.mktemp("run"), np.random.default_rng(0)
    data, metrics = folder / "data", folder / "metrics"
    rated = rate(draw)
    rated["path"] = "raw/wav/" + rated.index + ".wav"
    write_clips(rated.reset_index(), data / "clips.csv")
    write_ratings(rated.reset_index(), data / "ratings.csv")
    (data / "raw/wav").mkdir(parents=True)
    (data / "raw/CORPUS.json").write_text(json.dumps({"name": "toy corpus", "licence": "none"}))
    for path in rated["path"]:
        soundfile.write(data / path, draw.uniform(-0.3, 0.3, int(16000 * SECONDS)), 16000)
    predictions = rated[["omq", "ta"]] + draw.normal(0, 0.5, (48, 2))
    predictions.assign(split=rated["split"]).to_csv(data / "predictions.csv", index_label="id")
    metrics.mkdir()
    result = judge(Case(rated, predictions), "toy corpus", "official", resamples=20, seed=0)
    (metrics / "evaluate.json").write_text(json.dumps(result))
    audio = {key: draw.normal(size=(1, 5, 16)).astype(np.float16) for key in rated.index}
    text = {
        prompt: draw.normal(size=(1, len(tokenizer(prompt)["input_ids"]), 8)).astype(np.float16)
        for prompt in PROMPTS
    }
    lay_out(data / "embeddings/audio", audio, [1], spec={})
    lay_out(data / "embeddings/text", text, [6], spec={})
    torch.manual_seed(0)
    own = {"audio": AudioSpec(layers=(1,), pool=4).kept(), "text": MINILM.kept()}
    config = ModelConfig(audio_dim=16, text_dim=8, audio_layer=1, width=8, hidden=8, **own)
    build(config).save_pretrained(data / "model")
    return folder


def page_of(folder, seconds=None):
    results, lock = read_run(folder / "data", folder / "metrics"), folder / "dvc.lock"
    params = {"loss.ot_weight": 0.1}
    return render(results, folder / "data", params, lock=lock, seconds=seconds or {}, transport={})


@pytest.fixture(scope="session")
def make_page():
    """Render a run's folder."""
    return page_of


@pytest.fixture(scope="session")
def page(run):
    """The page of a run without extras."""
    return page_of(run)


@pytest.fixture(scope="session")
def full_page(run, tmp_path_factory):
    """The page of a run with everything."""
    folder = tmp_path_factory.mktemp("full") / "run"
    shutil.copytree(run, folder)
    metrics = folder / "metrics"
    (metrics / "plots").mkdir()
    epochs = {"epoch": [1, 2], "train_loss": [2.0, 1.0], "dev_omq_utt_srcc": [0.1, 0.3]}
    pd.DataFrame(epochs).to_csv(metrics / "epochs.csv", index=False)
    (metrics / "train.json").write_text('{"best_epoch_omq": 1, "best_epoch_ta": 2}')
    curve = {"fault": "wow", "strength": [0.0, 1.0], "omq": [4.0, 2.0], "error": [0.1, 0.2]}
    pd.DataFrame(curve).to_csv(metrics / "plots/fault_response.csv", index=False)
    row = {"protocol": "official", "metric": "utt_ta_srcc", "mean": 0.5, "sd": 0.1, "n": 3}
    differences = {"less_default": -0.1, "less_default_low": -0.2, "less_default_high": 0.0}
    rows = [{"variant": "default", **row}, {"variant": "no_transport", **row, **differences}]
    others = [other | {"data": "another", "variant": "of other clips"} for other in rows]
    rows = [own | identify(folder / "data") for own in rows] + others
    pd.DataFrame(rows).to_csv(metrics / "ablations.csv", index=False)
    (metrics / "probes.json").write_text(json.dumps(PROBES))
    lock = "stages: {train: {outs: [{path: data/model, md5: abc123.dir, size: 1234}]}}"
    (folder / "dvc.lock").write_text(lock)
    return page_of(folder, seconds={"train": 12.3})


PROBES = {
    "order_swap": {"swap": 0.75, "clips": 40},
    "other_prompts": {"auc": None, "undefined": "all clips have one prompt"},
    "shuffled_prompts": {"srcc": 0.1, "true_srcc": 0.5},
    "changed_attributes": {"tempo": {"fell": 0.6, "fall": 0.12, "clips": 9}},
    "faults": {"tau": -0.5, "clips": 6},
    "invariance": {"gain -6 dB": {axis: {"mean": 0.01, "largest": 0.05} for axis in ("omq", "ta")}},
}
