"""The held-out clips that the model is furthest from the listeners about, to be heard and seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pandas import DataFrame, Series

from whisq.audio import read, resampled
from whisq.encoders.text import TextSpec
from whisq.encoders.words import load_tokenizer, split
from whisq.evaluation.gather import read_sequences
from whisq.evaluation.metrics import AXES
from whisq.model.build import load as load_network
from whisq.show.html import sound_address
from whisq.show.maps import Maps, read_maps
from whisq.show.table import minus

WORST = 10  # clips that are shown
NO_PLAN = "This network has no transport plan: its two sides share no space."
NO_STATES = "No map: data/model or data/embeddings is not there."


def mistakes(held_out: DataFrame, data: Path, transport: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Choose the WORST clips, by the larger absolute error of the two axes.

    Args:
        held_out: As `Run.held_out`.
        data: The pipeline's data folder.
        transport: Settings of `transport_cost`.

    Returns:
        Of each clip its `row`, whose name is its id; `lines` that say by axis how it was rated and
        predicted; its `sound` as an address, blank where the file is not there; as `map` the
        transport plan or None; as `remark` what found nothing in it, or why there is none.
    """
    errors = [(held_out[f"{axis}_prediction"] - held_out[axis]).abs() for axis in AXES]
    larger = errors[0].combine(errors[1], np.fmax)
    worst = larger.dropna().sort_values(ascending=False, kind="stable").head(WORST).index
    look = _looker(data, transport)
    return [_mistake(held_out.loc[key], data, look) for key in worst]


def _mistake(row: Series, data: Path, look: Callable[[Series], Maps] | None) -> dict[str, Any]:
    plan, remark, path = None, NO_STATES, data / row["path"]
    if look:
        maps = look(row)
        plan = next((heat for heat in maps.heats if heat.name == "transport"), None)
        remark = maps.unplaced if plan else NO_PLAN
    lines = {axis.upper(): _line(row, axis) for axis in AXES if np.isfinite(row[axis])}
    sound = sound_address(resampled(read(path))) if path.is_file() else ""
    return {"row": row, "lines": lines, "sound": sound, "map": plan, "remark": remark}


def _line(row: Series, axis: str) -> str:
    grades = str(row.get(f"{axis}_raters", "") or "")
    given = f" ({', '.join(grades.split())})" if grades else ""
    rating, predicted = row[axis], row[f"{axis}_prediction"]
    off = minus(f"{predicted - rating:+.2f}")
    return f"rated {rating:.1f}{given}, predicted {predicted:.2f} ({off})"


def _looker(data: Path, transport: Mapping[str, Any]) -> Callable[[Series], Maps] | None:
    needed = (data / "model/config.json", *(data / "embeddings").glob("*/manifest.json"))
    if len(needed) < 3 or not needed[0].is_file():
        return None
    network, (audio, text) = load_network(data / "model").eval(), read_sequences(data)
    spec = TextSpec(**network.config.text)
    tokenizer = load_tokenizer(spec)

    def look(row: Series) -> Maps:
        states = text[row["prompt"]]
        words = split(tokenizer, row["prompt"], spec.template, states.shape[1])
        return read_maps(network, audio[row.name], states, words, row["seconds"], transport)

    return look
