"""The held-out clips that the model is furthest from the listeners about, to be heard and seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whisq.audio import read, resampled
from whisq.encoders.text import TextSpec
from whisq.encoders.words import load_tokenizer, split
from whisq.evaluation.metrics import AXES
from whisq.model.build import load as load_network
from whisq.report.embedding import sound_address
from whisq.report.maps import Maps, read_maps
from whisq.store.sequences import Sequences

if TYPE_CHECKING:
    from pandas import DataFrame, Series


@dataclass(frozen=True)
class Mistake:
    """One clip.

    Attributes:
        id: The clip's.
        row: `system`, `prompt`, `seconds`, ratings, raters' grades and predictions.
        off: Its larger absolute error, MOS units.
        sound: Its samples as an address; blank where the file is not there.
        maps: What the network makes of it; None where the model can't tell.
    """

    id: str
    row: Series
    off: float
    sound: str
    maps: Maps | None


def worst(held_out: DataFrame, count: int) -> Series:
    """Choose the most mistaken clips.

    Args:
        held_out: `omq`, `ta` and their predictions, indexed by id, MOS units.
        count: How many at most.

    Returns:
        The larger of each one's two absolute errors, by id, worst first.
    """
    errors = [(held_out[f"{axis}_prediction"] - held_out[axis]).abs() for axis in AXES]
    larger = errors[0].combine(errors[1], max)
    return larger.sort_values(ascending=False, kind="stable").head(count)


def mistakes(held_out: DataFrame, data: Path, count: int, transport: Mapping[str, Any]) -> list:
    """Gather the most mistaken clips with sound and maps.

    Args:
        held_out: As for `worst`, with `prompt`, `path` and `seconds`.
        data: The pipeline's data folder.
        count: How many at most.
        transport: Settings of `transport_cost`.

    Returns:
        Mistakes, worst first.
    """
    chosen = worst(held_out, count)
    look = _looker(data, transport) if len(chosen) else None
    return [
        Mistake(key, held_out.loc[key], off, _sound(data / held_out.loc[key, "path"]),
                look(key, held_out.loc[key]))
        for key, off in chosen.items()
    ]  # fmt: skip


def _looker(data: Path, transport: Mapping[str, Any]) -> Callable[[str, Series], Maps | None]:
    folder = data / "embeddings"
    needed = (data / "model/config.json", *folder.glob("*/manifest.json"))
    if len(needed) < 3 or not needed[0].is_file():
        return lambda key, row: None
    network = load_network(data / "model").eval()
    audio, text = Sequences.open(folder / "audio"), Sequences.open(folder / "text")
    spec = TextSpec(**network.config.text)
    tokenizer = load_tokenizer(spec)

    def look(key: str, row: Series) -> Maps:
        states = text[row["prompt"]]
        words = split(tokenizer, row["prompt"], spec.template, states.shape[1])
        return read_maps(network, audio[key], states, words, row["seconds"], transport)

    return look


def _sound(path: Path) -> str:
    return sound_address(resampled(read(path))) if path.is_file() else ""
