import numpy as np
import pytest
import soundfile

from whisq.embeddings.cache import Cache
from whisq.embeddings.embed import fill
from whisq.embeddings.sequences import Sequences


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """No test touches the user's cache."""
    root = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("WHISQ_CACHE", str(root))
    return root


@pytest.fixture
def cache(own_cache):
    """A cache of nobody's encoder."""
    return Cache({"kind": "audio", "spec": {"model": "none"}}, own_cache)


@pytest.fixture
def states():
    """Make an encoder's output: `states(seed, steps=4, layers=1, dim=3)`."""

    def make(seed=0, steps=4, layers=1, dim=3):
        return np.random.default_rng(seed).standard_normal((layers, steps, dim)).astype(np.float16)

    return make


@pytest.fixture
def stored(tmp_path, own_cache):
    """Store arrays by key as a stage would: `stored({"a": array}, folder="audio")`."""

    def make(arrays, folder="audio"):
        layers, _, dim = next(iter(arrays.values())).shape
        about = {"kind": folder, "spec": {"model": "none"}}
        keep = Cache(about, own_cache)

        def compute(missing):
            keep.note(tuple(range(layers)), dim)
            for key in missing:
                keep.write(key, arrays[bytes.fromhex(key).decode()])

        contents = {key: key.encode().hex() for key in arrays}
        fill(tmp_path / folder, contents, keep, about, compute)
        return Sequences.open(tmp_path / folder)

    return make


@pytest.fixture
def wavs(tmp_path, sound):
    """Write clips: `wavs(3)` gives sound file by id, of different lengths."""

    def make(number, seconds=0.3):
        paths = {}
        for index in range(number):
            path = tmp_path / "wav" / f"S001_P{index:03}.wav"
            path.parent.mkdir(exist_ok=True)
            soundfile.write(path, sound(seconds + 0.05 * index, index), 16_000)
            paths[path.stem] = path
        return paths

    return make


@pytest.fixture
def read_all():
    """Read every file of a folder: bytes by name."""
    return lambda folder: {path.name: path.read_bytes() for path in folder.iterdir()}
