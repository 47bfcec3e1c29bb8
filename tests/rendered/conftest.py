"""A small rendered corpus and the requests that the tests share."""

import pytest

from whisq.rendered.build import build
from whisq.rendered.requests import Request
from whisq.rendered.takes import Rendered

SMALL = Rendered(systems=5, demo_systems=2, prompts=8, demo_clips=12, seed=3)


@pytest.fixture
def whole():
    """A request about the whole of a clip."""
    return Request("hymn", "flute", "slow", "minor", held=("mood", "kind", "instrument"))


@pytest.fixture
def ordered():
    """A request about an order of instruments."""
    held = ("kind", "instrument")
    return Request(
        "reel", "piano", "fast", "major", held=held, order="instrument", then="choir", wording=1
    )


@pytest.fixture(scope="session")
def small():
    """The size of the small corpus, as `build` takes it."""
    return SMALL


@pytest.fixture(scope="session")
def corpus(tmp_path_factory, small):
    """A folder that holds the small corpus, rendered by one process, and its cast."""
    folder = tmp_path_factory.mktemp("corpus") / "raw"
    return folder, build(folder, small, workers=1)
