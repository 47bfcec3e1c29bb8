import os
import shutil
import zipfile

import pytest


@pytest.fixture(scope="session")
def made_once(tmp_path_factory, make_musiceval):
    return make_musiceval(tmp_path_factory.mktemp("musiceval") / "raw", clips=60, seconds=0.1)


@pytest.fixture
def corpus(made_once, tmp_path):
    """A corpus of 60 clips that a test may damage."""
    return shutil.copytree(made_once, tmp_path / "raw")


@pytest.fixture
def archive(corpus, tmp_path):
    """A zip of 24 MB: the hub's client writes 10 MB at a time."""
    path = tmp_path / "MusicEval-full.zip"
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("padding.bin", os.urandom(24 * 2**20))
        for file in corpus.rglob("*"):
            if file.is_file():
                opened.write(file, f"MusicEval-full/{file.relative_to(corpus).as_posix()}")
    return path


@pytest.fixture
def served(web, archive):
    web.files[archive.name] = archive.read_bytes()
    return web


@pytest.fixture
def raw(tmp_path):
    return tmp_path / "data/raw"


@pytest.fixture
def web(hub, monkeypatch, tmp_path):
    """The hub on this machine, for this process: `web.url`, `web.files[name] = bytes`."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WHISQ_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "token"))
    with hub.serving() as web:
        monkeypatch.setenv("HF_ENDPOINT", web.url)
        yield web
