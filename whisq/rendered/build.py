"""The rendered corpus, from a seed to a folder in MusicEval's layout."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import soundfile
from tqdm import tqdm

from whisq.extras import require
from whisq.rendered import studio
from whisq.rendered.layout import write_tables
from whisq.rendered.synthesis import RATE
from whisq.rendered.takes import Cast, Take, cast


def build(
    folder: str | Path,
    *,
    systems: int,
    demo_systems: int,
    prompts: int,
    demo_clips: int,
    seed: int,
    workers: int | None = None,
) -> Cast:
    """Render a whole corpus.

    The files are the same, byte for byte, for the same arguments, whatever the workers.

    Args:
        folder: Where to write; must be new or empty.
        systems: How many systems, at least 4.
        demo_systems: How many of them have prompts of their own.
        prompts: Shared prompts, at least 4.
        demo_clips: Clips of the demo systems together.
        seed: Decides everything.
        workers: Processes to render with; None for one a core.

    Returns:
        What was written.

    Raises:
        ValueError: The folder holds something (or a count is out of range).
    """
    require("rendered", "music21", "symusic", "pretty_midi", by="the rendered corpus")
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} must be empty; remove what it holds or name another folder")
    made = cast(systems, demo_systems, prompts, demo_clips, seed)
    (folder / "wav").mkdir(parents=True)
    _render_all(folder / "wav", made.takes, workers or os.cpu_count() or 1)
    write_tables(folder, made, seed)
    return made


def _render_all(folder: Path, takes: list[Take], workers: int) -> None:
    render = partial(_render, folder)
    bar = partial(tqdm, total=len(takes), desc="render", unit="clip", disable=None)
    if workers == 1:
        for _ in bar(map(render, takes)):
            pass
        return
    # Spawned, not forked: a fork of a process that runs threads can hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        for _ in bar(pool.map(render, takes, chunksize=16)):
            pass


def _render(folder: Path, take: Take) -> None:
    samples = studio.render(take.played, take.faults, take.seed)
    soundfile.write(folder / take.file, samples, RATE, subtype="PCM_16")
