"""Every kind of file, whole and lying: what is in it is read, or it is refused."""

import contextlib
import io
import struct

import numpy as np
import pytest
import soundfile

from whisq.containers import CutShortError, mend

RATE = 8000
CLIP = 0.5 * np.sin(np.arange(2 * RATE) ** 1.2 / 20)
PCM = {
    kind: {"format": kind, "subtype": "PCM_16"}
    for kind in ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF")
}
CODED = {
    "FLAC": {"format": "FLAC", "subtype": "PCM_16"},
    "VORBIS": {"format": "OGG", "subtype": "VORBIS"},
    "OPUS": {"format": "OGG", "subtype": "OPUS"},
    "MP3": {"format": "MP3", "subtype": "MPEG_LAYER_III"},
}
KINDS = PCM | CODED


def written(kind, samples=CLIP, rate=RATE, **more):
    file = io.BytesIO()
    soundfile.write(file, samples, rate, **KINDS[kind], **more)
    return file.getvalue()


def decoded(data):
    return soundfile.read(io.BytesIO(mend(data)[0]), dtype="float32")[0]


def wav(pcm, riff, size):
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    return (
        b"RIFF" + struct.pack("<I", riff) + b"WAVE" + form + b"data" + struct.pack("<I", size) + pcm
    )


SAMPLES = (CLIP * 32767).astype("<i2")
WHOLE = len(SAMPLES) * 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_file_passes_as_it_is(kind):
    data = written(kind)
    assert mend(data) == (data, None)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_was_cut_is_refused_or_loses_nothing_that_is_decoded_without_a_word(
    kind, share
):
    data = written(kind)
    data = data[: int(len(data) * share)]
    try:
        mended, _ = mend(data)
    except CutShortError:
        return
    # FLAC tells how many samples there should be: what the decoder gives is held against it.
    assert kind == "FLAC"
    with (
        contextlib.suppress(soundfile.LibsndfileError),
        soundfile.SoundFile(io.BytesIO(mended)) as file,
    ):
        assert len(file.read()) < file.frames


@pytest.mark.parametrize("kind", KINDS)
def test_a_header_that_was_cut_is_told_of_wherever_the_cut_is(kind):
    data = written(kind)
    for length in range(200):
        with contextlib.suppress(ValueError):
            mend(data[:length])


@pytest.mark.parametrize("size", [0, 0x7FFFF000, 0x7FFFFFDB, 0x80000000, 0xFFFFFFFF, 0xFFFFFFDB])
@pytest.mark.parametrize("riff", [0, 0x7FFFF024, 0x80000024, 0xFFFFFFFF])
def test_a_wav_from_a_pipe_is_whole_whatever_stands_for_its_length(riff, size):
    assert len(decoded(wav(SAMPLES.tobytes(), riff, size))) == len(SAMPLES)


@pytest.mark.parametrize("riff", [36 + WHOLE, 0xFFFFFFFF, 36 + WHOLE // 2])
def test_a_wav_that_claims_more_than_there_is_is_cut_short_whatever_riff_says(riff):
    with pytest.raises(CutShortError, match=f"{WHOLE} bytes of sound, {WHOLE // 2} came"):
        mend(wav(SAMPLES.tobytes()[: WHOLE // 2], riff, WHOLE))


@pytest.mark.parametrize("share", [2, 4, 10])
def test_a_wav_whose_header_covers_a_part_is_read_whole_and_says_so(share):
    data = wav(SAMPLES.tobytes(), 36 + WHOLE // share, WHOLE // share)
    assert len(decoded(data)) == len(SAMPLES)
    assert f"of {WHOLE} bytes" in mend(data)[1]


@pytest.mark.parametrize(
    "appendix",
    [
        b"LIST\x04\x00\x00\x00abcd",
        b"LIST\x04\x00\x00\x00abcdid3 \x02\x00\x00\x00ab",
        b"TAG" + bytes(125),
        b"ID3\x04" + bytes(20),
        b"APETAGEX" + bytes(24),
        bytes(300),
    ],
)
def test_chunks_tags_and_zeros_behind_the_samples_are_no_sound(appendix):
    data = wav(SAMPLES.tobytes(), 36 + WHOLE, WHOLE) + appendix
    assert mend(data) == (data, None)


@pytest.mark.parametrize(
    ("kind", "field", "unknown"),
    [
        ("AIFF", b"SSND", b"\0\0\0\0"),
        ("AIFF", b"SSND", b"\x80\0\0\0"),
        ("CAF", b"data", b"\xff" * 8),
        ("AU", b".snd\0\0\0\x18", b"\xff" * 4),
        ("W64", b"data\xf3\xac\xd3\x11\x8c\xd1\0\xc0\x4f\x8e\xdb\x8a", b"\xff" * 7 + b"\x7f"),
    ],
)
def test_other_containers_from_a_pipe_are_whole_too(kind, field, unknown):
    data = bytearray(written(kind))
    place = data.index(field) + len(field)
    data[place : place + len(unknown)] = unknown
    assert len(decoded(bytes(data))) == len(CLIP)


@pytest.mark.parametrize("length", [100, 4095, 4096, 4097, 9000, 70_000])
def test_a_flac_without_a_count_is_counted_by_its_last_frame(length):
    clip = np.tile(CLIP, 5)[:length]
    data = bytearray(written("FLAC", clip))
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    np.testing.assert_array_equal(decoded(bytes(data)), decoded(written("FLAC", clip)))
    with pytest.raises(CutShortError, match="torn"):
        mend(bytes(data[:-5]))


@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE", "AVERAGE"])
@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_an_mp3_is_read_whole_whatever_its_header_counts(mode, rate, channels):
    clip = np.stack([np.tile(CLIP, 4)] * channels, axis=1)
    data = written("MP3", clip, rate, bitrate_mode=mode, compression_level=0.5)
    whole = decoded(data)
    assert len(whole) == len(clip)
    at = max(data.find(b"Info"), data.find(b"Xing"))
    frames = int.from_bytes(data[at + 8 : at + 12], "big")
    for count in (0, 1, frames // 4, frames - 2):
        lie = data[: at + 8] + count.to_bytes(4, "big") + data[at + 12 :]
        np.testing.assert_array_equal(decoded(lie), whole)
        assert (mend(lie)[1] is not None) == (count > 0)
    with pytest.raises(CutShortError, match="frames are there"):
        mend(data[: at + 8] + (2 * frames).to_bytes(4, "big") + data[at + 12 :])


def test_an_mp3_without_a_header_frame_loses_none_of_its_frames():
    # Random noise in the quiet parts makes frames of many sizes: a guess by the first ones fails.
    loud = np.random.default_rng(0).uniform(-0.9, 0.9, 22_050)
    clip = np.concatenate([loud, np.tile(0.01 * CLIP, 8)])
    data = written("MP3", clip, 44_100, bitrate_mode="VARIABLE", compression_level=0.6)
    at = data.find(b"Xing") - 4
    start = data.rfind(b"\xff\xfb", 0, at)
    second = data.find(b"\xff\xfb", at + 100)
    bare = data[:start] + data[second:]
    whole, found = decoded(data), decoded(bare)
    lags = [
        lag for lag in range(1200) if abs(found[lag : lag + 20_000] - whole[:20_000]).max() < 1e-5
    ]
    assert lags, "the same sound, later by the encoder's own delay"
    assert len(found) >= len(whole)


def test_tags_before_and_behind_an_mp3_are_no_frames():
    data = written("MP3")
    tagged = b"ID3\x04\0\0\0\0\x02\x01" + bytes(257) + data + b"TAG" + bytes(125)
    np.testing.assert_array_equal(decoded(tagged), decoded(data))


def test_a_hole_in_a_stream_is_damage():
    ogg = written("VORBIS", np.tile(CLIP, 40))
    pages = [at for at in range(len(ogg)) if ogg[at : at + 4] == b"OggS"]
    with pytest.raises(ValueError, match="damaged"):
        mend(ogg[: pages[3]] + ogg[pages[4] :])
    mp3 = written("MP3", np.tile(CLIP, 4))
    with pytest.raises(ValueError, match="damaged"):
        mend(mp3[: len(mp3) // 2] + b"no frame" * 9 + mp3[len(mp3) // 2 :])


def test_recordings_one_after_another_are_not_read_as_the_first_alone():
    ogg = written("VORBIS")
    with pytest.raises(ValueError, match="several recordings"):
        mend(ogg + ogg)


@pytest.mark.parametrize("data", [b"", b"RIFF", b"not a sound", b"\0\0\0\x20ftypM4A " + bytes(100)])
def test_what_is_of_no_known_kind_is_refused_by_the_kinds_that_are(data):
    with pytest.raises(ValueError, match="FLAC, Ogg"):
        mend(data)


@pytest.mark.parametrize("kind", KINDS)
def test_of_two_recordings_in_one_file_no_half_is_read_as_the_whole(kind):
    try:
        samples = decoded(written(kind) * 2)
    except (ValueError, soundfile.LibsndfileError):
        return
    assert len(samples) >= 2 * len(CLIP)
