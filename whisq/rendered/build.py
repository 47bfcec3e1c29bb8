"""The rendered corpus, from a seed to a folder in MusicEval's layout, its ground truth beside it.

Source: MusicEval (arXiv 2501.10811); the tables of prompts have its CRLF line ends too.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
from pandas import DataFrame
from tqdm import tqdm

from whisq.corpus.card import write_card
from whisq.corpus.clips import REWORDING_COLUMNS, REWORDINGS, SPLITS
from whisq.extras import require
from whisq.names import RENDERED
from whisq.rendered import faults, studio
from whisq.rendered.repertoire import CHOICES
from whisq.rendered.requests import ask_otherwise, reverse, reword, sentence
from whisq.rendered.synthesis import RATE
from whisq.rendered.systems import System
from whisq.rendered.takes import Cast, Chosen, Prompt, Rendered, Take, cast

_ATTRIBUTES = (*CHOICES, "mood", "order", "then")
_LICENCE = (
    "Made where it is used; the ratings are simulated. Music out of copyright, in the encodings "
    "that music21 ships (whose notices apply to a redistribution), sounded with TimGM6mb.sf2 "
    "(GPL-2.0) as pretty_midi ships it."
)


def build(
    folder: str | Path,
    choices: Rendered,
    workers: int | None = None,
    chosen: Chosen | None = None,
) -> Cast:
    """Render a whole corpus: the same files, byte for byte, for the same choices.

    Args:
        folder: Where to write; must be new or empty.
        choices: The corpus's size and seed.
        workers: Processes to render with; None for one a core.
        chosen: As `cast` takes it.

    Returns:
        What was written.

    Raises:
        ValueError: The folder holds something.
    """
    require("rendered", "music21", "symusic", "pretty_midi", by="the rendered corpus")
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} must be empty; remove what it holds or name another folder")
    made = cast(choices, chosen)
    (folder / "wav").mkdir(parents=True)
    _render_all(folder / "wav", made.takes, workers or os.cpu_count() or 1)
    write_tables(folder, made, choices)
    return made


def write_tables(folder: Path, cast: Cast, choices: Rendered) -> None:
    """Write everything but the sound into a folder, of what was cast by these choices."""
    for name in ("sets", "person_mos", "system_mos", "truth"):
        (folder / name).mkdir()
    for split in (*SPLITS, "total"):
        takes = [take for take in cast.takes if split in ("total", take.split)]
        means = ((take.file, *take.mos) for take in takes)
        _write(folder / "sets" / f"{split}_mos_list.txt", means, header=False)
        _write(folder / "person_mos" / f"{split}_person_mos.txt", _person(takes), header=False)
        _write(folder / "system_mos" / f"system_mos_{split}.csv", _system(takes), header=False)
    shared = [prompt for prompt in cast.prompts if not prompt.key.endswith(".wav")]
    own = cast.prompts[len(shared) :]
    for name, prompts in (("prompt_info", shared), ("demo_prompt_info", own)):
        rows = [(prompt.key, sentence(prompt.request)) for prompt in prompts]
        table = DataFrame(rows, columns=["id", "text"])
        _write(folder / f"{name}.txt", table, sep="\t", lineterminator="\r\n")
    if choices.rewordings:
        _write(folder / REWORDINGS, _rewordings(cast.prompts, choices))
    truth = {
        "prompts": map(_prompt_truth, cast.prompts),
        "clips": map(_clip_truth, cast.takes),
        "faults": (row for take in cast.takes for row in _fault_truth(take)),
        "systems": map(_system_truth, cast.systems),
    }
    for name, rows in truth.items():
        _write(folder / "truth" / f"{name}.csv", rows)
    write_card(folder, RENDERED, seed=choices.seed, licence=_LICENCE)


def _render_all(folder: Path, takes: list[Take], workers: int) -> None:
    render = partial(_render, folder)
    # Spawned, not forked: a fork of a process that runs threads can hang. One worker is this one.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        done = map(render, takes) if workers == 1 else pool.map(render, takes, chunksize=16)
        for _ in tqdm(done, total=len(takes), desc="render", unit="clip", disable=None):
            pass


def _render(folder: Path, take: Take) -> None:
    samples = studio.render(take.played, take.faults, take.seed)
    soundfile.write(folder / take.file, samples, RATE, subtype="PCM_16")


def _write(path: Path, rows: Iterable, **form: object) -> None:
    DataFrame(rows).to_csv(path, index=False, **{"lineterminator": "\n", **form})


def _person(takes: list[Take]) -> Iterator[tuple]:
    for take in takes:
        for rater, omq, ta in take.ratings.tolist():
            yield take.file, f"R{rater + 1:02d}", omq, ta


def _system(takes: list[Take]) -> Iterator[tuple]:
    for name in sorted({take.system for take in takes}):
        omq, ta = np.mean([take.mos for take in takes if take.system == name], axis=0)
        yield name, f"{omq:.4f}", f"{ta:.4f}"


def _rewordings(prompts: Iterable[Prompt], choices: Rendered) -> Iterator[dict[str, str]]:
    draw = np.random.default_rng([choices.seed, 5])
    for prompt in prompts:
        for _ in range(choices.rewordings):
            same = reword(prompt.request, draw)
            texts = map(sentence, (prompt.request, same, ask_otherwise(same, draw)))
            yield dict(zip(REWORDING_COLUMNS, texts, strict=True))


def _prompt_truth(prompt: Prompt) -> dict[str, object]:
    request = prompt.request
    return {
        "key": prompt.key,
        "prompt": sentence(request),
        "reversed": sentence(reverse(request)) if request.order else "",
        "is_order": int(bool(request.order)),
        "pair": prompt.pair,
        **{name: getattr(request, name) for name in _ATTRIBUTES},
        "held": " ".join(request.held),
        "template": request.template,
        "wording": request.wording,
    }


def _clip_truth(take: Take) -> dict[str, object]:
    strengths = {fault.name: fault.strength for fault in take.faults}
    return {
        "id": take.id,
        "system": take.system,
        "key": take.prompt.key,
        "prompt": sentence(take.prompt.request),
        "seconds": f"{studio.length(take.seed):.2f}",
        **{name: getattr(take.played, name) for name in _ATTRIBUTES},
        "omq_latent": f"{take.omq:.4f}",
        "ta_latent": f"{take.ta:.4f}",
        **{name: strengths.get(name, 0.0) for name in faults.NAMES},
        "seed": " ".join(str(part) for part in take.seed),
    }


def _fault_truth(take: Take) -> Iterator[dict[str, object]]:
    seconds = studio.length(take.seed)
    for axis, found in (("omq", take.faults), ("ta", take.failures)):
        for fault in found:
            row = {"id": take.id, "axis": axis, "fault": fault.name, "strength": fault.strength}
            for edge, share in (("start", fault.start), ("end", fault.end)):
                row[f"{edge}_seconds"] = "" if share is None else f"{share * seconds:.3f}"
            yield row


def _system_truth(system: System) -> dict[str, object]:
    return {
        "system": system.name,
        "quality": f"{system.quality:.4f}",
        "skill": f"{system.skill:.4f}",
        "momentary": f"{system.momentary:.4f}",
        "demo_clips": system.demo_clips,
        **{name: f"{system.faults.get(name, 0.0):.4f}" for name in faults.NAMES},
        **{f"fails_{name}": f"{weight:.4f}" for name, weight in system.failings.items()},
    }
