"""Sound that libsndfile does not read: whole or refused where PyAV is, else refused by name."""

import numpy as np
import pytest

from whisq import extras, foreign
from whisq.audio import read
from whisq.extras import MissingExtraError

RATE = 48_000
STARTS = {
    "m4a": b"\0\0\0\x20ftypM4A \0\0\0\0",
    "webm": b"\x1aE\xdf\xa3\x9fB\x86\x81\x01",
    "aac": b"\xff\xf1\x50\x80\x03\xdf\xfc",
    "wma": b"0&\xb2u\x8ef\xcf\x11",
}


@pytest.mark.parametrize("kind", STARTS)
def test_without_pyav_a_file_is_refused_and_what_to_install_is_said(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    path = tmp_path / f"clip.{kind}"
    path.write_bytes(STARTS[kind])
    with pytest.raises(MissingExtraError, match=rf"clip.{kind}.* needs av: .*whisq\[av\]"):
        read(path)


@pytest.mark.parametrize("kind", STARTS)
def test_what_only_begins_like_sound_is_refused(kind):
    pytest.importorskip("av")
    with pytest.raises(ValueError, match=r"can't be read to its end|cut short"):
        read(STARTS[kind])


class Pipe:
    """Where a writer can't go back."""

    def __init__(self):
        self.data = b""

    def write(self, data):
        self.data += bytes(data)
        return len(data)


MADE = {
    "m4a": ("ipod", "aac", {}),
    "mp4 with its index first": ("mp4", "aac", {"movflags": "faststart"}),
    "mov": ("mov", "alac", {}),
    "webm": ("webm", "libopus", {}),
    "mka": ("matroska", "flac", {}),
    "aac": ("adts", "aac", {}),
    "wavpack": ("wv", "wavpack", {}),
}
PIPED = {"webm from a browser": ("webm", "libopus"), "mka from a pipe": ("matroska", "aac")}
ALL = [*MADE, *PIPED]


@pytest.fixture(scope="module")
def make(tmp_path_factory):
    """A file's bytes of any kind, 3 s of a tone: `make("m4a", channels=2)`."""
    av = pytest.importorskip("av")
    folder = tmp_path_factory.mktemp("foreign")

    def written(kind, channels=1):
        form, codec, options = MADE.get(kind) or (*PIPED[kind], {})
        place = Pipe() if kind in PIPED else str(folder / "sound")
        with av.open(place, "w", format=form, options=options) as container:
            layout = "stereo" if channels == 2 else "mono"
            track = container.add_stream(codec, rate=RATE, layout=layout)
            tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(3 * RATE) / RATE).astype(np.float32)
            samples = np.stack([tone, 0.5 * tone][:channels])
            convert, size = av.AudioResampler(format=track.format), 1024 if codec == "aac" else 960
            for start in range(0, samples.shape[1], size):
                part = np.ascontiguousarray(samples[:, start : start + size])
                frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=layout)
                frame.rate, frame.pts = RATE, start
                for piece in convert.resample(frame):
                    container.mux(track.encode(piece))
            container.mux(track.encode(None))
        return place.data if kind in PIPED else (folder / "sound").read_bytes()

    return written


@pytest.mark.parametrize("kind", ALL)
def test_all_of_the_sound_is_read(kind, make):
    clip = read(make(kind))
    assert clip.rate == RATE
    assert clip.seconds == pytest.approx(3, abs=foreign.BLOCKS)
    found = np.abs(np.fft.rfft(clip.samples[:RATE]))
    assert found.argmax() == 440
    assert clip.samples[RATE : 2 * RATE].std() == pytest.approx(0.3 / np.sqrt(2), abs=0.01)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("share", [0.99, 0.9, 0.5, 0.2])
def test_a_part_is_never_scored_as_the_whole(kind, share, make):
    data = make(kind)
    with pytest.raises(ValueError, match=r"can't be read to its end|cut short|no sound"):
        read(data[: int(share * len(data))])


def test_channels_are_averaged_as_of_any_file(make):
    clip = read(make("mka", channels=2))
    assert clip.channels == 2
    assert np.abs(clip.samples).max() == pytest.approx(0.225, abs=0.01)


def test_a_film_without_sound_is_refused(tmp_path):
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "film.mp4"), "w", format="mp4") as container:
        track = container.add_stream("mpeg4", rate=24)
        track.width = track.height = 16
        frame = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
        container.mux(track.encode(frame))
        container.mux(track.encode(None))
    with pytest.raises(ValueError, match="must hold one track of sound, but holds 0"):
        read(tmp_path / "film.mp4")
