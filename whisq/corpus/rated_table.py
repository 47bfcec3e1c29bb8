"""A user's own rated clips: a table and sound files become MusicEval's layout.

The table has a row a clip with mean ratings, or a row a rating; `path`, and `omq` or `ta` or both,
must be there, `prompt`, `system`, `split`, `rater`, `id` and `prompt_id` may. A table of pairs may
stand beside ratings or instead of them. Clips are named Sxxx_Pxxx as the layout asks; `names.csv`
in it says which clip, system and prompt each one is.
"""

from __future__ import annotations

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

import pandas as pd
from pandas import DataFrame, Series
from pydantic import Field

from whisq import audio, tables
from whisq.corpus.archive import whole_folder
from whisq.corpus.card import write_card
from whisq.corpus.clips import HIGHEST, LOWEST, SPLITS, write_pairs
from whisq.corpus.preferences import read_preferences
from whisq.corpus.splits import Split, assign
from whisq.corpus.tables import UNRATED
from whisq.files import in_project, tell
from whisq.names import SOUND, key
from whisq.section import Section

NAMES = "names.csv"
AXES = ("omq", "ta")
FOLDS = 5
UNPROMPTED = "music"
"""The prompt of clips that were made from none. Chosen: OMQ never sees it, and TA is not rated."""
ONE_SYSTEM = "all"
USUAL = tables.USUAL | {
    "prompt_id": ("prompt_id",),
    "split": ("split", "subset", "partition"),
    "rater": ("rater", "rater_id", "listener", "listener_id", "annotator", "user"),
}
SPLIT_NAMES = {
    **{name: name for name in SPLITS},
    **dict.fromkeys(("val", "valid", "validation", "development"), "dev"),
    **dict.fromkeys(("eval", "evaluation"), "test"),
}
SCALE = re.compile(r"(-?\d+(?:\.\d+)?)-(-?\d+(?:\.\d+)?)")


class Columns(Section):
    """Names of a table's columns by what they hold, where they are not the usual ones."""

    path: str | None = None
    prompt: str | None = None
    omq: str | None = None
    ta: str | None = None
    system: str | None = None
    split: str | None = None
    rater: str | None = None
    id: str | None = None
    prompt_id: str | None = None


class RatedTable(Section):
    """The section `corpus.table`: which table, and how to read it.

    Attributes:
        path: The table, in any form of `whisq.tables`; a relative path counts from the working
            folder or else the project's. None where there are pairs alone, which name the clips.
        pairs: A table of preferences, see `whisq.corpus.preferences`, likewise. It names clips by
            path, `id` or file name; then the first table need hold no rating.
        audio: The folder that paths in it count from; None: the table's own.
        scale: Its worst and best mark, such as 1-7 or 0-100, mapped to 1 and 5 and linearly between
            them; 5-1 where 1 is the best.
        columns: Names of its columns.
        protocol: How clips are divided where no column says: whole `prompts` or `systems` are held
            out, or `clips` at random.
        name: What the corpus is called; None: as the table's file.
        licence: Of the clips and ratings, None where not known.
    """

    path: str | None = None
    pairs: str | None = None
    audio: str | None = None
    scale: Annotated[str, Field(pattern=rf"^{SCALE.pattern}$")] = "1-5"
    columns: Columns = Columns()
    protocol: Literal["prompts", "systems", "clips"] = "prompts"
    name: str | None = None
    licence: str | None = None

    @property
    def marks(self) -> tuple[float, float]:
        """The worst and the best mark."""
        worst, best = SCALE.fullmatch(self.scale).groups()
        return float(worst), float(best)

    def problems(self) -> list[str]:
        """Return what is wrong with the scale: that it has one end alone."""
        worst, best = self.marks
        same = [f"scale must have two ends, given {self.scale}"] if worst == best else []
        return super().problems() + same


def lay_out(source: RatedTable, into: str | Path) -> None:
    """Write a table's clips and ratings into a folder: all of it, or an error and it is as it was.

    Args:
        source: Which table, and how to read it. Rows or sound files that are wrong are one
            `ValueError` that tells all of them.
        into: The folder to fill; replaced if there is one.

    Raises:
        ValueError: Neither a table nor pairs are named.
    """
    path, pairs = _path(source, "path"), _path(source, "pairs")
    words = None if pairs is None else read_preferences(pairs)
    path = path or pairs
    if path is None:
        raise ValueError(
            "corpus.table.path must name your table of rated clips, or corpus.table.pairs one of "
            "preferences; docs/corpora.md shows their forms"
        )
    rows = _rows(path, source, words)
    clips = _clips(rows, path)
    if words is not None:
        words = _named(words, clips, pairs)
    clips["split"], divided = _split(clips, source, path)
    held = divided.startswith("by ") and source.protocol != "clips"
    protocol = source.protocol if held else "official"
    with whole_folder(Path(into)) as folder:
        for part in ("wav", "sets", "person_mos"):
            (folder / part).mkdir()
        for clip in clips.itertuples():
            suffix = clip.file.suffix.lower() if SOUND.search(clip.file.name) else ".wav"
            shutil.copyfile(clip.file, folder / "wav" / f"{clip.id}{suffix}")
        compared = set() if words is None else {*words["a"], *words["b"]}
        _write_labels(folder, clips, rows, compared)
        if words is not None:
            write_pairs(words, folder)
        texts = clips.drop_duplicates("prompt_number").sort_values("prompt_number")
        lines = [f"{row.prompt_number}\t{row.prompt}" for row in texts.itertuples()]
        _write(folder / "prompt_info.txt", ["id\ttext", *lines])
        named = ["id", "clip", "path", "system", "prompt_id"]
        clips[named].to_csv(folder / NAMES, index=False, lineterminator="\n")
        unrated = {axis: int(clips[axis].isna().sum()) for axis in AXES}
        write_card(
            folder,
            source.name or path.stem,
            **({"licence": source.licence} if source.licence else {}),
            source=str(path),
            scale=f"{source.scale}, mapped linearly to {LOWEST:g}-{HIGHEST:g}",
            split=divided,
            protocol=protocol,
            clips=len(clips),
            ratings=int(rows[list(AXES)].notna().any(axis=1).sum()),
            unrated=unrated,
            **({} if words is None else {"pairs": len(words)}),
        )
    for axis, count in unrated.items():
        if count:
            tell(f"{axis} is not rated for {count} of {len(clips)} clips.")


def _path(source: RatedTable, which: str) -> Path | None:
    named = getattr(source, which)
    path = None if named is None else in_project(named)
    if named is not None and path is None:
        raise ValueError(f"corpus.table.{which} must exist, but there is no {named}")
    return path


def _rows(path: Path, source: RatedTable, words: DataFrame | None) -> DataFrame:
    # One row a row of the table that has a rating, labels mapped to 1..5, NaN where there is none.
    table = _compared(words, path) if source.path is None else tables.read(path, headed=True)
    option = "corpus.table.columns.{}"
    given = source.columns.model_dump()
    try:
        columns = tables.find(table.header, USUAL, given, needed=("path",), option=option)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    if words is None and not set(AXES) & set(columns):
        raise ValueError(
            f"{path} must have a column of ratings, omq or ta: name it with "
            f"{option.format('omq')}. The columns are: {', '.join(table.header)}"
        )
    of_pairs = words is not None and (words["axis"] == "ta").any()
    if ("ta" in columns or of_pairs) and "prompt" not in columns:
        raise ValueError(
            f"{path} rates textual alignment, so it must have a column of prompts: name it with "
            f"{option.format('prompt')}"
        )
    root = _root(path, source)
    found, problems = [], []
    for line, values in table.rows:
        row = dict(zip(table.header, values, strict=True))
        texts = {field: row[column] for field, column in columns.items()}
        try:
            found.append(_row(texts, root, path.parent, table, source.marks) | {"line": line})
        except ValueError as error:
            problems.append(f"line {line}: {error}")
    if problems:
        raise ValueError(tables.told(problems, str(path)))
    return DataFrame(found)


def _compared(words: DataFrame, path: Path) -> tables.Table:
    # The clips that pairs name, as a table of clips.
    ends = [
        words[[f"file_{end}", "prompt", f"system_{end}"]].set_axis(
            ["path", "prompt", "system"], axis=1
        )
        for end in "ab"
    ]
    clips = pd.concat(ends).drop_duplicates().dropna(axis=1, how="all")
    rows = [(at + 2, tuple(row)) for at, row in zip(clips.index, clips.to_numpy(), strict=True)]
    return tables.Table(str(path), tuple(clips.columns), rows)


def _named(words: DataFrame, clips: DataFrame, pairs: Path) -> DataFrame:
    # Preferences with the clips' names in the layout. A word on the whole of clips that were made
    # from no prompt says nothing of alignment.
    names: dict[str, str] = {}
    short = clips["path"].map(lambda path: PurePosixPath(key(path)).name)
    for column in (clips["clip"].map(key), clips["path"].map(key), short[~short.duplicated(False)]):
        for name, own in zip(column, clips["id"][column.index], strict=True):
            names.setdefault(name, own)
    unknown = sorted({*words["a"], *words["b"]} - set(names))
    if unknown:
        raise ValueError(
            f"{pairs} names {len(unknown)} clip(s) that the table of clips lacks, by path, id or "
            f"file name:\n{tables.listed(unknown)}"
        )
    known = words.assign(a=words["a"].map(names), b=words["b"].map(names))
    if (clips["prompt"] == UNPROMPTED).all():
        known["axis"] = known["axis"].fillna("omq")
    return known


def _root(path: Path, source: RatedTable) -> Path:
    if source.audio is None:
        return path.parent
    root = in_project(source.audio)
    if root is None:
        raise ValueError(f"corpus.table.audio must exist, but there is no {source.audio}")
    return root


def _row(
    texts: dict[str, str | None],
    root: Path,
    beside: Path,
    table: tables.Table,
    marks: tuple[float, float],
) -> dict:
    if texts["path"] is None:
        raise ValueError("it names no sound file")
    places = [base / texts["path"] for base in (root, beside)]
    file = next((place for place in places if place.exists()), places[0])
    # Words are what is embedded, and the layout has a line a prompt.
    prompt = " ".join((texts.get("prompt") or "").split())
    if "prompt" in texts and not prompt:
        raise ValueError("its prompt is blank")
    split = (texts.get("split") or "").strip().lower()
    if "split" in texts and split not in SPLIT_NAMES:
        raise ValueError(f"split must be one of {', '.join(SPLIT_NAMES)}, given {split!r}")
    return {
        "path": texts["path"],
        "file": file,
        "clip": texts.get("id") or texts["path"],
        "prompt": prompt or UNPROMPTED,
        "prompt_id": texts.get("prompt_id") or "",
        "system": texts.get("system") or ONE_SYSTEM,
        "given": SPLIT_NAMES.get(split, ""),
        "rater": "".join((texts.get("rater") or "").replace(",", ";").split()),
        **{axis: _label(axis, texts.get(axis), table, marks) for axis in AXES},
    }


def _label(
    axis: str, text: str | None, table: tables.Table, marks: tuple[float, float]
) -> float | None:
    if text is None:
        return None
    (worst, best), value = marks, table.number(text)
    if value is None or not min(marks) <= value <= max(marks):
        raise ValueError(
            f"{axis} must be a number in {min(marks):g}..{max(marks):g} (corpus.table.scale), "
            f"given {text!r}"
        )
    return LOWEST + (HIGHEST - LOWEST) * (value - worst) / (best - worst)


def _clips(rows: DataFrame, path: Path) -> DataFrame:
    # One row a clip, with its name in the layout; `rows` get that name as `clip_number`.
    own = ["path", "prompt", "system"]
    rows[["omq", "ta"]] = rows[["omq", "ta"]].astype(float)
    rows["clip_number"] = rows.groupby(own, sort=True).ngroup()
    by_clip = rows.groupby("clip_number")
    problems = [
        f"line {part['line'].iloc[-1]}: {key} is in the splits {' and '.join(splits)}"
        for key, part in rows.groupby("clip")
        if len(splits := part["given"].unique()) > 1
    ]
    clips = by_clip.first().assign(**{axis: by_clip[axis].mean() for axis in AXES})
    clips["raters"] = by_clip.size()
    problems += _unheard(clips)
    if problems:
        raise ValueError(tables.told(problems, str(path)))
    # Another clip of the same system and prompt gets another number of the same words.
    clips["take"] = clips.groupby(["system", "prompt"]).cumcount()
    systems = _numbers(clips["system"], "S")
    clips["prompt_number"] = _numbers(clips[["prompt", "take"]].apply(tuple, axis=1), "P")
    clips["id"] = systems + "_" + clips["prompt_number"]
    return clips


def _numbers(values: Series, letter: str) -> Series:
    names = sorted(values.unique())
    digits = max(3, len(str(len(names))))
    numbers = {name: f"{letter}{at:0{digits}d}" for at, name in enumerate(names, 1)}
    return values.map(numbers)


def _unheard(clips: DataFrame) -> list[str]:
    # What is wrong with the sound files, by the names that the user knows.
    def problem(file: Path) -> str:
        try:
            audio.read(file)
        except ValueError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor() as pool:
        found = list(pool.map(problem, clips["file"]))
    return [f"line {line}: {said}" for line, said in zip(clips["line"], found, strict=True) if said]


def _split(clips: DataFrame, source: RatedTable, path: Path) -> tuple[Series, str]:
    # train, dev or test a clip, and in words who said so.
    if (clips["given"] != "").any():
        return clips["given"], "as the table says"
    column = {"prompts": "prompt", "systems": "system", "clips": "id"}[source.protocol]
    groups = clips[column].nunique()
    if groups < len(SPLITS):
        raise ValueError(
            f"{path} must have {len(SPLITS)} {source.protocol} at least to be divided by them, it "
            f"has {groups}: set corpus.table.protocol to another of prompts, systems, clips, or "
            "give it a column split"
        )
    folds = min(FOLDS, groups)
    how = Split(protocol="prompts" if column == "prompt" else "systems", folds=folds)
    held = clips[["id", "prompt"]].assign(system=clips[column].to_numpy())
    found = assign(clips[["id"]].assign(split=""), held, how)
    split = clips["id"].map(dict(zip(found["id"], found["split"], strict=True)))
    return split, f"by {source.protocol}, one part in {folds} each for dev and test"


def _write_labels(folder: Path, clips: DataFrame, rows: DataFrame, compared: set[str]) -> None:
    known = clips["omq"].notna() | clips["ta"].notna() | clips["id"].isin(compared)
    rated = clips[known]
    for split in SPLITS:
        part = rated[rated["split"] == split]
        _write(folder / f"sets/{split}_mos_list.txt", map(_labels, part.itertuples()))
    unrated = clips[~known]
    if len(unrated):
        _write(folder / "sets/eval_list.txt", unrated["id"])
    if (clips["raters"] == 1).all() and (rows["rater"] == "").all():
        return  # means: whose they are is not known
    ids, several = clips["id"], rows.dropna(subset=list(AXES), how="all").copy()
    several["id"] = several["clip_number"].map(ids)
    place = several.groupby("id").cumcount() + 1
    several["rater"] = several["rater"].where(several["rater"] != "", "row" + place.astype(str))
    lines = (_labels(row, row.rater) for row in several.sort_values("id").itertuples())
    _write(folder / "person_mos/total_person_mos.txt", lines)


def _labels(row: tuple, *between: str) -> str:
    labels = [UNRATED if pd.isna(value) else repr(float(value)) for value in (row.omq, row.ta)]
    return ",".join([row.id, *between, *labels])


def _write(path: Path, lines: object) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
