"""Sound in containers that libsndfile does not read, decoded by PyAV: whole, or refused.

The rule is that of `whisq.containers`. Where a container counts its packets (mp4) all of them must
be there; else the sound must last as long as the container says, and no block may be torn. What a
browser records (webm of no told length) must end with a whole block.
"""

from __future__ import annotations

import io
from mmap import mmap
from typing import Any

import numpy as np

from whisq.containers import CutShortError
from whisq.extras import require

SUFFIXES = (
    *(".m4a", ".m4b", ".mp4", ".mov", ".aac", ".webm", ".mka", ".mkv", ".wma", ".amr", ".wv"),
    *(".ape", ".tta"),
)
MATROSKA = b"\x1aE\xdf\xa3"
SEGMENT, CLUSTER = b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75"  # hold what must be whole
STARTS = {
    MATROSKA: "webm or Matroska",
    b"0&\xb2u": "WMA",
    b"#!AM": "AMR",
    b"wvpk": "WavPack",
    b"MAC ": "Monkey's Audio",
    b"TTA1": "TTA",
}
# Seconds of sound that an encoder's first and last block may add to what is told, or take from it.
BLOCKS = 0.15


def kind_of(data: bytes | mmap) -> str | None:
    """Return what a file's first bytes say that it is, None if it is nothing of these."""
    if bytes(data[4:8]) == b"ftyp":
        return "mp4 or m4a"
    if len(data) > 1 and data[0] == 0xFF and data[1] & 0xF6 == 0xF0:
        return "AAC"
    return STARTS.get(bytes(data[:4]))


def decode(data: bytes | mmap, longest: float) -> tuple[np.ndarray, int]:
    """Return all sound in a file, float32 of shape (samples, channels), and its rate, Hz.

    Args:
        data: Of a kind that `kind_of` knows.
        longest: Seconds; of a longer file the rest is not decoded.

    Raises:
        ValueError: It can't be decoded, is cut short, holds no sound or several tracks.
    """
    require("av", "av", by=f"a file of {kind_of(data)}")
    import av

    if data[:4] == MATROSKA:
        _check_blocks(data)
    try:
        with av.open(io.BytesIO(data)) as container:
            tracks = container.streams.audio
            if len(tracks) != 1:
                raise ValueError(f"it must hold one track of sound, but holds {len(tracks)}")
            return _whole(container, tracks[0], longest)
    except av.FFmpegError as error:
        raise ValueError(
            f"it can't be read to its end ({error.strerror}): copy or render it again"
        ) from None


def _check_blocks(data: bytes | mmap) -> None:
    # A stream tells no length, and of a torn one the decoder reads what is there: each element
    # (name, size, content) must end in the file.
    at, end = 0, len(data)
    while at < end:
        name, size, inside = _element(data, at)
        at = inside if size is None or name in {SEGMENT, CLUSTER} else inside + size
        if at > end or (size is not None and inside + size > end):
            raise CutShortError("cut short: its last block of sound is torn")


def _element(data: bytes | mmap, at: int) -> tuple[bytes, int | None, int]:
    # Name, size of the content (None: not told) and where that begins. Both numbers tell their own
    # length by the zeros that they begin with.
    length = 9 - data[at].bit_length()
    name, at = bytes(data[at : at + length]), at + length
    first = data[at] if at < len(data) else 0
    width = 9 - first.bit_length()
    if length > 4 or not first or at + width > len(data):
        raise CutShortError("cut short: it ends within a block")
    size = int.from_bytes(data[at : at + width], "big") - (1 << 7 * width)
    return name, None if size == (1 << 7 * width) - 1 else size, at + width


def _whole(container: Any, track: Any, longest: float) -> tuple[np.ndarray, int]:
    import av

    floats = av.AudioResampler(format="fltp")
    parts, packets, rate, length = [], 0, track.rate, 0
    for packet in container.demux(track):
        if packet.is_corrupt:
            raise CutShortError("cut short: its last block of sound is torn")
        packets += bool(packet.size)
        for frame in packet.decode():
            parts += [part.to_ndarray() for part in floats.resample(frame)]
            length += parts[-1].shape[1] if parts else 0
        if length > (longest + 1) * rate:
            break
    if not parts:
        raise ValueError("it holds no sound that can be decoded: render it again")
    claimed = float(track.duration * track.time_base) if track.duration else None
    if claimed is None and container.duration:
        claimed = container.duration / av.time_base
    torn = length <= longest * rate and (
        packets < track.frames or length / rate + BLOCKS < (claimed or 0)
    )
    if torn:
        raise CutShortError(
            f"cut short: it tells of {claimed:.2f} s of sound, {length / rate:.2f} s are there"
        )
    return np.concatenate(parts, axis=1).T, rate
