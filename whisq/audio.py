"""A clip, whatever it is handed over as, made samples that an encoder reads: one decoder, one rule.

Corpus check, embedding, scoring, probes and serving all come through here. A clip that can't be
scored as it is meant is an error, never a number; what is odd but can be scored is a note.

* **Whole**: all sound in the file is read, or the file is refused (`whisq.containers`; what PyAV
  decodes, m4a and webm among it: `whisq.foreign`).
* **Channels** are averaged, 8 at most; an array of more than two says which axis holds them. Where
  they cancel each other (the average is more than 30 dB below them) the clip is refused.
* **Scale**: full scale is 1. Peaks above 1.5 are kept and noted, above 8 refused: such samples
  were meant as something else. Nothing is normalised: loudness is part of a clip.
* **Silence**: samples that never move by a 16-bit step are refused, in the whole clip or in the
  seconds that are heard (30 unless the model has other); silence in more than half of these is
  noted.
* **Length**: 25 ms (one analysis window) to an hour.
* **Rate**: any; 16 kHz is what encoders get. Common rates are resampled by torchaudio; odd ones,
  whose filter it would lay out in full, by scipy, so that memory grows with the clip alone.

Conventions: samples are floats, full scale 1; mono float32 of shape (samples,) comes out.
"""

from __future__ import annotations

import io
import math
import mmap
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from whisq import foreign
from whisq.containers import mend
from whisq.extras import MissingExtraError
from whisq.files import digest_of

if TYPE_CHECKING:
    from torch import Tensor

    Audio = str | os.PathLike[str] | bytes | BinaryIO | np.ndarray | Tensor | Mapping[str, Any]

RATE = 16_000  # Hz, what Whisper was trained on
SHORTEST = 400  # samples at 16 kHz, one analysis window of 25 ms
HEARD = 30  # seconds that an encoder reads, Whisper's window
LONGEST = 3600  # seconds
LARGEST = 2**29  # samples of all channels, 2 GB decoded
CHANNELS = 8
QUIETEST = 2**-15  # one step of 16 bits: what moves by less is silence
QUIET = 1e-3  # -60 dB of full scale: a stretch below it counts as silent
NOTED, LOUDEST = 1.5, 8.0  # peaks that are noted, and those that can't have been meant
CANCELLED = 10 ** (-30 / 20)  # the average's loudness beside the channels'; Vorbis leaves -36 dB
FILTER = 2**22  # taps that torchaudio may lay out, 16 MB


@dataclass(frozen=True)
class Sound:
    """A decoded clip.

    Attributes:
        samples: Mono, float32, shape (samples,), full scale 1.
        rate: Hz.
        channels: How many there were.
        notes: What to know of a score of it, a sentence each.
        peak: Of all channels, full scale 1.
        silent: Share of what is heard of it that is silent, 0 to 1.
    """

    samples: np.ndarray
    rate: int
    channels: int = 1
    notes: tuple[str, ...] = ()
    peak: float = 1.0
    silent: float = 0.0

    @property
    def loudness(self) -> float | None:
        """Integrated loudness of the samples, LUFS; None of what is too short or quiet for it.

        Source: ITU-R BS.1770-4, whose gate wants 0.4 s above -70 LUFS.
        """
        import torch
        from torchaudio.functional import loudness

        if self.seconds < 0.4:
            return None
        # torchaudio's filters, which raise the treble by 4 dB, clip at full scale.
        gain = min(1.0, 0.5 / float(np.abs(self.samples).max()))
        with torch.inference_mode():
            lufs = float(loudness(torch.from_numpy(gain * self.samples)[None], self.rate))
        return lufs - 20 * math.log10(gain) if math.isfinite(lufs) else None

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.samples) / self.rate

    @property
    def digest(self) -> str:
        """SHA-256 of what was decoded, before any resampling, hexadecimal."""
        return digest_of("audio", str(self.rate), self.samples.data)


def read(
    audio: Audio | Sound,
    rate: int | None = None,
    channels_first: bool | None = None,
    heard: float = HEARD,
) -> Sound:
    """Read a clip of any form.

    Args:
        audio: A path, a sound file's bytes, an open binary file, floats as `sound` takes them, an
            audio dict of `datasets` (`array` and `sampling_rate`), or what this returned before.
        rate: Of an array, Hz; the others know their own.
        channels_first: Of an array, as in `sound`.
        heard: As in `sound`.

    Returns:
        The clip.

    Raises:
        ValueError: It can't be scored; the message names it and says what to do.
    """
    if isinstance(audio, Sound):
        return audio
    if isinstance(audio, Mapping):
        return _of_mapping(audio, rate, channels_first, heard)
    if isinstance(audio, str | os.PathLike):
        return _of_file(os.fspath(audio), heard)
    if hasattr(audio, "read"):
        audio, kind = audio.read(), type(audio).__name__
        if not isinstance(audio, bytes):
            raise ValueError(f"an open file must be binary (mode 'rb'), given {kind}")
        return _decoded(audio, "the sound of the open file", heard)
    if isinstance(audio, bytes | bytearray | memoryview):
        return _decoded(bytes(audio), "the sound given as bytes", heard)
    if hasattr(audio, "detach"):
        audio = audio.detach().cpu()
        # numpy has no bfloat16.
        audio = (audio.float() if audio.is_floating_point() else audio).numpy()
    if not isinstance(audio, np.ndarray):
        listed = isinstance(audio, list | tuple) and audio and isinstance(audio[0], int | float)
        raise ValueError(
            f"a clip must be a path, bytes, an open file, an array or a tensor, given "
            f"{type(audio).__name__}" + ("; np.asarray(...) makes an array of it" if listed else "")
        )
    if rate is None:
        raise ValueError("an array needs its sampling rate: score(samples, prompt, rate=32000)")
    return sound(audio, rate, channels_first, heard)


def sound(
    samples: np.ndarray, rate: float, channels_first: bool | None = None, heard: float = HEARD
) -> Sound:
    """Make one channel of samples, and refuse what can't be scored.

    Args:
        samples: Floats, full scale 1, shape (samples,), (samples, channels) or (channels,
            samples).
        rate: Their rate, Hz, above 0.
        channels_first: Whether the first of two axes holds the channels. None: the shorter does,
            at most two of them: more could as well be a batch of clips.
        heard: Seconds, above 0, that an encoder will read of it, from its start: what is silent
            there can't be scored, whatever comes later.

    Returns:
        The clip.

    Raises:
        ValueError: Wrong shape, type or rate, or nothing that can be scored in it.
    """
    if not rate > 0:
        raise ValueError(f"a sampling rate must be a positive number of Hz, given {rate}")
    laid = _laid_out(samples, channels_first)
    _check_length(len(laid) / rate)
    channels = laid.astype(np.float32, copy=False)
    peak = float(np.abs(channels).max())
    if not np.isfinite(peak):
        raise ValueError("the clip holds NaN or infinity; render it again")
    if peak > LOUDEST:
        raise ValueError(
            f"samples must lie in about -1..1, given up to {peak:g}; were they integers? "
            "Divide 16-bit values by 32768."
        )
    mono = np.ascontiguousarray(channels.mean(axis=1) if channels.shape[1] > 1 else channels[:, 0])
    if len(mono) * RATE < SHORTEST * rate:
        raise ValueError(
            f"a clip must last at least {SHORTEST / RATE} s, given {len(mono) / rate:.4f} s; "
            "leave it out"
        )
    _check_heard(channels, mono, rate, heard)
    silent, count = _silent(mono, rate, heard), channels.shape[1]
    return Sound(mono, int(rate), count, _notes(count, peak, silent), peak, silent)


def resampled(clip: Sound, rate: int = RATE) -> np.ndarray:
    """Return a clip's samples at an encoder's rate, Hz: float32, shape (samples,)."""
    if clip.rate == rate:
        return clip.samples
    shared = math.gcd(clip.rate, rate)
    up, down = rate // shared, clip.rate // shared
    if up * (12 * max(down, up) / up + down) > FILTER:
        from scipy.signal import resample_poly

        return resample_poly(clip.samples, up, down).astype(np.float32)
    import torch
    from torchaudio.functional import resample

    with torch.inference_mode():
        return resample(torch.from_numpy(clip.samples), clip.rate, rate).numpy()


def _of_mapping(
    audio: Mapping[str, Any], rate: int | None, channels_first: bool | None, heard: float
) -> Sound:
    if audio.get("array") is not None:
        rate = audio.get("sampling_rate") or rate
        return read(np.asarray(audio["array"]), rate, channels_first, heard)
    inner = audio.get("bytes") or audio.get("path")
    if inner is None:
        raise ValueError(
            "an audio dict must hold array and sampling_rate, or bytes, or path, given "
            f"{', '.join(map(repr, audio)) or 'nothing'}"
        )
    return read(inner, heard=heard)


def _of_file(path: str, heard: float) -> Sound:
    # Asked before opening: reading a pipe or a device may never end.
    try:
        kind = os.stat(path).st_mode
    except (OSError, ValueError) as error:
        raise ValueError(f"{path!r} can't be found ({error}): check the path") from None
    if not stat.S_ISREG(kind):
        what = "a folder" if stat.S_ISDIR(kind) else "a device, pipe or socket"
        raise ValueError(f"{path!r} must be a sound file, but it is {what}")
    try:
        with Path(path).open("rb") as file:
            if not os.fstat(file.fileno()).st_size:
                raise ValueError(f"{path!r} is empty, not a sound file: copy or render it again")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _decoded(data, repr(path), heard, file)
    except OSError as error:
        raise ValueError(f"{path!r} can't be read ({error.strerror}): check its rights") from None


def _decoded(
    data: bytes | mmap.mmap, name: str, heard: float, file: BinaryIO | None = None
) -> Sound:
    import soundfile

    try:
        if foreign.kind_of(data):
            samples, said = foreign.decode(data, LONGEST), None
        else:
            whole, said = mend(data)
            samples = _samples(file if whole is data and file else io.BytesIO(whole))
        clip = sound(*samples, channels_first=False, heard=heard)
    except soundfile.LibsndfileError as error:
        reason = error.error_string.rstrip(".")
        raise ValueError(
            f"{name}: it is not a sound file that can be read ({reason}): render it again"
        ) from None
    except MissingExtraError as error:
        raise MissingExtraError(f"{name}: {error}", name=error.name) from None
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    return replace(clip, notes=((said,) if said else ()) + clip.notes)


def _samples(source: BinaryIO) -> tuple[np.ndarray, int]:
    import soundfile

    with soundfile.SoundFile(source) as clip:
        frames, rate = clip.frames, clip.samplerate
        _check_length(frames / rate)
        if clip.channels > CHANNELS or frames * clip.channels > LARGEST:
            raise ValueError(
                f"it must have at most {CHANNELS} channels and {LARGEST} samples, but has "
                f"{clip.channels} and {frames * clip.channels}: mix its channels"
            )
        samples = clip.read(dtype="float32", always_2d=True)
    if len(samples) < frames:
        raise ValueError(f"cut short: {len(samples)} of {frames} frames could be decoded")
    return samples, rate


def _check_length(seconds: float) -> None:
    if seconds > LONGEST:
        raise ValueError(f"a clip must last at most {LONGEST} s, given {seconds:.0f} s: cut it")


def _laid_out(samples: np.ndarray, channels_first: bool | None) -> np.ndarray:
    # (samples, channels), or an error that says by shape or type what is wrong.
    if not np.issubdtype(samples.dtype, np.floating):
        raise ValueError(
            f"samples must be floats in -1..1, given {samples.dtype}; "
            "divide 16-bit integers by 32768"
        )
    if samples.ndim not in {1, 2}:
        raise ValueError(
            f"a clip must be (samples,) or (channels, samples), given {samples.shape}; "
            "score_many takes several clips"
        )
    if samples.size == 0:
        raise ValueError("the clip has no samples; leave it out or render it again")
    if samples.ndim == 1:
        return samples[:, None]
    first = samples.shape[0] < samples.shape[1] if channels_first is None else channels_first
    laid = samples.T if first else samples
    if laid.shape[1] > CHANNELS:
        raise ValueError(
            f"a clip must have at most {CHANNELS} channels, given {samples.shape}: a spectrogram "
            "is no clip, and score_many takes several clips"
        )
    if laid.shape[1] > 2 and channels_first is None:
        raise ValueError(
            f"{laid.shape[1]} channels or {laid.shape[1]} clips? Of one clip of shape "
            f"{samples.shape} say channels_first={first}; score_many takes several clips"
        )
    return laid


def _check_heard(channels: np.ndarray, mono: np.ndarray, rate: float, heard: float) -> None:
    first = slice(max(1, round(heard * rate)))
    for part, where in ((slice(None), "throughout"), (first, f"in its first {heard:g} s")):
        if _moves(mono[part]):
            continue
        if _moves(channels[part] - channels[part].mean(0)):
            raise ValueError(f"the clip's channels cancel each other {where}: give one of them")
        constant = float(np.abs(mono[part]).max()) >= QUIETEST
        kind = "constant" if constant else "silent"
        raise ValueError(f"the clip is {kind} {where}, so there is nothing to rate; leave it out")
    loudness = [float(np.sqrt(np.square(of, dtype=np.float64).mean())) for of in (mono, channels)]
    if loudness[0] < CANCELLED * loudness[1]:
        raise ValueError("the clip's channels cancel each other: give one of them")


def _moves(samples: np.ndarray) -> bool:
    return float(samples.max() - samples.min()) >= 2 * QUIETEST


def _silent(mono: np.ndarray, rate: float, seconds: float) -> float:
    step = max(1, round(0.02 * rate))
    heard = np.abs(mono[: max(1, round(seconds * rate))])
    loudest = np.maximum.reduceat(heard, np.arange(0, len(heard), step))
    return float((loudest < QUIET).mean())


def _notes(channels: int, peak: float, silent: float) -> tuple[str, ...]:
    notes = []
    if peak > NOTED:
        notes.append(f"its samples reach {peak:.1f} times full scale; they are taken as they are")
    if channels > 2:
        notes.append(f"its {channels} channels are averaged")
    if silent > 0.5:
        notes.append(f"{silent:.0%} of what is heard of it is silent")
    return tuple(notes)
