"""What is compared: the clips of each system with their scores, read from files or scored now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath

from pandas import DataFrame

from whisq import tables
from whisq.devices import AUTO
from whisq.evaluation.answers import COLUMNS, FOLDER
from whisq.evaluation.metrics import AXES
from whisq.files import tell
from whisq.names import key, system_and_prompt
from whisq.scoring.requests import USUAL, read_sources
from whisq.scoring.rows import Row
from whisq.tables import SUFFIXES, Table

FIELDS = {field: list(names) for field, names in USUAL.items()} | {a: COLUMNS[a] for a in AXES}
HEADLESS = ("id", *AXES)


@dataclass(frozen=True)
class Systems:
    """The clips of two systems or more.

    Attributes:
        clips: One row a clip that has a score: `system`, `prompt`, `omq` and `ta`, NaN where it
            has none.
        paired_by: What `prompt` is.
        failed: How many clips of each system could not be scored.
    """

    clips: DataFrame
    paired_by: str
    failed: dict[str, int]

    @property
    def names(self) -> list[str]:
        """The systems in the order given."""
        return list(self.failed)

    @property
    def left_out(self) -> dict[str, list[str]]:
        """The prompts that not all systems have, with the systems that have each."""
        had = self.clips.groupby("prompt")["system"].unique()
        return {prompt: list(own) for prompt, own in had.items() if len(own) < len(self.names)}

    def without(self, system: str) -> int:
        """Return how many prompts the other systems share."""
        others = self.clips[self.clips["system"] != system]
        had = others.groupby("prompt")["system"].nunique()
        return int((had == len(self.names) - 1).sum())


def read_systems(
    sources: Sequence[str],
    by: str | None = None,
    columns: Mapping[str, str | None] | None = None,
    model: str = "data/model",
    device: str = AUTO,
    only: Sequence[str] = (),
) -> Systems:
    """Return the clips of systems with their scores, which are read or made now.

    A table with a column of scores, or a .txt file of answers, is read; whatever else `whisq score`
    takes is scored. Clips are paired by the prompt's text if all have it, else by the prompt in
    their names (`S001_P001`) if all have such names, else by file name.

    Args:
        sources: As many as there are systems, or any number with `by`.
        by: The column that names a clip's system, or `folder` (of its path). None: each source is
            a system of its own, but of a single source the usual column is taken. A clip without
            one belongs to the system in its name (`S001_P001`).
        columns: The user's choice of a table's columns for `path`, `prompt`, `id`, `omq`, `ta`.
        model: Scores what has no scores; as `whisq.load` takes it.
        device: Where to score.
        only: The systems that are wanted, in this order; none for all.

    Raises:
        ValueError: A source can't be read, clips have no system, a wanted system is not there, or
            there are fewer than two.
    """
    by = by or ("system" if len(sources) == 1 else None)
    given = dict(columns or {}) | ({} if by in (None, FOLDER, "system") else {"system": by})
    rows = _rows(sources, given, model, device)
    if by is None:
        names = distinct(sources)
        named = zip(names, rows, strict=True)
        rows = [[replace(row, system=name) for row in own] for name, own in named]
    flat = [row for own in rows for row in own]
    flat = [replace(row, system=system_of(row, by == FOLDER)) for row in flat]
    bare = [row.id for row in flat if row.system is None]
    if bare:
        raise ValueError(
            f"{len(bare)} clip(s) have no system, {bare[0]!r} first: name the column that has it, "
            "or `folder`, with --by"
        )
    return _systems(_wanted(flat, only) if only else flat)


def is_scored(source: str, columns: Mapping[str, str | None] | None = None) -> bool:
    """Return whether a source holds scores already: a table with an axis, or a .txt file."""
    path = Path(source)
    if not path.is_file() or path.suffix.lower() not in (*SUFFIXES, ".txt"):
        return False
    header = tables.read(path).header
    chosen = [(columns or {}).get(axis) for axis in AXES]
    usual = {axis: COLUMNS[axis] for axis in AXES}
    return header is None or any(
        name in chosen or tables.find([name], usual, {}, around=AXES) for name in header
    )


def distinct(sources: Sequence[str]) -> list[str]:
    """Return a name of each source: that of the file, with its folder's, or as given.

    The shortest is taken that sets all apart: `small.csv` and `large.csv` are `small` and `large`.

    Raises:
        ValueError: A source is given twice.
    """
    twice = [source for source, count in Counter(sources).items() if count > 1]
    if twice:
        raise ValueError(f"{twice[0]!r} is given twice: what is to be compared with it?")
    paths = [Path(source) for source in sources]
    names = [path.name if path.is_dir() else path.stem for path in paths]
    longer = [f"{path.parent.name}/{name}" for path, name in zip(paths, names, strict=True)]
    for choice in (names, longer):
        if len(set(choice)) == len(choice) and all(choice):
            return choice
    return list(sources)


def read_rows(path: str, columns: Mapping[str, str | None]) -> list[Row]:
    """Return the rows of a file of scores, such as `whisq score` writes.

    Args:
        path: A table; see `whisq.tables`. Without a header its columns are id, OMQ, TA.
        columns: The user's choice of columns by field.

    Raises:
        ValueError: The file has no scores, or some rows have neither a score nor an `error`; all
            of them are told.
    """
    table = tables.read(path)
    places = _places(table, columns)
    rows, problems = [], []
    for number, cells in table.rows:
        said = {field: cells[place] for field, place in places.items()}
        scores = {axis: table.number(said.get(axis)) for axis in AXES}
        name = said.get("id") or said.get("path") or f"row {number}"
        error = said.get("error")
        if error is None:
            wrong = [a for a in AXES if said.get(a) is not None and scores[a] is None]
            problems += [f"row {number}: {a} of {name!r} is not a finite number" for a in wrong]
            if not wrong and set(scores.values()) == {None}:
                problems.append(f"row {number}: {name!r} has no score")
        texts = (said.get("path") or name, said.get("prompt"), said.get("system"))
        rows.append(Row(name, *texts, scores["omq"], scores["ta"], error=error))
    if problems:
        raise ValueError(tables.told(problems, path))
    return rows


def system_of(row: Row, by_folder: bool = False) -> str | None:
    """Return what made a clip: its folder, or what its row says, else its name."""
    if by_folder:
        return _path(row).parent.name or None
    return row.system or _name_of(row, 0)


def prompt_of(row: Row) -> str | None:
    """Return what a clip was made from: the prompt's text, else the prompt in its name."""
    return _text_of(row) or _name_of(row, 1)


def _rows(
    sources: Sequence[str], given: Mapping[str, str | None], model: str, device: str
) -> list[list[Row]]:
    # What has no scores is scored in one go, by one model.
    read = [read_rows(source, given) if is_scored(source, given) else None for source in sources]
    asked = {field: given.get(field) for field in USUAL}
    waiting = {
        place: read_sources([sources[place]], asked)
        for place, rows in enumerate(read)
        if rows is None
    }
    requests = [request for own in waiting.values() for request in own]
    if requests:
        # Where there are scores already nobody waits for torch.
        from whisq.scoring.command import Command, engine_of
        from whisq.scoring.job import Tally, stream

        tally = Tally()
        command = Command(
            sources=[sources[place] for place in waiting],
            model=model,
            prompt=None,
            output=None,
            columns={},
            engine="local",
            workers=None,
            batch_size=AUTO,
            device=device,
            resume=False,
            strict=False,
            summary=False,
        )
        done = (row for row, _ in stream(requests, engine_of(command), tally))
        for place, own in waiting.items():
            read[place] = list(islice(done, len(own)))
        tell(tally.report())
    return [rows or [] for rows in read]


def _wanted(rows: list[Row], only: Sequence[str]) -> list[Row]:
    there = list(dict.fromkeys(row.system for row in rows))
    absent = [system for system in only if system not in there]
    if absent:
        raise ValueError(f"there is no system {absent[0]!r}, but {', '.join(map(repr, there))}")
    return [row for system in dict.fromkeys(only) for row in rows if row.system == system]


def _systems(rows: list[Row]) -> Systems:
    failed = Counter({row.system: 0 for row in rows})
    failed.update(row.system for row in rows if row.error is not None)
    if len(failed) < 2:
        raise ValueError(
            f"there is one system alone, {next(iter(failed))!r}: give another file or folder, or "
            "name the column that tells systems apart with --by"
        )
    scored = [row for row in rows if row.error is None]
    paired_by, prompt = next((w, p) for w, p in WAYS.items() if all(map(p, scored)))
    clips = [(row.system, prompt(row), row.omq, row.ta) for row in scored]
    table = DataFrame(clips, columns=["system", "prompt", *AXES])
    return Systems(table.astype(dict.fromkeys(AXES, float)), paired_by, dict(failed))


def _path(row: Row) -> PurePosixPath:
    return PurePosixPath(key((row.path or row.id).replace("\\", "/")))


def _places(table: Table, columns: Mapping[str, str | None]) -> dict[str, int]:
    if table.header is None:
        width = len(table.rows[0][1])
        if any(columns.values()):
            raise ValueError(f"{table.name} must have a header, to name a column of it")
        if not 2 <= width <= len(HEADLESS):
            raise ValueError(f"{table.name} has {width} column(s) and no header: give it one")
        return dict(zip(HEADLESS, range(width), strict=False))
    header = list(table.header)
    usual, by = FIELDS | {"error": ["error"]}, columns.get("system")
    if by is not None and tables.plain(by) not in map(tables.plain, header):
        raise ValueError(
            f"{table.name} must have a column {by!r} for --by; its columns are "
            f"{', '.join(map(repr, header))}"
        )
    try:
        found = tables.find(header, usual, columns, around=AXES)
    except ValueError as error:
        raise ValueError(f"{table.name}: {error}") from None
    return {field: header.index(name) for field, name in found.items()}


def _name_of(row: Row, part: int) -> str | None:
    return (system_and_prompt(_path(row).name) or (None, None))[part]


def _text_of(row: Row) -> str | None:
    return row.prompt and " ".join(row.prompt.split())


WAYS: dict[str, Callable[[Row], str | None]] = {
    "prompt": _text_of,
    "the prompt in the clip's name": partial(_name_of, part=1),
    "file name": lambda row: _path(row).name,
}
"""What clips can be paired by, the best first."""
