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
from collections.abc import Callable, Iterator
from mmap import mmap

Bytes = bytes | mmap

PIPED = 0x7FF00000  # sizes from here on are what writers to a pipe put where they can't go back
KINDS = "wav, RF64, W64, AIFF, AU, CAF, FLAC, Ogg (Vorbis, Opus) and mp3"
SUFFIXES = (
    *(".wav", ".wave", ".bwf", ".rf64", ".w64", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf"),
    *(".flac", ".ogg", ".oga", ".opus", ".mp3"),
)


class CutShortError(ValueError):
    """A file holds less sound than it claims."""


def mend(data: Bytes) -> tuple[Bytes, str | None]:
    """Check that a sound file is whole, and correct a header that tells less than there is.

    Args:
        data: The file's bytes, or a map of them.

    Returns:
        The bytes to decode, `data` itself unless the header had to be corrected, and a sentence
        on what was corrected that the user may want to know, None as a rule. A file that holds
        less than it claims raises a `CutShortError`; one that is damaged, or of no kind whose
        length can be checked, a `ValueError`.
    """
    return _reader(data)(data)


def _reader(data: Bytes) -> Callable[[Bytes], tuple[Bytes, str | None]]:
    head, kind = bytes(data[:4]), bytes(data[8:12])
    if head in {b"RIFF", b"RIFX", b"RF64", b"BW64"} and kind == b"WAVE":
        return _wave
    if head == b"FORM" and kind in {b"AIFF", b"AIFC"}:
        return _aiff
    known = {b"riff": _w64, b".snd": _au, b"dns.": _au, b"caff": _caf, b"OggS": _ogg}
    if head in known:
        return known[head]
    start = _after_id3(data)
    if bytes(data[start : start + 4]) == b"fLaC":
        return _flac
    if _first_frame(data, start) is not None:
        return _mp3
    raise ValueError(f"it is not a sound file that can be read: give {KINDS}")


def _settle(claimed: int, there: int, piped: bool, rest: Bytes) -> tuple[int, str | None]:
    # The bytes of sound, and what to say where the header has to be corrected.
    if piped:
        return there, None
    if claimed > there:
        raise CutShortError(
            f"cut short: its header tells of {claimed} bytes of sound, {there} came"
        )
    if claimed < there and not _is_appendix(rest):
        said = f"its header tells of {claimed} of {there} bytes of sound; all of it is read"
        return there, said
    return claimed, None


def _is_appendix(rest: Bytes) -> bool:
    # What may follow the sound: further chunks, tags, zeros; anything else is sound as well.
    if rest[:3] in {b"TAG", b"ID3"} or rest[:8] == b"APETAGEX" or not any(rest[:4096]):
        return True
    at = 0
    while at + 8 <= len(rest):
        name = rest[at : at + 4]
        sizes = struct.unpack("<I", rest[at + 4 : at + 8]) + struct.unpack(
            ">I", rest[at + 4 : at + 8]
        )
        if not all(32 <= letter < 127 for letter in name) or min(sizes) > len(rest) - at - 8 + 1:
            return False
        at += 8 + min(sizes) + min(sizes) % 2
    return True


def _chunks(data: Bytes, start: int, order: str) -> Iterator[tuple[bytes, int, int]]:
    # Name, place of the contents and claimed size of each chunk of four letters and 32 bits.
    at = start
    while at + 8 <= len(data):
        name, size = struct.unpack(f"{order}4sI", data[at : at + 8])
        yield name, at + 8, size
        at += 8 + size + size % 2


def _patched(data: Bytes, *changes: tuple[int, bytes]) -> bytes:
    copy = bytearray(data)
    for place, value in changes:
        copy[place : place + len(value)] = value
    return bytes(copy)


def _wave(data: Bytes) -> tuple[Bytes, str | None]:
    order, large = ">" if data[:4] == b"RIFX" else "<", None
    for name, at, size in _chunks(data, 12, order):
        if name == b"ds64":
            large = struct.unpack("<Q", data[at + 8 : at + 16])[0]
        if name != b"data":
            continue
        claimed = large if large is not None and size == 0xFFFFFFFF else size
        there = len(data) - at
        piped = claimed == 0 or (claimed > there and claimed == size and size >= PIPED)
        true, said = _settle(claimed, there, piped, data[at + claimed + claimed % 2 :])
        if true == claimed:
            return data, None
        whole = struct.pack(f"{order}I", min(at + true - 8, 0xFFFFFFFE))
        sizes = [(4, whole), (at - 4, struct.pack(f"{order}I", min(true, 0xFFFFFFFE)))]
        return _patched(data, (0, b"RIFX" if order == ">" else b"RIFF"), *sizes), said
    raise ValueError("it has no data chunk")


def _aiff(data: Bytes) -> tuple[Bytes, str | None]:
    common = None
    for name, at, size in _chunks(data, 12, ">"):
        if name == b"COMM":
            common = at
        if name != b"SSND":
            continue
        there = len(data) - at
        piped = size <= 8 or (size > there and size >= PIPED)
        true, said = _settle(size, there, piped, data[at + size + size % 2 :])
        if true == size:
            return data, None
        changes = [(4, struct.pack(">I", len(data) - 8)), (at - 4, struct.pack(">I", true))]
        if common is not None:
            channels, _, bits = struct.unpack(">hIh", data[common : common + 8])
            frames = (true - 8) // max(1, channels * ((bits + 7) // 8))
            changes.append((common + 2, struct.pack(">I", frames)))
        return _patched(data, *changes), said
    raise ValueError("it has no sound chunk (SSND)")


def _au(data: Bytes) -> tuple[Bytes, str | None]:
    order = ">" if data[:4] == b".snd" else "<"
    at, size = struct.unpack(f"{order}II", data[4:12])
    there = len(data) - at
    piped = size == 0 or (size > there and size >= PIPED)
    true, said = _settle(size, there, piped, data[at + size :])
    return (
        (data, None)
        if true == size
        else (_patched(data, (8, struct.pack(f"{order}I", true))), said)
    )


def _w64(data: Bytes) -> tuple[Bytes, str | None]:
    at = 40  # past riff, its size and wave, 16 bytes a name
    while at + 24 <= len(data):
        name, size = bytes(data[at : at + 4]), struct.unpack("<Q", data[at + 16 : at + 24])[0]
        if name == b"data":
            there = len(data) - at - 24
            piped = size in {0, 24} or (size > there and size >= 1 << 62)
            # Names of further chunks are 16 bytes: what follows is told by its first letters.
            rest = data[at + size + -size % 8 :] if size < len(data) else b""
            true, said = _settle(max(0, size - 24), there, piped, b"" if rest[4:8] else rest)
            if true == size - 24:
                return data, None
            sizes = [(16, struct.pack("<Q", len(data))), (at + 16, struct.pack("<Q", true + 24))]
            return _patched(data, *sizes), said
        at += max(24, size + -size % 8)
    raise ValueError("it has no data chunk")


def _caf(data: Bytes) -> tuple[Bytes, str | None]:
    at = 8
    while at + 12 <= len(data):
        name, size = struct.unpack(">4sq", data[at : at + 12])
        if name == b"data":
            there = len(data) - at - 12
            true, said = _settle(size, there, size < 0, data[at + 12 + max(0, size) :])
            return (
                (data, None)
                if true == size
                else (_patched(data, (at + 4, struct.pack(">q", true))), said)
            )
        at += 12 + max(0, size)
    raise ValueError("it has no data chunk")


def _ogg(data: Bytes) -> tuple[Bytes, str | None]:
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
    while bytes(data[at : at + 3]) == b"ID3" and at + 10 <= len(data):
        size = 0
        for seven in data[at + 6 : at + 10]:
            size = size << 7 | seven & 127
        at += 10 + size + (10 if data[at + 5] & 16 else 0)
    return at


# The mark and the length of the first block, which is the same in every stream.
FLAC_START = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22")


def _flac(data: Bytes) -> tuple[Bytes, str | None]:
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
    end = len(data) - 128 if bytes(data[-128:-125]) == b"TAG" else len(data)
    at = end
    while (at := data.rfind(b"\xff", 0, at)) >= max(0, end - (1 << 20)):
        frame = bytes(data[at:end])
        if frame[1:2] not in {b"\xf8", b"\xf9"} or len(frame) < 8 or _crc(frame, 0x8005, 16):
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


def _crc(data: bytes, polynomial: int, bits: int) -> int:
    value, top, all_ones = 0, 1 << bits - 1, (1 << bits) - 1
    for byte in data:
        value ^= byte << bits - 8
        for _ in range(8):
            value = (value << 1 ^ (polynomial if value & top else 0)) & all_ones
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
        size = _frame_size(bytes(data[at : at + 4])) if data[at] == 255 else None
        if size and (at + size == len(data) or _frame_size(bytes(data[at + size : at + size + 4]))):
            return at
    return None


def _frames(data: Bytes, start: int) -> int:
    # How many whole frames follow each other to the end of the file, tags among them.
    at, count = start, 0
    while at < len(data):
        size = _frame_size(bytes(data[at : at + 4]))
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
    head = bytes(data[at : at + 8])
    if head[:3] == b"TAG":
        return at + 128
    if head[:3] == b"ID3":
        return at + _after_id3(data[at:])
    ends = head == b"APETAGEX" or head[:6] == b"LYRICS" or len(data) - at < 4
    return len(data) if ends or not any(data[at:]) else None


def _mp3(data: Bytes) -> tuple[Bytes, str | None]:
    start = _first_frame(data, _after_id3(data)) or 0
    count, header = _frames(data, start), bytes(data[start : start + 4])
    mono, version = header[3] >> 6 == 3, header[1] >> 3 & 3
    side = (21 if mono else 36) if version == 3 else (13 if mono else 21)
    tag = bytes(data[start + side : start + side + 4])
    if tag not in {b"Xing", b"Info"}:
        return bytes(data[:start]) + _info(header, side, count) + bytes(data[start:]), None
    place = start + side + 8
    counted = int.from_bytes(data[place : place + 4], "big") if data[place - 1] & 1 else 0
    count -= 1  # the header is a frame itself
    if counted > count + 1:
        raise CutShortError(f"cut short: {count} of {counted} frames are there")
    if counted in {count, count + 1}:
        return data, None
    if not data[place - 1] & 1:
        return bytes(data[:start]) + _info(header, side, count) + bytes(data[start:]), None
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
