"""The probes: what a trained model responds to, and what it ignores.

Those of the prompt are in `prompt_probes`. Those of the sound are here: faults should lower a
model's OMQ, another container should not.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from whisq.audio import RATE, read, resampled
from whisq.evaluation.bench import Bench, score
from whisq.evaluation.judge import rounded
from whisq.evaluation.metrics import ktau
from whisq.evaluation.prompt_probes import (
    changed_attributes,
    order_swap,
    other_prompts,
    shuffled_prompts,
)
from whisq.rendered import faults, studio
from whisq.rendered.requests import from_row

if TYPE_CHECKING:
    from pandas import DataFrame


STRENGTHS = (0.0, 1 / 3, 2 / 3, 1.0)
RATES = (22050, 44100, 48000)  # Hz
GAINS = (-12, 6)  # dB
CONTAINERS = {"flac": ("FLAC", "PCM_16"), "ogg": ("OGG", "VORBIS"), "mp3": ("MP3", None)}
NO_ALIGNMENT = {
    "order_swap": {"swap": None, "undefined": "no clip's alignment is rated"},
    "other_prompts": {"auc": None, "undefined": "no clip's alignment is rated"},
    "shuffled_prompts": {"srcc": None, "true_srcc": None},
    "changed_attributes": {},
}
"""What stands for the probes of the prompt where no alignment was learnt."""
SILENCE = 0.5  # seconds that are put before a clip


def probe(bench: Bench, corpus: str, clips: int, prompts: int) -> tuple[dict[str, Any], DataFrame]:
    """Run all probes.

    Args:
        bench: What to work on.
        corpus: The corpus's name.
        clips: How many clean clips are altered and encoded anew.
        prompts: How many other prompts each clip is scored against.

    Returns:
        What goes into `metrics/probes.json`, and the fault probe's curves.
    """
    keys = cleanest(bench, clips)
    faults, curves = fault_response(bench, keys)
    found = {
        **(of_prompts(bench, prompts) if bench.clips["ta"].notna().any() else NO_ALIGNMENT),
        "faults": faults,
        "invariance": invariance(bench, keys),
    }
    return {"corpus": corpus, "clips": len(bench.clips), **rounded(found)}, curves


def of_prompts(bench: Bench, count: int) -> dict[str, Any]:
    """Return what the probes of the prompt find, by name, each clip asked of `count` others."""
    return {
        "order_swap": order_swap(bench),
        "other_prompts": other_prompts(bench, count),
        "shuffled_prompts": shuffled_prompts(bench),
        "changed_attributes": changed_attributes(bench),
    }


def cleanest(bench: Bench, count: int) -> list[str]:
    """Return at most `count` ids: free of faults where the corpus knows, else those scored best."""
    if bench.truth is not None:
        order = bench.truth.loc[bench.clips.index, "omq_latent"].astype(float)
    else:
        prompts = bench.clips["prompt"].items()
        stored = [(bench.audio[key], bench.prompt(text)) for key, text in prompts]
        order = pd.Series(score(bench.scorer, stored)[:, 0], bench.clips.index)
    return order.sort_values(ascending=False, kind="stable").index[:count].tolist()


def fault_response(bench: Bench, keys: list[str]) -> tuple[dict[str, Any], DataFrame]:
    """Give clean clips each fault at rising strength.

    Where the corpus knows what a clip plays it is played anew, so faults of the playing are asked
    too; elsewhere the faults of the sound are put on the clip's own samples.

    Returns:
        `by_fault`, for each Kendall's `tau` of strength and predicted OMQ (-1 at best, the mean
        over clips) and the `fall` in MOS units at full strength, and `tau`, their mean; and the
        curves: `fault, strength, omq, error`.
    """
    rows = [(key, *spoilt) for key in keys for spoilt in _spoilt(bench, key)]
    table = pd.DataFrame([row[:3] for row in rows], columns=["id", "fault", "strength"])
    table["omq"] = bench.rescore((key, samples) for key, *_, samples in rows)[:, 0]
    by_fault, curves = {}, []
    clean = table[table["fault"] == ""]
    for fault in sorted(set(table["fault"]) - {""}):
        part = pd.concat([clean, table[table["fault"] == fault]])
        wide = part.pivot(index="id", columns="strength", values="omq")
        taus = [_tau(row) for row in wide.to_numpy()]
        fall = float((wide[0.0] - wide[1.0]).mean())
        by_fault[fault] = {"tau": float(np.mean(taus)), "fall": fall}
        error = wide.std() / np.sqrt(len(wide)) if len(wide) > 1 else 0.0
        curve = pd.DataFrame({"omq": wide.mean(), "error": error})
        curves.append(curve.reset_index().assign(fault=fault))
    mean = float(np.mean([found["tau"] for found in by_fault.values()]))
    return {"tau": mean, "clips": len(keys), "by_fault": by_fault}, pd.concat(curves)


def invariance(bench: Bench, keys: list[str]) -> dict[str, Any]:
    """Change what no listener would mind, and see how far scores move.

    Returns:
        For each change and axis the `mean` and `largest` absolute move in MOS units.
    """
    rows = [(key, name, samples) for key in keys for name, samples in _variants(bench.read(key))]
    table = pd.DataFrame([row[:2] for row in rows], columns=["id", "change"])
    table[["omq", "ta"]] = bench.rescore((key, samples) for key, _, samples in rows)
    same = table[table["change"] == "none"].set_index("id")[["omq", "ta"]]
    found = {}
    for name, part in table[table["change"] != "none"].groupby("change", sort=False):
        moved = (part.set_index("id")[["omq", "ta"]] - same.loc[part["id"]]).abs()
        found[name] = {
            axis: {"mean": None, "largest": None}
            if moved[axis].isna().all()
            else {"mean": moved[axis].mean(), "largest": moved[axis].max()}
            for axis in moved
        }
    return found


def _spoilt(bench: Bench, key: str) -> Iterator[tuple[str, float, np.ndarray]]:
    # The clip as it is, then with each fault at rising strength.
    if bench.truth is None:
        names, samples = (*faults.SOUND_FAULTS, "abrupt_end"), bench.read(key)

        def spoil(name: str, strength: float) -> np.ndarray:
            return faults.apply(name, samples, strength, None, np.random.default_rng(bench.seed))
    else:
        row = bench.truth.loc[key]
        request, seed = from_row(row), [int(part) for part in row["seed"].split()]
        names, samples = faults.NAMES, studio.render(request, (), seed)

        def spoil(name: str, strength: float) -> np.ndarray:
            return studio.render(request, (faults.Fault(name, strength),), seed)

    yield "", 0.0, samples
    for name in names:
        for strength in STRENGTHS[1:]:
            yield name, strength, spoil(name, strength)


def _variants(samples: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    from torch import from_numpy
    from torchaudio.functional import resample

    yield "none", samples
    for decibels in GAINS:
        yield f"gain {decibels:+d} dB", samples * np.float32(10 ** (decibels / 20))
    yield "polarity", -samples
    for rate in RATES:
        yield f"{rate} Hz", resampled(read(resample(from_numpy(samples), RATE, rate), rate))
    yield "stereo", resampled(read(np.stack([samples, samples], axis=1), RATE))
    yield f"{SILENCE} s of silence first", np.pad(samples, (round(SILENCE * RATE), 0))
    for name in CONTAINERS:
        yield name, resampled(read(_encoded(samples, name)))


def _encoded(samples: np.ndarray, name: str) -> bytes:
    import soundfile

    file, (container, subtype) = io.BytesIO(), CONTAINERS[name]
    soundfile.write(file, np.clip(samples, -1, 1), RATE, format=container, subtype=subtype)
    return file.getvalue()


def _tau(row: np.ndarray) -> float:
    # A model whose score does not move at all does not respond.
    return ktau(np.array(STRENGTHS), row) if np.ptp(row) > 0 else 0.0
