import pytest
import soundfile

from whisq.store.store import Store


@pytest.fixture(autouse=True)
def own_store(tmp_path_factory, monkeypatch):
    """No test touches the user's store."""
    root = tmp_path_factory.mktemp("store")
    monkeypatch.setenv("WHISQ_CACHE", str(root))
    return root


@pytest.fixture
def store(own_store):
    """A store of nobody's encoder."""
    return Store({"kind": "audio", "spec": {"model": "none"}}, own_store)


@pytest.fixture
def stored(tmp_path, own_store, lay_out):
    """Store arrays by key as a stage would: `stored({"a": array})`."""
    return lambda arrays: lay_out(tmp_path / "audio", arrays, root=own_store)


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
