"""Reading MusicEval's own layout: full, challenge phase 1 or evaluation phase.

    wav/[prefix-]Sxxx_Pxxx.wav
    sets/{train,dev,test}_mos_list.txt        file.wav,overall,textual
    sets/eval_list.txt                        unlabelled ids, one a line
    person_mos/{...}_person_mos.txt           file.wav,rater,overall,textual
    system_mos/system_mos_*.csv               Sxxx,overall,textual
    prompt_info.txt, demo_prompt_info.txt     id<TAB>text

A user's table is laid out so too (`rated_table`). Its card names its `scale`; ratings that were
mapped from it may lie between whole marks, a clip may lack one axis, and its sound may be in
another container. Any layout may have a `pairs.csv` (a,b,preferred,axis,rater): which of two clips
listeners preferred. A clip that is in one needs no rating.

Source: MusicEval (arXiv 2501.10811) and the files of AudioMOS Challenge 2025, track 1.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pandas as pd
from pandas import DataFrame
from pandas.api.types import is_numeric_dtype
from tqdm import tqdm

from whisq import audio
from whisq.audio import Sound
from whisq.corpus import tables
from whisq.corpus.card import read_card
from whisq.corpus.clips import CLIP_COLUMNS, PAIRS, RATING_COLUMNS, SPLITS, read_pairs
from whisq.corpus.tables import Problems
from whisq.names import SOUND, system_and_prompt

# Toolkits mean two things by "system level": the mean of the evaluated clips, or a published table
# made from train and dev. The two rank the same predictions differently.
BASES = (("train",), ("dev",), ("test",), ("train", "dev"), ("train", "dev", "test"))
TOLERANCE = 0.001  # those tables are rounded to four decimals
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


def read(folder: Path, hear: Callable[[Path], Sound] = audio.read) -> RatedClips:
    """Read a corpus in MusicEval's layout.

    Args:
        folder: What holds `wav/` and `sets/`; paths are relative to the one above it.
        hear: Decodes a file, in several threads.

    Returns:
        Its tables and what is odd about them. What must be mended first is one `ValueError`.
    """
    problems, mapped = Problems(), "scale" in read_card(folder)
    labelled, unlabelled = _sets(folder, problems, mapped)
    named = pd.concat([labelled, unlabelled], ignore_index=True)
    files = _wav_files(folder, named, problems)
    _check_pairs(folder, labelled, problems)
    clips = named[["id"]].drop_duplicates(ignore_index=True)
    pairs = [system_and_prompt(key) for key in clips["id"]]
    clips["system"], clips["prompt_id"] = ([pair[at] for pair in pairs] for at in (0, 1))
    clips["prompt"] = _prompts(folder, clips, problems)
    paths = {key: path.relative_to(folder.parent).as_posix() for key, path in files.items()}
    clips["path"] = clips["id"].map(paths)
    clips["seconds"] = _seconds(files, clips["id"], hear, problems)
    ratings = _with_raters(labelled, _raters(folder, problems, mapped), problems)
    systems = _system_tables(folder, labelled, problems)
    problems.raise_fatal(str(folder))
    return RatedClips(clips[CLIP_COLUMNS], ratings[RATING_COLUMNS], problems, systems)


def _sets(folder: Path, problems: Problems, mapped: bool) -> tuple[DataFrame, DataFrame]:
    # Labelled clips (id, omq, ta, row, split, file) and unlabelled ones (id, row, file).
    names = {split: f"{split}_mos_list.txt" for split in SPLITS}
    lists = [
        tables.read_mos(folder / "sets" / name, problems, mapped).assign(split=split, file=name)
        for split, name in names.items()
    ]
    labelled = pd.concat(lists, ignore_index=True)
    _check_once(labelled, problems)
    _check_total(folder, labelled, problems)
    plain = tables.read_ids(folder / "sets" / "eval_list.txt", problems)
    if labelled.empty and plain.empty:
        wanted = "sets/train_mos_list.txt, dev, test, or sets/eval_list.txt"
        problems.fatal("no list", "sets", None, "no list of clips in it", f"put there {wanted}")
    plain = plain[~plain["id"].isin(labelled["id"])]
    return labelled, plain.assign(file="eval_list.txt")


def _check_once(labelled: DataFrame, problems: Problems) -> None:
    for key, same in labelled.groupby("id"):
        if len(same) == 1:
            continue
        last = same.iloc[-1]
        first = f"{key} is also in {same.iloc[0]['file']}, row {same.iloc[0]['row']}"
        kind = "duplicate id" if same["split"].nunique() == 1 else "split overlap"
        problems.fatal(kind, last["file"], last["row"], first, "keep one of the rows")


def _check_pairs(folder: Path, labelled: DataFrame, problems: Problems) -> None:
    pairs = read_pairs(folder)
    compared = {*pairs["a"], *pairs["b"]}
    for key in sorted(compared - set(labelled["id"])):
        remedy = "list it in sets/, with - for ratings that it lacks"
        problems.fatal("unlisted pair", PAIRS, None, f"{key} is in no split", remedy)
    unrated = labelled[labelled["omq"].isna() & labelled["ta"].isna()]
    for row in unrated[~unrated["id"].isin(compared)].itertuples():
        remedy = "rate it, or move it to sets/eval_list.txt"
        problems.fatal("no label", row.file, row.row, f"{row.id} is rated on no axis", remedy)


def _check_total(folder: Path, labelled: DataFrame, problems: Problems) -> None:
    path = folder / "sets" / "total_mos_list.txt"
    total = tables.read_mos(path, problems)
    joined = total.merge(labelled, on="id", how="left", suffixes=("", "_split"))
    for row in joined.itertuples():
        if pd.isna(row.omq_split):
            what, remedy = f"{row.id} is in no split", "it is left out; add it to a split's list"
            problems.warn("clip without split", path.name, row.row, what, remedy)
        elif abs(row.omq - row.omq_split) > 0 or abs(row.ta - row.ta_split) > 0:
            what = f"{row.id} is {row.omq_split},{row.ta_split} in {row.file}"
            problems.fatal("two labels", path.name, row.row, what, "make them one")


def _wav_files(folder: Path, named: DataFrame, problems: Problems) -> dict[str, Path]:
    # A file that begins with "._" is what macOS leaves behind in archives.
    found = {
        SOUND.sub("", path.name): path
        for path in sorted((folder / "wav").glob("*"))
        if SOUND.search(path.name) and not path.name.startswith("._")
    }
    for row in named[~named["id"].isin(found.keys())].itertuples():
        problems.fatal("missing wav", row.file, row.row, f"no wav/{row.id}.wav", FETCH_AGAIN)
    for key in sorted(found.keys() - set(named["id"])):
        what, remedy = "in no list", "it is left out; list it in sets/ to use it"
        problems.warn("unlisted wav", f"wav/{found[key].name}", None, what, remedy)
    return {key: path for key, path in found.items() if key in set(named["id"])}


def _prompts(folder: Path, clips: DataFrame, problems: Problems) -> list[str]:
    # The clip's own demo prompt first: most demo clips have a P-id that is also a shared
    # prompt's, whose text is another.
    shared = tables.read_prompts(folder / "prompt_info.txt", problems)
    demo = tables.read_prompts(folder / "demo_prompt_info.txt", problems)
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


def _seconds(
    files: dict[str, Path], ids: pd.Series, hear: Callable[[Path], Sound], problems: Problems
) -> list[float]:
    # libsndfile works outside Python's lock.
    with ThreadPoolExecutor() as pool:
        listened = pool.map(partial(_listen, hear), files.values())
        heard = tqdm(listened, "check audio", len(files), disable=None)
        known = dict(zip(files, heard, strict=True))
    for key, (_, error, notes) in known.items():
        file = f"wav/{files[key].name}"
        if error:
            remedy = f"{FETCH_AGAIN}, or take it out of the lists"
            problems.fatal("unusable audio", file, None, error, remedy)
        for note in notes:
            problems.warn("odd audio", file, None, note, "make sure that it was rated so")
    return [known[key][0] if key in known else 0.0 for key in ids]


def _listen(hear: Callable[[Path], Sound], path: Path) -> tuple[float, str, tuple[str, ...]]:
    # Seconds, why it can't be used (blank if it can), and what is odd about it.
    try:
        clip = hear(path)
    except ValueError as error:
        return 0.0, str(error), ()
    return clip.seconds, "", clip.notes


def _raters(folder: Path, problems: Problems, mapped: bool) -> DataFrame:
    # Columns id, rater, omq, ta, row, file; each clip from one table.
    paths = [folder / "person_mos" / f"{name}_person_mos.txt" for name in (*SPLITS, "total")]
    rated = [tables.read_raters(path, problems, mapped).assign(file=path.name) for path in paths]
    # `total` repeats what the splits' tables say.
    everything = pd.concat(rated, ignore_index=True)
    return everything[everything["file"] == everything.groupby("id")["file"].transform("first")]


def _with_raters(labelled: DataFrame, raters: DataFrame, problems: Problems) -> DataFrame:
    # The clips with raters, omq_raters, ta_raters, space-separated, blank where unknown.
    columns = {"rater": "raters", "omq": "omq_raters", "ta": "ta_raters"}
    by_clip = raters.groupby("id")
    rows = by_clip[list(columns)].agg(_spaced).astype(str)
    means = by_clip[["omq", "ta"]].mean().reindex(labelled["id"])
    for clip, mean in zip(labelled.itertuples(), means.itertuples(index=False), strict=True):
        if abs(mean.omq - clip.omq) > 0.051 or abs(mean.ta - clip.ta) > 0.051:
            told = tuple(round(value, 2) for value in mean)
            what = f"{clip.id} is {clip.omq},{clip.ta}, its raters' mean {told}"
            remedy = "the list's label is used"
            problems.warn("label is not the mean", clip.file, clip.row, what, remedy)
    rows = rows.reindex(labelled["id"], fill_value="").rename(columns=columns)
    return labelled.join(rows.set_axis(labelled.index))


def _spaced(values: pd.Series) -> str:
    # Names or grades that are known, these with no more digits than tell them apart.
    known = values.dropna()
    return " ".join(f"{one:.6g}" if is_numeric_dtype(known) else one for one in known)


def _system_tables(folder: Path, ratings: DataFrame, problems: Problems) -> dict[str, str | None]:
    # By file name the splits whose means it holds, such as train+dev; None where nothing fits.
    found = {}
    for path in sorted((folder / "system_mos").glob("*.csv")):
        # No label comes from these tables, so nothing in them is fatal.
        table = tables.read_systems(path, Problems())
        bases = ("+".join(basis) for basis in BASES if _fits(table, ratings, basis))
        found[path.name] = next(bases, None)
        if found[path.name] is None:
            what, remedy = "no split's clips have these means", "do not score against this table"
            problems.warn("system means differ", f"system_mos/{path.name}", None, what, remedy)
    return found


def _fits(table: DataFrame, ratings: DataFrame, basis: tuple[str, ...]) -> bool:
    part = ratings[ratings["split"].isin(basis)]
    systems = [system_and_prompt(key)[0] for key in part["id"]]
    means = part[["omq", "ta"]].groupby(systems).mean()
    if part.empty or set(means.index) != set(table.index):
        return False
    return bool((means.loc[table.index] - table).abs().max().max() <= TOLERANCE)
