import numpy as np
import pytest
import torch
from pandas import DataFrame

from whisq.batch import Batch
from whisq.corpus.clips import CLIP_COLUMNS, RATING_COLUMNS
from whisq.losses import Objective
from whisq.model.build import build
from whisq.model.variants import Model, ModelConfig
from whisq.training.loop import Schedule, train
from whisq.training.recipe import Recipe
from whisq.trials.trial import Trial

RATINGS = Objective(contrast_weight=0.0)  # learnt from without other prompts


@pytest.fixture(autouse=True)
def one_thread():
    """Tiny networks are slower on several threads, and much slower on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def make(clips=24, seed=0):
    """Clips whose quality and alignment are to be heard in their sequences."""
    generator = torch.Generator().manual_seed(seed)
    audio = torch.randn(clips, 1, 6, 8, generator=generator)
    text = torch.randn(clips, 4, 6, generator=generator)
    omq = 3 + audio[:, 0, :, 0].mean(1)
    ta = 3 + 3 * audio[:, 0, :, 1].mean(1) * text[:, :, 0].mean(1)
    return Batch(
        ids=tuple(f"clip{number}" for number in range(clips)),
        audio=audio,
        audio_mask=torch.ones(clips, 6, dtype=torch.bool),
        text=text,
        text_mask=torch.ones(clips, 4, dtype=torch.bool),
        omq=omq,
        ta=ta,
    )


@pytest.fixture
def make_batch():
    """Rated clips: `make_batch(clips, seed)`."""
    return make


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory, lay_out):
    """What the pipeline leaves before training: 10 systems x 12 prompts, half of them orders."""
    folder, random = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    prompts = [f"first {a} then {b}" for a, b in ["xy", "yx", "uv", "vu", "wz", "zw"]]
    prompts += [f"a tune called {name}" for name in "abcdef"]
    text = {prompt: random.normal(size=(1, 4, 6)).astype(np.float16) for prompt in prompts}
    clips, ratings, audio = [], [], {}
    for system in range(10):
        for number, prompt in enumerate(prompts):
            key = f"S{system:03d}_P{number:03d}"
            audio[key] = random.normal(size=(2, random.integers(5, 9), 8)).astype(np.float16)
            split = ["train", "train", "train", "dev", "test"][(system + number) % 5]
            omq = float(np.clip(3 + audio[key][0, :, 0].mean() + system / 10, 1, 5))
            ta = float(np.clip(3 + 2 * audio[key][0, :, 1].mean(), 1, 5))
            clips.append([key, f"S{system:03d}", f"P{number:03d}", prompt, f"{key}.wav", 5.0])
            ratings.append([key, split, omq, ta, "", "", ""])
    DataFrame(clips, columns=CLIP_COLUMNS).to_csv(folder / "clips.csv", index=False)
    DataFrame(ratings, columns=RATING_COLUMNS).to_csv(folder / "ratings.csv", index=False)
    lay_out(folder / "embeddings" / "audio", audio, [2, 6], spec={"model": "an/encoder"})
    lay_out(folder / "embeddings" / "text", text, [-1], spec={"model": "an/encoder"})
    truth = folder / "raw" / "truth"
    truth.mkdir(parents=True)
    # "first x then y" asks for the tempo x and then y; three clips play them backwards.
    asked = [
        ["tempo", *prompt.split()[1::2]] if i < 6 else ["", "", ""]
        for i, prompt in enumerate(prompts)
    ]
    rows = [
        [p, prompts[i ^ 1] if i < 6 else "", int(i < 6), *asked[i]] for i, p in enumerate(prompts)
    ]
    columns = ["order", "tempo", "then"]
    prompted = DataFrame(rows, columns=["prompt", "reversed", "is_order", *columns])
    prompted.to_csv(truth / "prompts.csv", index=False)
    plays = [[key, *asked[number % len(prompts)]] for number, key in enumerate(audio)]
    plays[:3] = [[key, order, then, first] for key, order, first, then in plays[:3]]
    DataFrame(plays, columns=["id", *columns]).to_csv(truth / "clips.csv", index=False)
    return folder


@pytest.fixture
def make_recipe():
    """A small network, trained briefly: `make_recipe(seed=1, loss=..., coattention="none")`."""

    def make(seed=0, loss=None, **model):
        small = {"audio_pool": 1, "width": 8, "hidden": 8, "heads": 2}
        train = Schedule(epochs=2, batch_size=16, learning_rate=1e-2)
        return Recipe(Model(**small | model), loss or RATINGS, train, seed)

    return make


@pytest.fixture
def make_trial(data_folder, make_recipe):
    """One training of a small network: `make_trial("systems", seed=1, coattention="none")`."""

    def make(protocol="official", seed=0, **choices):
        return Trial(make_recipe(seed, **choices), protocol, 5, data_folder)

    return make


@pytest.fixture
def fit():
    """Train a small network: `fit(schedule, batches, dev, checkpoint=...)`."""

    def run(schedule, batches, dev, objective=RATINGS, projection="shared", seed=0, **options):
        torch.manual_seed(seed)
        small = {"audio_pool": 1, "width": 16, "hidden": 16, "quality_pooling": "attention"}
        config = ModelConfig(audio_dim=8, text_dim=6, quality_projection=projection, **small)
        model = build(config)
        model.fit_scaling(batch.inputs for batch in batches)
        options = {"progress": False} | options
        return model, train(
            model, objective, lambda _: batches, dev, schedule, seed=seed, **options
        )

    return run


@pytest.fixture
def schedule():
    """A few quick epochs: `schedule(epochs=3)`."""

    def make_schedule(**choices):
        return Schedule(**{"epochs": 4, "learning_rate": 3e-3, "averaging": 0.0} | choices)

    return make_schedule
