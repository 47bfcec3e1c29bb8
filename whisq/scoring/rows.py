"""What the scorer answers: one row a clip, and the files that hold such rows."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from whisq.extras import require
from whisq.files import whole
from whisq.scoring.requests import Request

if TYPE_CHECKING:
    from pyarrow import Table

    from whisq.predictor import Score


@dataclass(frozen=True)
class Row:
    """A scored clip, or why it could not be scored.

    Attributes:
        id: The request's.
        path: The clip's, as the request gave it.
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
        The row.
    """
    omq, ta = (score.omq, score.ta) if score else (None, None)
    return Row(
        id=_writable(request.id),
        path=_writable(str(request.path)),
        prompt=None if request.prompt is None else _writable(request.prompt),
        system=request.system,
        omq=omq,
        ta=ta,
        note=note,
        error=error,
    )


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


def _writable(text: str) -> str:
    # A path may hold bytes that are no text, a prompt half a character.
    return text.encode("utf-8", "replace").decode()


def writer(path: Path) -> Callable[[Sequence[Row], Path], None]:
    """Choose how to write rows by the file's suffix.

    Args:
        path: `.csv`, `.jsonl`, `.parquet`, or `.txt` for a MusicEval answer file (the lines
            `id,omq,ta` of the clips that have both numbers, without a header).

    Returns:
        The function that writes rows to a file.

    Raises:
        ValueError: The suffix is none of these.
    """
    writers = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet, ".txt": _answer}
    if path.suffix.lower() not in writers:
        raise ValueError(f"{path} must end in one of {', '.join(writers)}")
    if path.suffix.lower() == ".parquet":
        require("parquet", "pyarrow", by=str(path))
    return writers[path.suffix.lower()]


def write_rows(rows: Sequence[Row], path: Path) -> None:
    """Write rows to a file, whole or not at all.

    Args:
        rows: In the order wanted.
        path: See `writer`; a file of that name is replaced.
    """
    with whole(path) as unfinished:
        writer(path)(rows, unfinished)


def _csv(rows: Sequence[Row], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, [field.name for field in fields(Row)])
        table.writeheader()
        table.writerows(asdict(row) for row in rows)


def _jsonl(rows: Sequence[Row], path: Path) -> None:
    path.write_text("".join(row.json() + "\n" for row in rows), encoding="utf-8")


def _parquet(rows: Sequence[Row], path: Path) -> None:
    from pyarrow import parquet

    parquet.write_table(arrow(rows), path)


def _answer(rows: Sequence[Row], path: Path) -> None:
    scored = [row for row in rows if row.omq is not None and row.ta is not None]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows((row.id, row.omq, row.ta) for row in scored)
