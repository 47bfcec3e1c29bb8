"""What embedding a corpus will cost, told before it runs: download, disk and minutes.

What the store has already costs nothing. How long a sequence is follows from its clip's seconds, to
a step or two, and from a prompt's tokens; how fast they come is seen in a few of middling length,
encoded one by one on one core.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from whisq.audio import RATE, Sound, read
from whisq.corpus import archive
from whisq.corpus.card import read_card
from whisq.corpus.clips import read_clips, read_rewordings
from whisq.corpus.download import existing, lacking_room, readable
from whisq.corpus.download import locate as find
from whisq.corpus.fetch import Source, holds
from whisq.devices import AUTO, every, threads
from whisq.encoders import audio, text
from whisq.encoders.audio import AudioEncoder, AudioSpec
from whisq.encoders.beside import Beside
from whisq.encoders.frozen import Spec
from whisq.encoders.registry import audio_encoder
from whisq.encoders.text import TextEncoder, TextSpec
from whisq.encoders.weights import Location, bytes_to_fetch, locate
from whisq.files import cache_folder, in_project
from whisq.names import RENDERED
from whisq.store.audio import at_work
from whisq.store.audio import contents_of as contents_of_clips
from whisq.store.sequences import pack
from whisq.store.store import Store
from whisq.store.text import contents_of as contents_of_prompts

TRIED = 3  # clips, or prompts, that are encoded to see how fast they come


@dataclass(frozen=True)
class Clip:
    """A clip that will be embedded; one without a file is assumed.

    Attributes:
        content: What names its states in a store.
        seconds: Its length.
        path: Its file.
    """

    content: str
    seconds: float
    path: Path | None = None

    def sound(self) -> Sound:
        """Return it, or noise as long."""
        if self.path:
            return read(self.path)
        noise = np.random.default_rng(0).normal(0, 0.1, max(1, round(self.seconds * RATE)))
        return Sound(noise.astype(np.float32), RATE)


@dataclass(frozen=True)
class Corpus:
    """What will be embedded.

    Attributes:
        about: It in words.
        clips: Distinct ones.
        prompts: Distinct ones, None where they are not known.
    """

    about: str
    clips: Sequence[Clip]
    prompts: Sequence[str] | None = None

    @classmethod
    def assumed(cls, clips: int, seconds: float) -> Corpus:
        """Return so many clips of a length."""
        about = f"{clips} clips of {seconds:g} s, as assumed"
        return cls(about, [Clip(f"clip {number}", seconds) for number in range(clips)])

    @classmethod
    def of(cls, data: Path) -> Corpus:
        """Return the corpus of a data folder whose stage `clips` has run."""
        table, made = read_clips(data / "clips.csv"), read_rewordings(data / "raw")
        paths = {row.id: data / row.path for row in table.itertuples()}
        seconds = dict(zip(table["id"], table["seconds"], strict=True))
        contents = contents_of_clips(paths, cache_folder())
        distinct = {content: Clip(content, seconds[k], paths[k]) for k, content in contents.items()}
        prompts = dict.fromkeys([*table["prompt"], *made["same"], *made["other"]])
        hours = table["seconds"].sum() / 3600
        about = f"the {read_card(data / 'raw')['name']}: {len(table)} clips, {hours:.1f} hours"
        return cls(about, list(distinct.values()), list(prompts))


@dataclass(frozen=True)
class Cost:
    """What a part will cost; None is what can't be told, such as while weights are not here.

    Attributes:
        kind: `corpus`, `audio`, `side by side` of several audio encoders' states, or `text`.
        name: The encoder's, or where the corpus comes from.
        lacking: Clips or prompts to be embedded, those that the store has left out.
        download: Bytes to fetch, 0 where they are here.
        disk: Bytes to be written.
        minutes: That encoding takes on this machine.
    """

    kind: str
    name: str
    lacking: int | None = None
    download: int | None = None
    disk: int | None = None
    minutes: float | None = None


def of_corpus(source: Source, raw: Path) -> list[Cost]:
    """Return the cost of MusicEval, nothing where it is in its folder already.

    Chosen: a zip of recordings hardly shrinks, so one that is elsewhere unpacks to its own size.
    """
    if holds(raw, source):
        return []
    address = source.full
    try:
        if "://" in address:
            size = find(address).size
            return [Cost("corpus", address, download=size, disk=size, minutes=0.0)]
        size = archive.size(in_project(address) or Path(address))
        return [Cost("corpus", address, download=0, disk=size, minutes=0.0)]
    except Exception:  # no network, no log-in, no such file: each has errors of its own
        return [Cost("corpus", address, minutes=0.0)]


def of_audio(
    spec: AudioSpec,
    clips: Sequence[Clip],
    *,
    workers: int | str = 1,
    device: str = AUTO,
    root: Path | None = None,
    fetch: bool = False,
) -> list[Cost]:
    """Return the cost of each audio encoder, and of their states side by side if they are several.

    Args:
        spec: What to keep of which encoder, and of those beside it.
        clips: What will be embedded.
        workers: Processes that will encode, as `embed_audio` takes it.
        device: Where, as `whisq.devices` names it.
        root: Where the store is; the user's if None.
        fetch: Whether weights that are not here are downloaded, to measure with.
    """
    devices = every(device)
    working = at_work(workers, devices)
    together = min(working, os.cpu_count() or 1 if devices == ["cpu"] else len(devices))
    found, places, encoders = [], [], []
    for own in spec.each():
        place = _place(own, fetch)
        if place is None:
            found.append(_unknown("audio", own, len(clips)))
            continue
        places.append(place)
        encoders.append(encoder := audio_encoder(own, place, devices[0]))
        lacking = _lacking(own, place, clips, root)
        tried = [clip.sound() for clip in _middling(lacking, lambda clip: clip.seconds)]
        one = _seconds(lambda clip, by=encoder: by.encode([by.samples(clip)]), tried)
        size, minutes = _disk(encoder, lacking), one * len(lacking) / together / 60
        found.append(Cost("audio", own.model, len(lacking), 0, size, minutes))
    if spec.beside:
        names = " + ".join(own.model for own in spec.each())
        joined = Cost("side by side", names, len(clips), 0, minutes=0.0)
        if len(places) == len(found):
            location = replace(places[0], beside=tuple(places[1:]))
            lacking = _lacking(spec, location, clips, root)
            size = _disk(Beside(spec, encoders), lacking)
            joined = replace(joined, lacking=len(lacking), disk=size)
        found.append(joined)
    return found


def of_text(
    spec: TextSpec,
    prompts: Sequence[str] | None,
    *,
    device: str = AUTO,
    root: Path | None = None,
    fetch: bool = False,
) -> Cost:
    """Return the text encoder's cost; arguments as those of `of_audio`, prompts distinct."""
    place = _place(spec, fetch)
    if place is None or prompts is None:
        return _unknown("text", spec, None if prompts is None else len(prompts), place)
    encoder = TextEncoder(spec, place, every(device)[0])
    store = Store.of("text", spec, place, text.PREPROCESSING, root)
    contents = contents_of_prompts(list(prompts))
    read = [encoder.read(one) for one, content in contents.items() if content not in store]
    tokens = np.array([len(prompt.tokens["input_ids"]) for prompt in read], dtype=int)
    tried = _middling(read, lambda prompt: len(prompt.tokens["input_ids"]))
    one = _seconds(lambda prompt: encoder.states([prompt]), tried)
    size = size_of(tokens, 1, encoder.dim)
    return Cost("text", spec.model, len(read), 0, size, one * len(read) / 60)


def size_of(steps: np.ndarray, layers: int, dim: int) -> int:
    """Return the bytes of sequences in the store.

    Args:
        steps: Of each sequence, (sequences,).
        layers: Hidden states that are kept.
        dim: Of a state.
    """
    state = 2 * layers * dim  # float16
    header = len(pack("0" * 64, np.zeros((layers, 1, dim), np.float16))) - state
    return int(steps.sum()) * state + len(steps) * header


def steps_of(seconds: np.ndarray, encoder: AudioEncoder | Beside) -> np.ndarray:
    """Return how many steps are kept of clips of so many seconds, to one or two; (clips,)."""
    heard = np.minimum(seconds, encoder.spec.seconds)
    states = np.ceil(heard * encoder.steps_per_second - 1e-6)  # rounding makes none
    return np.ceil(states / encoder.spec.pool).astype(int)


@dataclass(frozen=True)
class Command:
    """What `whisq plan` was asked.

    Attributes:
        corpus: `rendered`, `musiceval` or `table`.
        source: Of MusicEval.
        audio: The section `embed_audio`, as a spec.
        text: The section `embed_text`, as a spec.
        workers: Processes that encode audio, or auto.
        devices: Where audio and text are encoded.
        data: The pipeline's folder.
        assumed: Clips and seconds of each, where no corpus is there.
        fetch: Whether weights are downloaded.
    """

    corpus: str
    source: Source
    audio: AudioSpec
    text: TextSpec
    workers: int | str
    devices: tuple[str, str]
    data: Path
    assumed: tuple[int, float] | None
    fetch: bool


def run(command: Command, as_json: bool) -> tuple[str, bool]:
    """Return what `whisq plan` prints, and whether the disk has room."""
    corpus = Corpus.assumed(*command.assumed) if command.assumed else _there(command)
    costs = of_corpus(command.source, command.data / "raw") if command.corpus == "musiceval" else []
    heard, read_on = command.devices
    how = {"workers": command.workers, "device": heard, "fetch": command.fetch}
    costs += of_audio(command.audio, corpus.clips, **how)
    costs.append(of_text(command.text, corpus.prompts, device=read_on, fetch=command.fetch))
    return told(costs, corpus.about, command.data, as_json)


def told(costs: Sequence[Cost], about: str, data: Path, as_json: bool) -> tuple[str, bool]:
    """Return costs as lines to read or one JSON object, and whether each disk has room.

    Args:
        costs: Of each part.
        about: What will be embedded, in words.
        data: The pipeline's folder.
        as_json: Whether JSON is wanted.
    """
    place = existing(cache_folder())
    free = shutil.disk_usage(place).free
    sums = {
        name: None if None in parts else sum(parts)
        for name in ("download", "disk", "minutes")
        for parts in [[getattr(cost, name) for cost in costs]]
    }
    lacking = lacking_room(_places(costs, data))
    if as_json:
        parts = {"of": about, "parts": [asdict(cost) for cost in costs], "together": sums}
        parts |= {"cache": str(place), "free": free, "fits": not lacking}
        return json.dumps(parts), not lacking
    lines = [
        f"  {cost.kind}, {cost.name}: "
        + ("" if cost.lacking is None else f"{cost.lacking} to embed, ")
        + _line(cost.download, cost.disk, cost.minutes)
        for cost in costs
    ]
    room = f"{readable(free)} are free in {place}" + (f"\ntoo little: {lacking}" if lacking else "")
    if None in sums.values():
        room += "\n--fetch downloads the weights that are not here and measures with them"
    return "\n".join([f"{about}:", *lines, f"  together: {_line(**sums)}", room]), not lacking


def _places(costs: Sequence[Cost], data: Path) -> dict[Path, int]:
    # Weights, what the store keeps and the corpus may each be on a disk of their own.
    from huggingface_hub import constants

    needed: Counter[Path] = Counter()
    for cost in costs:
        corpus, cache = cost.kind == "corpus", cache_folder()
        needed[cache if corpus else Path(constants.HF_HUB_CACHE)] += cost.download or 0
        needed[data / "raw" if corpus else cache] += cost.disk or 0
    return needed


def _line(download: int | None, disk: int | None, minutes: float | None) -> str:
    fetched, written = ("?" if size is None else readable(size) for size in (download, disk))
    lasts = "? minutes" if minutes is None else f"{minutes:.1f} minutes"
    return f"download {fetched}, disk {written}, {lasts}"


def _there(command: Command) -> Corpus:
    raw, table = command.data / "raw", command.data / "clips.csv"
    named = read_card(raw).get("name") if table.is_file() else None
    fits = {
        "rendered": named == RENDERED,
        "musiceval": holds(raw, command.source),
        "table": named not in {None, RENDERED},
    }
    if named is None or not fits[command.corpus]:
        holding = "no clips.csv yet" if named is None else f"the {named}"
        raise ValueError(
            f"corpus.name is {command.corpus}, but {command.data} holds {holding}: run `dvc repro "
            "clips`, or say what to expect, such as --clips 2748 --seconds 22"
        )
    return Corpus.of(command.data)


def _place(spec: Spec, fetch: bool) -> Location | None:
    if fetch:
        return spec.locate()
    try:
        return locate(spec.model, spec.revision, fetch=False)
    except ValueError:
        return None


def _unknown(kind: str, spec: Spec, lacking: int | None, place: Location | None = None) -> Cost:
    size = 0 if place else bytes_to_fetch(spec.model, spec.revision)
    return Cost(kind, spec.model, lacking, size)


def _lacking(
    spec: AudioSpec, place: Location, clips: Iterable[Clip], root: Path | None
) -> list[Clip]:
    store = Store.of("audio", spec, place, audio.PREPROCESSING, root)
    return [clip for clip in clips if clip.content not in store]


def _disk(encoder: AudioEncoder | Beside, clips: Sequence[Clip]) -> int:
    steps = steps_of(np.array([clip.seconds for clip in clips]), encoder)
    return size_of(steps, len(encoder.layers), encoder.dim)


def _middling(inputs: Sequence[Any], length: Callable[[Any], float]) -> list[Any]:
    # From the middle of each third by length.
    ranked, count = sorted(inputs, key=length), min(TRIED, len(inputs))
    return [ranked[math.floor(len(ranked) * (part + 0.5) / count)] for part in range(count)]


def _seconds(encode: Callable[[Any], object], tried: Sequence[Any]) -> float:
    # Of one on average; the first is run once more, which sets up.
    if not tried:
        return 0.0
    with threads(1):  # as who embeds has
        encode(tried[0])
        started = time.perf_counter()
        for each in tried:
            encode(each)
    return (time.perf_counter() - started) / len(tried)
