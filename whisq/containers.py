"""Where each sound container keeps the truth about its length, and files that tell it wrongly.

A decoder believes a header: of a file that was cut it reads what is left, of a stream whose writer
could not go back it reads nothing or a guess. The rule here is one for all containers: the sound
that is in the file is read, all of it; a file that holds less than it claims is refused.

* wav, RF64, W64, AIFF, AU, CAF claim it in the data chunk's size; 0, or a size near the field's
  end, is what a writer to a pipe leaves. Fewer bytes than claimed: cut short.
* FLAC counts its samples in STREAMINFO; 0 is unknown, and the last frame's own number tells.
* Ogg (Vorbis, Opus) ends with a page that says so; without it the file is cut short.
* mp3 has its frames; a Xing or Info header may count them, or count wrongly, or not be there.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from mmap import mmap

Bytes = bytes | mmap
Mended = tuple[Bytes, str | None]

PIPED = 0x7FF00000  # sizes from here on are what writers to a pipe put where they can't go back
KINDS = "wav, RF64, W64, AIFF, AU, CAF, FLAC, Ogg (Vorbis, Opus) and mp3"
SUFFIXES = (
    *(".wav", ".wave", ".bwf", ".rf64", ".w64", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf"),
    *(".flac", ".ogg", ".oga", ".opus", ".mp3"),
)


class CutShortError(ValueError):
    """A file holds less sound than it claims."""


def mend(data: Bytes) -> Mended:
    """Check that a sound file is whole, and correct a header that tells less than there is.

    Args:
        data: The file's bytes, or a map of them.

    Returns:
        The bytes to decode, `data` itself unless the header had to be corrected, and a sentence
        on what was corrected that the user may want to know, None as a rule. A file that is
        damaged, or of no kind whose length can be checked, raises a `ValueError`.

    Raises:
        CutShortError: It holds less than it claims.
    """
    try:
        return _reader(data)(data)
    except (struct.error, IndexError):
        raise CutShortError("cut short: its header is torn") from None


def _reader(data: Bytes) -> Callable[[Bytes], Mended]:
    head, kind = data[:4], data[8:12]
    if head in {b"RIFF", b"RIFX", b"RF64", b"BW64"} and kind == b"WAVE":
        return _wave
    if head == b"FORM" and kind in {b"AIFF", b"AIFC"}:
        return _aiff
    known = {b"riff": _w64, b".snd": _au, b"dns.": _au, b"caff": _caf, b"OggS": _ogg}
    if head in known:
        return known[head]
    start = _after_id3(data)
    if data[start : start + 4] == b"fLaC":
        return _flac
    if _first_frame(data, start) is not None:
        return _mp3
    raise ValueError(f"it is not a sound file that can be read: give {KINDS}, or what PyAV decodes")


def _chunks(
    data: Bytes, start: int, header: str, last: bytes, pad: int = 2, own: int = 0
) -> dict[bytes, tuple[int, int]]:
    # Where each chunk's contents are and the size that it claims, up to the chunk of sound. A size
    # counts `own` bytes of the header with it.
    found, at, lead = {}, start, struct.calcsize(header)
    while at + lead <= len(data):
        name, size = struct.unpack(header, data[at : at + lead])
        found[name] = at + lead, size - own
        if name == last:
            return found
        at += lead + max(0, size - own + -size % pad)
    raise ValueError(f"it has no sound (no chunk {last.decode()})")


def _settle(
    data: Bytes,
    sound: tuple[int, int],
    changes: list[tuple[int, bytes]],
    pad: int = 1,
    piped: tuple[int, int] = (0, PIPED),
) -> Mended:
    # What is decoded of a file whose sound has this place and claimed size. Sizes up to one limit
    # of `piped`, and too large ones from the other on, tell nothing. `changes` make the header tell
    # of all that is there. With a pad of 0 nothing that follows is sound.
    at, claimed = sound
    there, said = len(data) - at, None
    if claimed > piped[0] and not (claimed > there and claimed >= piped[1]):
        if claimed > there:
            raise CutShortError(
                f"cut short: its header tells of {claimed} bytes of sound, {there} came"
            )
        if claimed == there or not pad or _is_appendix(data[at + claimed + claimed % pad :]):
            return data, None
        said = f"its header tells of {claimed} of {there} bytes of sound; all of it is read"
    return (_patched(data, *changes), said) if claimed != there else (data, None)


def _is_appendix(rest: Bytes) -> bool:
    # What may follow the sound: further chunks, tags, zeros; anything else is sound as well.
    if rest[:3] in {b"TAG", b"ID3"} or rest[:8] == b"APETAGEX" or not any(rest[:4096]):
        return True
    at = 0
    while at + 8 <= len(rest):
        size = min(int.from_bytes(rest[at + 4 : at + 8], order) for order in ("little", "big"))
        if not all(32 <= letter < 127 for letter in rest[at : at + 4]) or size > len(rest) - at - 7:
            return False
        at += 8 + size + size % 2
    return True


def _patched(data: Bytes, *changes: tuple[int, bytes]) -> bytes:
    copy = bytearray(data)
    for place, value in changes:
        copy[place : place + len(value)] = value
    return bytes(copy)


def _size(value: int, order: str = ">") -> bytes:
    return struct.pack(f"{order}I", min(max(value, 0), 0xFFFFFFFE))


def _wave(data: Bytes) -> Mended:
    order = ">" if data[:4] == b"RIFX" else "<"
    found = _chunks(data, 12, f"{order}4sI", b"data")
    at, size = found[b"data"]
    claimed = size
    if b"ds64" in found and size == 0xFFFFFFFF:
        claimed = struct.unpack_from("<Q", data, found[b"ds64"][0] + 8)[0]
    guess = PIPED if claimed == size else 1 << 64  # ds64 is right, or as unknown as the size
    sizes = [(4, _size(len(data) - 8, order)), (at - 4, _size(len(data) - at, order))]
    name = b"RIFX" if order == ">" else b"RIFF"
    return _settle(data, (at, claimed), [(0, name), *sizes], 2, (0, guess))


def _aiff(data: Bytes) -> Mended:
    found = _chunks(data, 12, ">4sI", b"SSND")
    at, size = found[b"SSND"]
    changes = [(4, _size(len(data) - 8)), (at - 4, _size(len(data) - at))]
    if b"COMM" in found:
        common = found[b"COMM"][0]
        channels, _, bits = struct.unpack_from(">hIh", data, common)
        frames = (len(data) - at - 8) // max(1, channels * ((bits + 7) // 8))
        changes.append((common + 2, _size(frames)))
    return _settle(data, (at, size), changes, 2, (8, PIPED))


def _au(data: Bytes) -> Mended:
    order = ">" if data[:4] == b".snd" else "<"
    at, size = struct.unpack_from(f"{order}II", data, 4)
    return _settle(data, (at, size), [(8, _size(len(data) - at, order))])


def _w64(data: Bytes) -> Mended:
    at, size = _chunks(data, 40, "<4s12xQ", b"data", pad=8, own=24)[b"data"]
    sizes = [(16, len(data)), (at - 8, len(data) - at + 24)]
    changes = [(place, struct.pack("<Q", value)) for place, value in sizes]
    return _settle(data, (at, size), changes, 0, (0, 1 << 62))


def _caf(data: Bytes) -> Mended:
    at, size = _chunks(data, 8, ">4sq", b"data", pad=1)[b"data"]
    return _settle(
        data, (at, size), [(at - 8, struct.pack(">q", len(data) - at))], piped=(-1, 1 << 63)
    )


def _ogg(data: Bytes) -> Mended:
    at, ended, begun, serial, expected = 0, False, False, None, 0
    while data[at : at + 4] == b"OggS":
        if at + 27 > len(data) or at + 27 + data[at + 26] > len(data):
            raise CutShortError("cut short: its last page is torn")
        flags, number, page = data[at + 5], *struct.unpack("<II", data[at + 14 : at + 22])
        first, begun = bool(flags & 2), True
        if first and serial is not None:
            raise ValueError("it holds several recordings: give each as a file of its own")
        if not first and page != expected:
            raise ValueError(f"it is damaged: page {page} comes where {expected} should")
        serial, expected, ended = number, page + 1, bool(flags & 4)
        segments = data[at + 26]
        at += 27 + segments + sum(data[at + 27 : at + 27 + segments])
        if at > len(data):
            raise CutShortError("cut short: its last page is torn")
    if not (begun and ended):
        raise CutShortError("cut short: no page ends its stream")
    return data, None


def _after_id3(data: Bytes) -> int:
    at = 0
    while data[at : at + 3] == b"ID3" and at + 10 <= len(data):
        size = 0
        for seven in data[at + 6 : at + 10]:
            size = size << 7 | seven & 127
        at += 10 + size + (10 if data[at + 5] & 16 else 0)
    return at


# The mark and the length of the first block, which is the same in every stream.
FLAC_START = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22")


def _flac(data: Bytes) -> Mended:
    # A known count is held against what is decoded; an unknown one stands in the last frame.
    at = _after_id3(data) + 8
    if len(FLAC_START.findall(data)) > 1:
        raise ValueError("it holds several recordings: give each as a file of its own")
    field = int.from_bytes(data[at + 10 : at + 18], "big")
    if field & 0xFFFFFFFFF:
        return data, None
    total = _flac_samples(data, block=int.from_bytes(data[at + 2 : at + 4], "big"))
    if total is None:
        raise CutShortError("cut short: its last frame is torn")
    return _patched(data, (at + 10, (field | total).to_bytes(8, "big"))), None


def _flac_samples(data: Bytes, block: int) -> int | None:
    # Samples up to the end of the last frame that is whole to the file's end, by its own number.
    end = len(data) - 128 if data[-128:-125] == b"TAG" else len(data)
    at = end
    while (at := data.rfind(b"\xff", 0, at)) >= max(0, end - (1 << 20)):
        frame = data[at:end]
        if frame[1:2] not in {b"\xf8", b"\xf9"} or len(frame) < 8 or _crc16(frame):
            continue
        lead = max(0, 8 - (frame[4] ^ 255).bit_length())  # ones that a coded number begins with
        coded = frame[4 : 4 + max(1, lead)]
        number = coded[0] & (0x7F >> lead if lead else 0x7F)
        for byte in coded[1:]:
            number = number << 6 | byte & 63
        own, kind = frame[4 + len(coded) :], frame[2] >> 4
        sizes = {1: 192, 6: own[0] + 1, 7: int.from_bytes(own[:2], "big") + 1}
        size = sizes.get(kind) or (576 << kind - 2 if kind < 6 else 256 << kind - 8)
        return number + size if frame[1] & 1 else number * block + size
    return None


def _crc16(data: bytes) -> int:
    value = 0
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ (0x18005 if value & 0x8000 else 0)) & 0xFFFF
    return value


KBPS = {
    3: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
HZ = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def _frame_size(header: bytes) -> int | None:
    # Bytes of an MPEG layer III frame by its header of four bytes; None if it is none.
    if len(header) < 4 or header[0] != 255 or header[1] & 0xE6 != 0xE2:
        return None
    version, rate, sampling = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or rate in {0, 15} or sampling == 3:
        return None
    kbps = KBPS[3 if version == 3 else 2][rate]
    return (144 if version == 3 else 72) * kbps * 1000 // HZ[version][sampling] + (
        header[2] >> 1 & 1
    )


def _first_frame(data: Bytes, start: int, within: int = 1 << 16) -> int | None:
    # Two frames in a row: two bytes alone look like a header by chance.
    for at in range(start, min(start + within, len(data) - 3)):
        size = _frame_size(data[at : at + 4]) if data[at] == 255 else None
        if size and (at + size == len(data) or _frame_size(data[at + size : at + size + 4])):
            return at
    return None


def _frames(data: Bytes, start: int) -> int:
    # How many whole frames follow each other to the end of the file, tags among them.
    at, count = start, 0
    while at < len(data):
        size = _frame_size(data[at : at + 4])
        if size is None:
            further = _after_tag(data, at)
            if further is None:
                raise ValueError(f"it is damaged: bytes {at} and on are no mp3 frames")
            at = further
            continue
        if at + size > len(data):
            raise CutShortError(f"cut short: its last frame has {len(data) - at} of {size} bytes")
        at, count = at + size, count + 1
    return count


def _after_tag(data: Bytes, at: int) -> int | None:
    # Where the next frame may be after a tag; None if what stands there is no tag.
    head = data[at : at + 8]
    if head[:3] == b"TAG":
        return at + 128
    if head[:3] == b"ID3":
        return at + _after_id3(data[at:])
    ends = head == b"APETAGEX" or head[:6] == b"LYRICS" or len(data) - at < 4
    return len(data) if ends or not any(data[at:]) else None


def _mp3(data: Bytes) -> Mended:
    start = _first_frame(data, _after_id3(data)) or 0
    count, header = _frames(data, start), data[start : start + 4]
    mono, version = header[3] >> 6 == 3, header[1] >> 3 & 3
    side = (21 if mono else 36) if version == 3 else (13 if mono else 21)
    place = start + side + 8
    tagged = data[place - 8 : place - 4] in {b"Xing", b"Info"}
    count -= tagged  # the header is a frame itself
    if not tagged or not data[place - 1] & 1:
        return data[:start] + _info(header, side, count) + data[start:], None
    counted = int.from_bytes(data[place : place + 4], "big")
    if counted > count + 1:
        raise CutShortError(f"cut short: {count} of {counted} frames are there")
    if counted in {count, count + 1}:
        return data, None
    said = f"its header tells of {counted} of {count} frames; all are read" if counted else None
    return _patched(data, (place, count.to_bytes(4, "big"))), said


def _info(header: bytes, side: int, count: int) -> bytes:
    # A silent frame that tells how many follow, as encoders put it first.
    for rate in range(1, 15):
        first = bytes([255, header[1] | 1, rate << 4 | header[2] & 0x0C, header[3]])
        size = _frame_size(first)
        if size and size >= side + 12:
            break
    told = b"Info" + (1).to_bytes(4, "big") + count.to_bytes(4, "big")
    return (first + bytes(side - 4) + told).ljust(size or 0, b"\0")
