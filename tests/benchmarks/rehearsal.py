"""A corpus of MusicEval's form and size with invented contents: for tests and dress rehearsals.

Ids, counts, splits and files are MusicEval's; audio, prompts and ratings are made up here,
unless `lists` names a folder that holds the real lists. Nothing measured on it says anything
about music.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from pandas import DataFrame

from whisq.corpus.card import write_card
from whisq.corpus.clips import SPLITS
from whisq.names import clip_id, system_and_prompt

NAME = "rehearsal corpus"
RATE = 16_000
PREFIX = "audiomos2025-track1-"
DEMO_CLIPS = {"S001": 25, "S006": 8, "S013": 54, "S017": 133, "S018": 7, "S033": 21}
SHARED_PROMPTS = 100
BEYOND_SHARED = 53
"""Clips of S017 whose P-id is no shared prompt's."""
EXPERTS = 14
RATERS = 5
SPLIT_SHARES = (0.70, 0.15, 0.15)


def make(
    folder: str | Path,
    clips: int = 2748,
    seconds: float = 0.2,
    seed: int = 0,
    lists: str | Path | None = None,
) -> Path:
    """Write a corpus in the layout of MusicEval-full.

    Args:
        folder: Where to; made if need be.
        clips: How many, at most 2748; fewer are all systems' clips of the first prompts.
        seconds: Length of each clip.
        seed: Of everything that is drawn.
        lists: A folder with the real `sets` lists and `prompt_info.txt`, or None.

    Returns:
        The folder.
    """
    folder, random = Path(folder), np.random.default_rng(seed)
    table = real_ids(Path(lists)) if lists else drawn_ids(random)
    # By prompt, then system: a part of it keeps prompts that systems share.
    table = table.sort_values(["prompt_id", "system"], ignore_index=True).head(clips)
    raters = rate(table, random)
    if not lists:
        table[["omq", "ta"]] = (
            raters.groupby("id")[["omq", "ta"]].mean().loc[table["id"]].to_numpy()
        )
    _write_tables(folder, table, raters)
    _write_prompts(folder, table, Path(lists) if lists else None)
    write_card(folder, NAME, licence="invented", seed=seed)
    (folder / "wav").mkdir(parents=True, exist_ok=True)
    for row in table.itertuples():
        _write_wav(folder / "wav" / f"{row.id}.wav", row, seconds, random)
    return folder


def drawn_ids(random: np.random.Generator) -> DataFrame:
    """List MusicEval's clips as far as its published counts tell, with a split of its sizes.

    Args:
        random: What the split is drawn from.

    Returns:
        2748 rows `id, system, prompt_id, split`.
    """
    systems = [f"S{n:03d}" for n in range(1, 34) if n not in (5, 25)]
    pairs = [(s, p) for s in systems for p in range(1, DEMO_CLIPS.get(s, SHARED_PROMPTS) + 1)]
    # S017 leaves out 20 of the shared P-ids and goes on beyond them.
    pairs = [(s, p + 20 if s == "S017" else p) for s, p in pairs]
    names = [(f"{PREFIX}{s}_P{p:03d}", s, f"P{p:03d}") for s, p in pairs]
    table = DataFrame(names, columns=["id", "system", "prompt_id"])
    table["split"] = random.choice(SPLITS, len(table), p=SPLIT_SHARES)
    return table


def real_ids(lists: Path) -> DataFrame:
    """List MusicEval's clips with their real split and labels.

    Args:
        lists: A folder with `train_mos_list.txt`, `dev_mos_list.txt`, `test_mos_list.txt`.

    Returns:
        Rows `id, system, prompt_id, split, omq, ta`.
    """
    parts = [
        pd.read_csv(lists / f"{split}_mos_list.txt", names=["id", "omq", "ta"]).assign(split=split)
        for split in SPLITS
    ]
    table = pd.concat(parts, ignore_index=True)
    table["id"] = table["id"].map(clip_id)
    table[["system", "prompt_id"]] = [system_and_prompt(key) for key in table["id"]]
    return table


def rate(table: DataFrame, random: np.random.Generator) -> DataFrame:
    """Draw five experts' ratings a clip: a system's quality, the clip's own, and noise.

    Args:
        table: Clips with `id, system` and, where they are known, the labels `omq, ta`.
        random: What is drawn from.

    Returns:
        Five rows a clip: `id, rater, omq, ta`, ratings as int in 1..5.
    """
    systems = sorted(table["system"].unique())
    quality = dict(zip(systems, random.normal(3.2, 0.6, (len(systems), 2)), strict=True))
    found = []
    for row in table.itertuples():
        known = [row.omq, row.ta] if "omq" in table else quality[row.system]
        latent = np.asarray(known) + random.normal(0, 0.5, 2)
        given = np.clip(np.rint(latent + random.normal(0, 0.8, (RATERS, 2))), 1, 5).astype(int)
        if "omq" in table:
            for axis, label in enumerate(known):
                _meet(given[:, axis], label, random)
        experts = np.sort(random.choice(EXPERTS, RATERS, replace=False)) + 1
        found += [(row.id, f"R{e:02d}", *pair) for e, pair in zip(experts, given, strict=True)]
    return DataFrame(found, columns=["id", "rater", "omq", "ta"])


def _meet(given: np.ndarray, label: float, random: np.random.Generator) -> None:
    # Single raters are moved by one until their mean is the label.
    while short := round(label * RATERS) - given.sum():
        step = np.sign(short)
        movable = np.flatnonzero((given + step >= 1) & (given + step <= 5))
        given[random.choice(movable)] += step


def _write_tables(folder: Path, table: DataFrame, raters: DataFrame) -> None:
    for name in ("sets", "person_mos", "system_mos"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for split in (*SPLITS, "total"):
        part = table if split == "total" else table[table["split"] == split]
        rated = raters[raters["id"].isin(part["id"])]
        means = part.groupby("system")[["omq", "ta"]].mean().round(4)
        labels = part.assign(
            id=part["id"] + ".wav", omq=part["omq"].round(4), ta=part["ta"].round(4)
        )
        _write(labels[["id", "omq", "ta"]], folder / "sets" / f"{split}_mos_list.txt")
        rated = rated.assign(id=rated["id"] + ".wav")
        _write(rated, folder / "person_mos" / f"{split}_person_mos.txt")
        _write(means.reset_index(), folder / "system_mos" / f"system_mos_{split}.csv")


def _write(table: DataFrame, path: Path) -> None:
    table.to_csv(path, header=False, index=False, lineterminator="\n")


def _write_prompts(folder: Path, table: DataFrame, lists: Path | None) -> None:
    # CRLF, white space at the end and a last row that is only a tab: as MusicEval has them.
    if lists:
        (folder / "prompt_info.txt").write_bytes((lists / "prompt_info.txt").read_bytes())
    else:
        shared = [f"P{n:03d}\tShared piece {n}, for children’s choir. " for n in range(1, 101)]
        _write_lines(folder / "prompt_info.txt", ["id\ttext", *shared, "\t"])
    demo = table[table["system"].isin(DEMO_CLIPS)]
    own = [f"{key}.wav\tDemo piece of {key[len(PREFIX) :]}" for key in demo["id"]]
    _write_lines(folder / "demo_prompt_info.txt", ["id\ttext", *own])


def _write_lines(path: Path, lines: list[str]) -> None:
    path.write_bytes("".join(f"{line}\r\n" for line in lines).encode())


def _write_wav(path: Path, row: tuple, seconds: float, random: np.random.Generator) -> None:
    import soundfile

    time = np.arange(round(seconds * RATE)) / RATE
    # Pitch tells the prompt and noise the quality, so that even this can be learnt a little.
    tone = np.sin(2 * np.pi * (200 + 5 * int(row.prompt_id[1:])) * time)
    noise = random.normal(0, 1, len(time))
    share = (5 - row.omq) / 8
    soundfile.write(path, 0.3 * ((1 - share) * tone + share * noise), RATE, subtype="PCM_16")
