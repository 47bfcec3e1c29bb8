import pytest
import torch

from whisq.embeddings.batch import Batch
from whisq.losses.objective import Objective
from whisq.model.architectures import build
from whisq.model.config import Config
from whisq.training.loop import train
from whisq.training.measuring import inputs
from whisq.training.schedule import Schedule


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


@pytest.fixture
def fit():
    """Train a small network: `fit(schedule, batches, dev, checkpoint=...)`."""

    def run(schedule, batches, dev, objective=None, **options):
        torch.manual_seed(schedule.seed)
        config = Config(8, 6, audio_layers=[0], width=16, hidden=16, text_scaling="whiten")
        model = build(config)
        model.fit_scaling(inputs(batch) for batch in batches)
        objective = objective or Objective()
        options = {"progress": False} | options
        return model, train(model, objective, lambda _: batches, dev, schedule, **options)

    return run


@pytest.fixture
def schedule():
    """A few quick epochs: `schedule(epochs=3)`."""

    def make_schedule(**choices):
        return Schedule(**{"epochs": 4, "learning_rate": 3e-3} | choices)

    return make_schedule
