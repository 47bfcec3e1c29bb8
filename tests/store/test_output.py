import os

import numpy as np
import pytest

from whisq.files import UNFINISHED
from whisq.store.sequences import Sequences, map_states, verify
from whisq.store.store import Store, lay_out

C0 = "c0.safetensors"


@pytest.fixture
def filled(store, states):
    """A store with five outputs, and what is asked of it."""
    store.note((0,), 3)
    for number in range(5):
        store.write(f"c{number}", states(number, steps=number + 1))
    return {f"clip {number}": f"c{number}" for number in range(5)}


@pytest.fixture
def put(tmp_path, store):
    """Lay out the output of some keys in a folder: `put(contents)`."""

    def make(contents, store=store):
        lay_out(tmp_path / "out", contents, store, store.whole(contents.values()))
        return tmp_path / "out"

    return make


@pytest.fixture
def copies(monkeypatch):
    """A disk on which files can't be linked."""

    def refuse(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)


def inodes(folder):
    return {path: path.stat().st_ino for path in folder.iterdir()}


def flip(path, at=-2):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_each_key_leads_to_its_own_states(put, store, filled):
    sequences = Sequences.open(put(filled))
    for key, content in filled.items():
        np.testing.assert_array_equal(sequences[key], map_states(store.path(content)))


def test_states_are_on_the_disk_once(put, store, filled):
    folder = put(filled | {"again": "c4"})
    assert len(list(folder.glob("*.safetensors"))) == 5
    for content in filled.values():
        assert (folder / f"{content}.safetensors").samefile(store.path(content))


def test_a_finished_output_is_left_alone(put, filled):
    before = inodes(put(filled))
    assert inodes(put(filled)) == before


def test_a_finished_output_of_copies_is_left_alone(put, filled, copies):
    before = inodes(put(filled))
    assert inodes(put(filled)) == before


def test_copies_and_links_are_the_same_to_the_byte(put, filled, read_all, monkeypatch):
    linked = read_all(put(filled))
    put({"clip 1": "c1"})
    monkeypatch.setattr(os, "link", lambda *_: os.stat("/nowhere"))
    assert read_all(put(filled)) == linked


@pytest.mark.parametrize("name", [C0, "index.csv", "manifest.json"])
def test_a_flipped_bit_is_found_and_mended(put, filled, name, read_all, copies, capsys):
    before = read_all(put(filled))
    flip(put(filled) / name)
    assert read_all(put(filled)) == before
    assert ("not what the store has" in capsys.readouterr().err) == (name == C0)


@pytest.mark.parametrize("gone", ["manifest.json", "index.csv", C0])
def test_a_missing_file_is_written_again(put, filled, gone, read_all):
    before = read_all(put(filled))
    (put(filled) / gone).unlink()
    assert read_all(put(filled)) == before


def test_what_does_not_belong_is_removed(put, filled):
    (put(filled) / f"{UNFINISHED}x").write_bytes(b"half")
    names = sorted(path.name for path in put({"clip 1": "c1"}).iterdir())
    assert names == ["c1.safetensors", "index.csv", "manifest.json"]


def test_another_setting_is_another_output(put, own_store, states):
    for model in ("one", "two"):
        store = Store({"kind": "audio", "spec": {"model": model}}, own_store)
        store.note((0,), 3)
        store.write("c0", states(len(model) + (model == "two")))
        sequences = Sequences.open(put({"clip": "c0"}, store))
        assert sequences.manifest["spec"] == {"model": model}
        np.testing.assert_array_equal(sequences["clip"], map_states(store.path("c0")))


def test_what_is_mended_in_the_store_is_new_in_the_output_too(put, store, states, filled):
    folder = put(filled)
    flip(folder / C0)  # by whatever name: the bytes are there once
    assert "c0" not in store.whole(filled.values())
    store.write("c0", states(0, steps=1))
    put(filled)
    assert verify(folder / C0)
    assert (folder / C0).samefile(store.path("c0"))
