import pickle

import numpy as np
import pytest
from safetensors.numpy import load_file

from whisq.store.sequences import Sequences


def test_sequences_tell_what_they_hold(stored, states):
    arrays = {"a": states(0, steps=3, layers=2), 'b, with "quotes"\nand lines': states(1, 5, 2)}
    sequences = stored(arrays)
    assert sequences.keys == list(arrays)
    assert sequences.lengths.tolist() == [3, 5]
    assert (sequences.dim, sequences.layers) == (3, (0, 1))
    assert "a" in sequences
    assert "c" not in sequences
    for key, array in arrays.items():
        np.testing.assert_array_equal(sequences[key], array)


def test_reading_maps_and_does_not_copy(stored, states):
    sequence = stored({"a": states()})["a"]
    assert not sequence.flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        sequence[0] = 0


@pytest.mark.parametrize("layers", [[1], [1, 0], [0, 1]])
def test_some_layers_alone_are_read_in_the_order_asked_for(stored, states, layers):
    sequences = stored({"a": states(layers=2)})
    fewer = sequences.only(layers)
    assert fewer.layers == tuple(layers)
    np.testing.assert_array_equal(fewer["a"], sequences["a"][layers])
    assert sequences.layers == (0, 1)
    last = fewer.only(layers[-1:])
    np.testing.assert_array_equal(last["a"], sequences["a"][layers[-1:]])


@pytest.mark.parametrize("layers", [[2], [0, 2], []])
def test_a_layer_that_is_not_stored_is_named(stored, states, layers):
    with pytest.raises(ValueError, match=r"holds layers \[0, 1\], asked for .*embed_audio.layers"):
        stored({"a": states(layers=2)}).only(layers)


def test_files_are_plain_safetensors(stored, states):
    (file,) = stored({"a": states()}).folder.glob("*.safetensors")
    np.testing.assert_array_equal(load_file(file)["states"], states())


def test_more_clips_are_read_than_files_may_be_open(stored, states):
    import resource

    arrays = {f"clip {number}": states(number) for number in range(80)}
    sequences = stored(arrays)
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (60, allowed[1]))
    try:
        for key, array in arrays.items():
            np.testing.assert_array_equal(sequences[key], array)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, allowed)


def test_a_key_that_was_not_embedded_is_named(stored, states):
    with pytest.raises(KeyError, match="'b' was not embedded"):
        stored({"a": states()})["b"]


def test_an_unfinished_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="run `dvc repro"):
        Sequences.open(tmp_path)


def test_a_cut_file_is_refused_at_once(stored, states):
    (file,) = stored({"a": states()}).folder.glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ValueError, match=f"{file.name} must be a file of"):
        Sequences.open(file.parent)


def test_another_process_reads_the_same(stored, states):
    sequences = stored({"a": states()})
    copy = pickle.loads(pickle.dumps(sequences))
    assert len(pickle.dumps(sequences)) < 2000
    np.testing.assert_array_equal(copy["a"], sequences["a"])
