import struct

import numpy as np
import pytest

from whisq.encoders.whisper_weights import read, whisper_encoder


def packed(variables, version=6):
    """Write a CTranslate2 file: name to (type number, array)."""

    def text(value):
        return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"

    data = struct.pack("<I", version) + text("WhisperSpec") + struct.pack("<II", 3, len(variables))
    for name, (kind, array) in variables.items():
        data += text(name) + struct.pack("<B", array.ndim)
        data += b"".join(struct.pack("<I", size) for size in array.shape)
        data += struct.pack("<BI", kind, array.nbytes) + array.tobytes()
    return data + struct.pack("<I", 0)


def test_variables_come_back_with_name_shape_and_value():
    halves = np.arange(6, dtype=np.float16).reshape(2, 3)
    scalar = np.array(8, dtype=np.int16)
    found = read(packed({"a/b": (4, halves), "heads": (2, scalar)}))
    np.testing.assert_array_equal(found["a/b"], halves)
    assert found["a/b"].dtype == np.float16
    assert found["heads"].item() == 8


def test_another_version_is_refused():
    with pytest.raises(ValueError, match="version 6 is needed, given 5"):
        read(packed({}, version=5))


def test_an_unknown_type_is_refused():
    with pytest.raises(ValueError, match="type 9"):
        read(packed({"x": (9, np.zeros(1, dtype=np.int8))}))


def test_stacked_query_key_and_value_are_taken_apart():
    weight = np.arange(18, dtype=np.float16).reshape(6, 3)
    found = whisper_encoder({"encoder/layer_4/self_attention/linear_0/weight": weight})
    np.testing.assert_array_equal(found["layers.4.self_attn.k_proj.weight"], weight[2:4])
    assert sorted(name[-13:-7] for name in found) == ["k_proj", "q_proj", "v_proj"]


def test_the_key_has_no_bias():
    bias = np.arange(6, dtype=np.float16)
    found = whisper_encoder({"encoder/layer_0/self_attention/linear_0/bias": bias})
    assert sorted(found) == ["layers.0.self_attn.q_proj.bias", "layers.0.self_attn.v_proj.bias"]


def test_the_decoder_is_left_out():
    assert whisper_encoder({"decoder/layer_0/x": np.ones(3)}) == {}


def test_an_unknown_variable_is_refused():
    with pytest.raises(ValueError, match="layer_0/adapter"):
        whisper_encoder({"encoder/layer_0/adapter": np.ones(3)})
