import numpy as np
import pytest

from whisq.embeddings.files import UNFINISHED
from whisq.embeddings.sequences import Sequences
from whisq.embeddings.shards import DamagedError, assemble

ABOUT = {"kind": "audio", "spec": {"model": "none"}}


@pytest.fixture
def filled(cache, states):
    """A cache with five outputs, and what is asked of it."""
    cache.note((0,), 3)
    for number in range(5):
        cache.write(f"c{number}", states(number, steps=number + 1))
    return {f"clip {number}": f"c{number}" for number in range(5)}


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr("whisq.embeddings.shards.SHARD", 40)


def test_each_key_leads_to_its_own_states(tmp_path, cache, filled, small_shards):
    assemble(tmp_path / "out", filled, cache, ABOUT)
    sequences = Sequences.open(tmp_path / "out")
    assert len(list((tmp_path / "out").glob("shard-*"))) > 1
    for key, content in filled.items():
        np.testing.assert_array_equal(sequences[key], cache.read(content))


def test_the_same_content_is_stored_once(tmp_path, cache, filled):
    assemble(tmp_path / "once", {"a": "c4"}, cache, ABOUT)
    assemble(tmp_path / "twice", {"a": "c4", "b": "c4"}, cache, ABOUT)
    one, two = (next((tmp_path / name).glob("shard*")) for name in ("once", "twice"))
    assert one.read_bytes() == two.read_bytes()
    np.testing.assert_array_equal(*(Sequences.open(tmp_path / "twice")[key] for key in "ab"))


def test_a_finished_output_is_left_alone(tmp_path, cache, filled):
    assemble(tmp_path / "out", filled, cache, ABOUT)
    before = {path: path.stat().st_ino for path in (tmp_path / "out").iterdir()}
    assemble(tmp_path / "out", filled, cache, ABOUT)
    assert before == {path: path.stat().st_ino for path in (tmp_path / "out").iterdir()}


@pytest.mark.parametrize("name", ["shard-00000.safetensors", "index.csv"])
def test_a_flipped_bit_is_found_and_mended_with_a_line(tmp_path, cache, filled, name, capsys):
    assemble(tmp_path / "out", filled, cache, ABOUT)
    path = tmp_path / "out" / name
    whole = path.read_bytes()
    path.write_bytes(whole[:-2] + bytes([whole[-2] ^ 1]) + whole[-1:])
    assemble(tmp_path / "out", filled, cache, ABOUT)
    assert path.read_bytes() == whole
    if name != "index.csv":
        assert f"{path} is torn or altered" in capsys.readouterr().err


@pytest.mark.parametrize("gone", ["manifest.json", "index.csv", "shard-00000.safetensors"])
def test_a_missing_file_is_written_again(tmp_path, cache, filled, gone, read_all):
    assemble(tmp_path / "out", filled, cache, ABOUT)
    before = read_all(tmp_path / "out")
    (tmp_path / "out" / gone).unlink()
    assemble(tmp_path / "out", filled, cache, ABOUT)
    assert read_all(tmp_path / "out") == before


def test_what_does_not_belong_is_removed(tmp_path, cache, filled, small_shards):
    assemble(tmp_path / "out", filled, cache, ABOUT)
    (tmp_path / "out" / f"{UNFINISHED}x").write_bytes(b"half")
    assemble(tmp_path / "out", {"clip 1": "c1"}, cache, ABOUT)
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["index.csv", "manifest.json", "shard-00000.safetensors"]


def test_another_setting_is_another_output(tmp_path, cache, filled):
    assemble(tmp_path / "out", filled, cache, ABOUT)
    assemble(tmp_path / "out", filled, cache, ABOUT | {"weights": "others"})
    assert Sequences.open(tmp_path / "out").manifest["weights"] == "others"


def test_a_damaged_output_of_the_cache_stops_the_writing(tmp_path, cache, filled):
    cache.path("c3").write_bytes(b"torn")
    with pytest.raises(DamagedError):
        assemble(tmp_path / "out", filled, cache, ABOUT)
    with pytest.raises(ValueError, match=r"no manifest\.json"):
        Sequences.open(tmp_path / "out")
