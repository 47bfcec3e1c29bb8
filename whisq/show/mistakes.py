"""The held-out clips that the model is furthest from the listeners about, to be heard and seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whisq.audio import read, resampled
from whisq.encoders.text import TextSpec
from whisq.encoders.words import load_tokenizer, split
from whisq.evaluation.gather import read_sequences
from whisq.evaluation.metrics import AXES
from whisq.model.build import load as load_network
from whisq.show.maps import Maps, read_maps
from whisq.show.sound import sound_address

if TYPE_CHECKING:
    from pandas import DataFrame, Series

    from whisq.show.heat import Heat

NO_PLAN = "This network has no transport plan: its two sides share no space."
NO_STATES = "No map: data/model or data/embeddings is not there."


@dataclass(frozen=True)
class Mistake:
    """One clip, as the page shows it.

    Attributes:
        id: The clip's.
        system: What made it.
        prompt: What it was made from.
        lines: By axis, how it was rated and predicted.
        sound: Its samples as an address; blank where the file is not there.
        map: The transport plan; None where there is none.
        remark: Which words and moments found nothing, or why there is no map.
    """

    id: str
    system: str
    prompt: str
    lines: dict[str, str]
    sound: str
    map: Heat | None
    remark: str


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


def mistakes(
    held_out: DataFrame, data: Path, count: int, transport: Mapping[str, Any]
) -> list[Mistake]:
    """Gather the most mistaken clips with sound and maps.

    Args:
        held_out: As for `worst`, with `system`, `prompt`, `path`, `seconds` and raters' grades.
        data: The pipeline's data folder.
        count: How many at most.
        transport: Settings of `transport_cost`.

    Returns:
        Mistakes, worst first.
    """
    look = _looker(data, transport)
    return [
        _mistake(key, held_out.loc[key], data, look(key, held_out.loc[key]))
        for key in worst(held_out, count).index
    ]


def _mistake(key: str, row: Series, data: Path, maps: Maps | None) -> Mistake:
    plan = next((heat for heat in maps.heats if heat.name == "transport"), None) if maps else None
    path = data / row["path"]
    return Mistake(
        id=key,
        system=row["system"],
        prompt=row["prompt"],
        lines={axis.upper(): _line(row, axis) for axis in AXES},
        sound=sound_address(resampled(read(path))) if path.is_file() else "",
        map=plan,
        remark=maps.unplaced if plan else NO_PLAN if maps else NO_STATES,
    )


def _line(row: Series, axis: str) -> str:
    grades = str(row.get(f"{axis}_raters", "") or "")
    given = f" ({', '.join(grades.split())})" if grades else ""
    rating, predicted = row[axis], row[f"{axis}_prediction"]
    off = f"{predicted - rating:+.2f}".replace("-", "−")
    return f"rated {rating:.1f}{given}, predicted {predicted:.2f} ({off})"


def _looker(data: Path, transport: Mapping[str, Any]) -> Callable[[str, Series], Maps | None]:
    needed = (data / "model/config.json", *(data / "embeddings").glob("*/manifest.json"))
    if len(needed) < 3 or not needed[0].is_file():
        return lambda key, row: None
    network, (audio, text) = load_network(data / "model").eval(), read_sequences(data)
    spec = TextSpec(**network.config.text)
    tokenizer = load_tokenizer(spec)

    def look(key: str, row: Series) -> Maps:
        states = text[row["prompt"]]
        words = split(tokenizer, row["prompt"], spec.template, states.shape[1])
        return read_maps(network, audio[key], states, words, row["seconds"], transport)

    return look
