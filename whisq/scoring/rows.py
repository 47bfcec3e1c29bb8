"""What the scorer answers: one row a clip, the files that hold such rows, means of systems."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from whisq.extras import require
from whisq.files import whole
from whisq.scoring.requests import Request, written

if TYPE_CHECKING:
    from pyarrow import Table

    from whisq.scores import Score

FORMS = (".csv", ".jsonl", ".parquet", ".txt")
LEVEL = 0.95


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
        """Return the row as one line of JSON, text in any script left readable."""
        return json.dumps(asdict(self), ensure_ascii=False)


def row_of(
    request: Request, score: Score | None = None, note: str | None = None, error: str | None = None
) -> Row:
    """Return the answer to a request: a score, or the error that says why there is none."""
    texts = (request.id, written(request.path), request.prompt, request.system, error)
    # A prompt may hold half a character.
    *asked, error = (text and text.encode("utf-8", "replace").decode() for text in texts)
    return Row(*asked, score and score.omq, score and score.ta, note, error)


def arrow(rows: Sequence[Row]) -> Table:
    """Return rows as an Arrow table: numbers float64, the rest text, also where all are None."""
    import pyarrow as pa

    numbers = {"omq": pa.float64(), "ta": pa.float64()}
    columns = [(field.name, numbers.get(field.name, pa.string())) for field in fields(Row)]
    return pa.Table.from_pylist([asdict(row) for row in rows], schema=pa.schema(columns))


def form(path: Path) -> str:
    """Return the suffix by which a file's form is chosen.

    Raises:
        ValueError: It is not one of `FORMS`, or parquet can't be written here.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMS:
        raise ValueError(f"{path} must end in one of {', '.join(FORMS)}")
    if suffix == ".parquet":
        require("parquet", "pyarrow", by=str(path))
    return suffix


def write_rows(rows: Sequence[Row], path: Path) -> None:
    """Write rows to a file, whole or not at all: it is read back before it is put in place.

    Args:
        rows: In the order wanted.
        path: Ends in one of `FORMS`; a file of that name is replaced. `.txt` is a MusicEval answer
            file: the lines `id,omq,ta` of the clips that have a score, without a header; `id,omq`
            where none has a prompt.

    Raises:
        OSError: What was written does not hold every row; `path` stays as it was.
    """
    suffix = form(path)
    if suffix == ".txt":
        rows = [row for row in rows if row.error is None]
    with whole(path) as unfinished:
        _write(rows, unfinished, suffix)
        if _ids(unfinished, suffix) != [row.id for row in rows]:
            raise OSError(f"{path} could not be written whole: is the disk full, or broken?")


def _write(rows: Sequence[Row], path: Path, suffix: str) -> None:
    if suffix == ".parquet":
        from pyarrow import parquet

        parquet.write_table(arrow(rows), path)
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        if suffix == ".jsonl":
            file.writelines(row.json() + "\n" for row in rows)
        elif suffix == ".csv":
            table = csv.DictWriter(file, [field.name for field in fields(Row)])
            table.writeheader()
            table.writerows(asdict(row) for row in rows)
        else:
            prompted = any(row.ta is not None for row in rows)
            csv.writer(file).writerows((row.id, row.omq, row.ta)[: 2 + prompted] for row in rows)


def _ids(path: Path, suffix: str) -> list[str]:
    if suffix == ".parquet":
        from pyarrow import parquet

        return parquet.read_table(path, columns=["id"])["id"].to_pylist()
    with path.open(encoding="utf-8", newline="") as file:
        if suffix == ".jsonl":
            return [json.loads(line)["id"] for line in file]
        return [cells[0] for cells in csv.reader(file)][suffix == ".csv" :]


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
        means = [_mean([getattr(row, axis) for row in own]) for axis in ("omq", "ta")]
        lines.append((system, str(len(own)), str(failed), *means))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = ("  ".join(map(str.ljust, line, widths)) for line in lines)
    return "".join(f"{line.rstrip()}\n" for line in padded)


def _mean(scores: Iterable[float | None]) -> str:
    known = [score for score in scores if score is not None]
    if not known:
        return "-"
    mean = math.fsum(known) / len(known)
    if len(known) == 1:
        return f"{mean:.2f}"
    from scipy.stats import sem, t

    return f"{mean:.2f} ± {t.ppf((1 + LEVEL) / 2, len(known) - 1) * sem(known):.2f}"
