"""Reading MusicEval's own layout: full, challenge phase 1 or evaluation phase.

    wav/[prefix-]Sxxx_Pxxx.wav
    sets/{train,dev,test}_mos_list.txt        file.wav,overall,textual
    sets/eval_list.txt                        unlabelled ids, one a line
    person_mos/{...}_person_mos.txt           file.wav,rater,overall,textual
    system_mos/system_mos_*.csv               Sxxx,overall,textual
    prompt_info.txt, demo_prompt_info.txt     id<TAB>text

Source: MusicEval (arXiv 2501.10811) and the files of AudioMOS Challenge 2025, track 1.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from pandas import DataFrame
from tqdm import tqdm

from whisq import audio
from whisq.corpus import raters, tables
from whisq.corpus.clips import CLIP_COLUMNS, RATING_COLUMNS
from whisq.corpus.problems import Problems
from whisq.corpus.rows import clip_id, system_and_prompt
from whisq.corpus.sets import read_sets
from whisq.corpus.systems import system_tables

FETCH_AGAIN = "fetch the corpus again or put a whole file there"


@dataclass
class RatedClips:
    """A corpus as read.

    Attributes:
        clips: The table `clips.csv`, labelled or not.
        ratings: The table `ratings.csv`, with the corpus's own split.
        problems: What was found that is wrong or odd.
        systems: What the corpus's own tables of system means were made from, by file name.
    """

    clips: DataFrame
    ratings: DataFrame
    problems: Problems
    systems: dict[str, str | None] = field(default_factory=dict)


def read(folder: str | Path, relative_to: str | Path | None = None) -> RatedClips:
    """Read a corpus in MusicEval's layout.

    Args:
        folder: What holds `wav/` and `sets/`.
        relative_to: What the clips' paths are relative to; the folder above if None.

    Returns:
        Its tables and what is odd about them. What must be mended first is one `ValueError`.
    """
    folder = Path(folder)
    problems = Problems()
    labelled, unlabelled = read_sets(folder, problems)
    named = pd.concat([labelled, unlabelled], ignore_index=True)
    files = _wav_files(folder, named, problems)
    clips = named[["id"]].drop_duplicates(ignore_index=True)
    clips["system"], clips["prompt_id"] = _systems_and_prompts(clips["id"])
    clips["prompt"] = _prompts(folder, clips, problems)
    base = Path(relative_to) if relative_to is not None else folder.parent
    clips["path"] = [_relative(files.get(key), base) for key in clips["id"]]
    clips["seconds"] = _seconds(files, clips["id"], problems)
    ratings = raters.add(labelled, raters.read_all(folder, problems), problems)
    systems = system_tables(folder, labelled, problems)
    problems.raise_fatal(str(folder))
    return RatedClips(clips[CLIP_COLUMNS], ratings[RATING_COLUMNS], problems, systems)


def _wav_files(folder: Path, named: DataFrame, problems: Problems) -> dict[str, Path]:
    # A file that begins with "._" is what macOS leaves behind in archives.
    found = {
        clip_id(path.name): path
        for path in sorted((folder / "wav").glob("*"))
        if path.suffix.lower() == ".wav" and not path.name.startswith("._")
    }
    for row in named[~named["id"].isin(found.keys())].itertuples():
        problems.fatal("missing wav", row.file, row.row, f"no wav/{row.id}.wav", FETCH_AGAIN)
    for key in sorted(found.keys() - set(named["id"])):
        what, remedy = "in no list", "it is left out; list it in sets/ to use it"
        problems.warn("unlisted wav", f"wav/{found[key].name}", None, what, remedy)
    return {key: path for key, path in found.items() if key in set(named["id"])}


def _systems_and_prompts(ids: pd.Series) -> tuple[list[str], list[str]]:
    pairs = [system_and_prompt(key) or ("", "") for key in ids]
    return [system for system, _ in pairs], [prompt for _, prompt in pairs]


def _prompts(folder: Path, clips: DataFrame, problems: Problems) -> list[str]:
    # The clip's own demo prompt first: most demo clips have a P-id that is also a shared
    # prompt's, whose text is another.
    shared, demo = (
        tables.read_prompts(folder / name, problems) if (folder / name).exists() else {}
        for name in ("prompt_info.txt", "demo_prompt_info.txt")
    )
    demo_systems = set(clips["system"][clips["id"].isin(demo.keys())])
    texts = []
    for clip in clips.itertuples():
        text = demo.get(clip.id) or shared.get(clip.prompt_id, "")
        if not text:
            what = f"none for {clip.id}, neither by its name nor by {clip.prompt_id}"
            remedy = "add it to demo_prompt_info.txt or prompt_info.txt"
            problems.fatal("missing prompt", "prompt_info.txt", None, what, remedy)
        elif clip.system in demo_systems and clip.id not in demo:
            what = f"{clip.id} takes the shared {clip.prompt_id}, unlike others of its system"
            remedy = "add its own prompt if it has one"
            problems.warn("no demo prompt", "demo_prompt_info.txt", None, what, remedy)
        texts.append(text)
    return texts


def _seconds(files: dict[str, Path], ids: pd.Series, problems: Problems) -> list[float]:
    # libsndfile works outside Python's lock.
    with ThreadPoolExecutor() as pool:
        heard = tqdm(pool.map(_hear, files.values()), "check audio", len(files), disable=None)
        known = dict(zip(files, heard, strict=True))
    for key, (_, error, notes) in known.items():
        file = f"wav/{files[key].name}"
        if error:
            remedy = f"{FETCH_AGAIN}, or take it out of the lists"
            problems.fatal("unusable audio", file, None, error, remedy)
        for note in notes:
            problems.warn("odd audio", file, None, note, "make sure that it was rated so")
    return [known[key][0] if key in known else 0.0 for key in ids]


def _hear(path: Path) -> tuple[float, str, tuple[str, ...]]:
    # Seconds, why it can't be used (blank if it can), and what is odd about it.
    try:
        clip = audio.read(path)
    except ValueError as error:
        return 0.0, str(error), ()
    return clip.seconds, "", clip.notes


def _relative(path: Path | None, base: Path) -> str:
    return "" if path is None else path.relative_to(base).as_posix()
