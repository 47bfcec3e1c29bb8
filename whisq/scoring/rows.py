"""What the scorer answers: one row a clip, the files that hold such rows, means of systems."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from whisq.extras import require
from whisq.files import whole
from whisq.scoring.requests import Request, written

if TYPE_CHECKING:
    from pyarrow import Table

    from whisq.predictor import Score

LEVEL = 0.95
Write = Callable[[Sequence["Row"], Path], None]
Ids = Callable[[Path], list[str]]


@dataclass(frozen=True)
class Row:
    """A scored clip, or why it could not be scored.

    Attributes:
        id: The request's.
        path: The clip's, as `requests.written` gives it.
        prompt: The request's; None where quality alone was asked for.
        system: What made the clip; None where unknown.
        omq: Overall musical quality, 1 to 5; None where the clip failed.
        ta: Textual alignment, 1 to 5; None where the clip failed or has no prompt.
        note: What to know of the number, such as that the clip is longer than the window.
        error: Why there is no number; None where there is one.
    """

    id: str
    path: str
    prompt: str | None
    system: str | None
    omq: float | None
    ta: float | None
    note: str | None = None
    error: str | None = None

    def json(self) -> str:
        """Write the row as one line of JSON, text in any script left readable.

        Returns:
            An object with every field; None is null.
        """
        return json.dumps(asdict(self), ensure_ascii=False)


def row_of(
    request: Request, score: Score | None = None, note: str | None = None, error: str | None = None
) -> Row:
    """Answer a request.

    Args:
        request: What was asked.
        score: The answer, where there is one.
        note: What to know of it.
        error: Why there is none.

    Returns:
        The row, each text of which can be written.
    """
    texts = (request.id, written(request.path), request.prompt, request.system)
    # A prompt may hold half a character.
    clean = [None if text is None else text.encode("utf-8", "replace").decode() for text in texts]
    omq, ta = (score.omq, score.ta) if score else (None, None)
    return Row(*clean, omq, ta, note, error and error.encode("utf-8", "replace").decode())


def arrow(rows: Sequence[Row]) -> Table:
    """Lay rows out as an Arrow table, also where a column is empty throughout.

    Args:
        rows: In the order wanted.

    Returns:
        A column a field: numbers float64, the rest text.
    """
    import pyarrow as pa

    numbers = {"omq": pa.float64(), "ta": pa.float64()}
    columns = [(field.name, numbers.get(field.name, pa.string())) for field in fields(Row)]
    return pa.Table.from_pylist([asdict(row) for row in rows], schema=pa.schema(columns))


def form(path: Path) -> tuple[Write, Ids]:
    """Choose how to write rows by the file's suffix.

    Args:
        path: `.csv`, `.jsonl`, `.parquet`, or `.txt` for a MusicEval answer file (the lines
            `id,omq,ta` of the clips that have a score, without a header; `id,omq` where none has a
            prompt).

    Returns:
        What writes rows to a file, and what reads their ids back.

    Raises:
        ValueError: The suffix is none of these.
    """
    forms = {
        ".csv": (_csv, lambda path: [row[0] for row in _cells(path)][1:]),
        ".jsonl": (_jsonl, _jsonl_ids),
        ".parquet": (_parquet, _parquet_ids),
        ".txt": (_answer, lambda path: [row[0] for row in _cells(path)]),
    }
    suffix = path.suffix.lower()
    if suffix not in forms:
        raise ValueError(f"{path} must end in one of {', '.join(forms)}")
    if suffix == ".parquet":
        require("parquet", "pyarrow", by=str(path))
    return forms[suffix]


def write_rows(rows: Sequence[Row], path: Path) -> None:
    """Write rows to a file, whole or not at all: it is read back before it is put in place.

    Args:
        rows: In the order wanted.
        path: See `form`; a file of that name is replaced. An answer file leaves out the clips
            that failed.

    Raises:
        OSError: What was written does not hold every row; `path` stays as it was.
    """
    write, ids = form(path)
    if path.suffix.lower() == ".txt":
        rows = [row for row in rows if row.error is None]
    with whole(path) as unfinished:
        write(rows, unfinished)
        if ids(unfinished) != [row.id for row in rows]:
            raise OSError(f"{path} could not be written whole: is the disk full, or broken?")


def _csv(rows: Sequence[Row], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, [field.name for field in fields(Row)])
        table.writeheader()
        table.writerows(asdict(row) for row in rows)


def _jsonl(rows: Sequence[Row], path: Path) -> None:
    path.write_text("".join(row.json() + "\n" for row in rows), encoding="utf-8", newline="")


def _jsonl_ids(path: Path) -> list[str]:
    return [json.loads(line)["id"] for line in path.read_bytes().splitlines()]


def _parquet(rows: Sequence[Row], path: Path) -> None:
    from pyarrow import parquet

    parquet.write_table(arrow(rows), path)


def _parquet_ids(path: Path) -> list[str]:
    from pyarrow import parquet

    return parquet.read_table(path, columns=["id"])["id"].to_pylist()


def _answer(rows: Sequence[Row], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        prompted = any(row.ta is not None for row in rows)
        csv.writer(file).writerows((row.id, row.omq, row.ta)[: 2 + prompted] for row in rows)


def _cells(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def summary(rows: Iterable[Row]) -> str:
    """Lay out each system's means as a table for people.

    Chosen: Student's t interval over clips. It tells how far a mean would move with other clips
    of the same system, not how far the model is from listeners.

    Args:
        rows: Scored and failed ones; those without a system stand under `-`.

    Returns:
        A line a system, by name, each ending in a line break.
    """
    systems: dict[str, list[Row]] = {}
    for row in rows:
        systems.setdefault(row.system or "-", []).append(row)
    lines = [("system", "clips", "failed", "omq (95%)", "ta (95%)")]
    for system, own in sorted(systems.items()):
        failed = sum(row.error is not None for row in own)
        means = [_said([getattr(row, axis) for row in own]) for axis in ("omq", "ta")]
        lines.append((system, str(len(own)), str(failed), *means))
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    padded = (
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
    return "".join(f"{line}\n" for line in padded)


def _said(scores: Iterable[float | None]) -> str:
    known = [score for score in scores if score is not None]
    if not known:
        return "-"
    mean = math.fsum(known) / len(known)
    if len(known) == 1:
        return f"{mean:.2f}"
    from scipy.stats import sem, t

    return f"{mean:.2f} ± {t.ppf((1 + LEVEL) / 2, len(known) - 1) * sem(known):.2f}"
