"""What the scorer answers: one row a clip, the files that hold such rows, means of systems."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import Field, asdict, dataclass, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whisq.extras import require
from whisq.files import whole
from whisq.model import card
from whisq.scoring.requests import Request, written

if TYPE_CHECKING:
    from pyarrow import Table

    from whisq.audio import Sound
    from whisq.scores import Score

FORMS = (".csv", ".jsonl", ".parquet", ".txt")
LEVEL = 0.95


@dataclass(frozen=True)
class Provenance:
    """Where a score comes from; what is of the clip is None where it could not be read.

    Attributes:
        model_id: The model as it was named.
        model_sha256: `card.fingerprint` of it.
        audio_encoder: Name, and the revision behind `@` where there is one; of several, each.
        audio_encoder_sha256: Of its files.
        text_encoder: As `audio_encoder`.
        text_encoder_sha256: Of its files.
        whisq_version: Of this package.
        torch_version: Of torch.
        seconds: The clip's length.
        seconds_heard: How many of them, from the start, the score is of.
        source_rate: The file's, Hz.
        source_channels: The file's.
        loudness_lufs: Of its channels' average, as `Sound.loudness` gives it.
        peak_dbfs: Of all channels, 0 at full scale.
        silent_share: Of what is heard, 0 to 1.
    """

    model_id: str
    model_sha256: str
    audio_encoder: str
    audio_encoder_sha256: str | None
    text_encoder: str
    text_encoder_sha256: str | None
    whisq_version: str
    torch_version: str
    seconds: float | None = None
    seconds_heard: float | None = None
    source_rate: int | None = None
    source_channels: int | None = None
    loudness_lufs: float | None = None
    peak_dbfs: float | None = None
    silent_share: float | None = None

    @classmethod
    def of(cls, model: str, folder: Path) -> Provenance:
        """Return what is the same for all scores of a model, by name and by folder."""
        config = json.loads((folder / card.FILES[0]).read_text(encoding="utf-8"))
        told: dict[str, str | None] = {}
        for kind, encoder in card.each(card.about(config)["encoders"]):
            at = f"@{encoder['revision']}" if encoder["revision"] else ""
            own = {f"{kind}_encoder": f"{encoder['model']}{at}"}
            own[f"{kind}_encoder_sha256"] = encoder["sha256"]
            # Several of one kind stand one after the other.
            told |= {name: f"{told[name]} {v}" if name in told else v for name, v in own.items()}
        versions = {f"{name}_version": version(name) for name in ("whisq", "torch")}
        return cls(model, card.fingerprint(folder), **told, **versions)

    @property
    def of_model(self) -> Provenance:
        """This without what a clip brings."""
        return replace(self, **{each.name: None for each in fields(self) if each.default is None})

    def of_clip(self, clip: Sound, heard: float) -> Provenance:
        """Return this with what a clip brings, of which so many seconds are heard."""
        loudness = clip.loudness
        return replace(
            self,
            seconds=round(clip.seconds, 3),
            seconds_heard=round(heard, 3),
            source_rate=clip.rate,
            source_channels=clip.channels,
            loudness_lufs=None if loudness is None else round(loudness, 2),
            peak_dbfs=round(20 * math.log10(clip.peak), 2) + 0.0,  # no minus zero
            silent_share=round(clip.silent, 4),
        )


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
        provenance: Where it comes from, if that was asked for; its fields are columns too.
    """

    id: str
    path: str
    prompt: str | None
    system: str | None
    omq: float | None
    ta: float | None
    note: str | None = None
    error: str | None = None
    provenance: Provenance | None = None

    @classmethod
    def of_cells(cls, cells: Mapping[str, Any]) -> Row:
        """Return the row whose `cells` these are."""
        own = {field.name: cells[field.name] for field in fields(cls)[:-1]}
        further = {name: value for name, value in cells.items() if name not in own}
        return cls(**own, provenance=Provenance(**further) if further else None)

    @property
    def cells(self) -> dict[str, Any]:
        """The values by their columns' names."""
        own = asdict(self)
        return own | (own.pop("provenance") or {})

    def json(self) -> str:
        """Return the row as one line of JSON, text in any script left readable."""
        return json.dumps(self.cells, ensure_ascii=False)


def row_of(
    request: Request,
    score: Score | None = None,
    note: str | None = None,
    error: str | None = None,
    provenance: Provenance | None = None,
) -> Row:
    """Return the answer to a request: a score, or the error that says why there is none."""
    texts = (request.id, written(request.path), request.prompt, request.system, error)
    # A prompt may hold half a character.
    *asked, error = (text and text.encode("utf-8", "replace").decode() for text in texts)
    return Row(*asked, score and score.omq, score and score.ta, note, error, provenance)


def arrow(rows: Sequence[Row]) -> Table:
    """Return rows as an Arrow table, each column of its type also where all are None."""
    import pyarrow as pa

    types = {"str": pa.string(), "float": pa.float64(), "int": pa.int64()}
    columns = [(field.name, types[field.type.split(" ")[0]]) for field in _columns(rows)]
    return pa.Table.from_pylist([row.cells for row in rows], schema=pa.schema(columns))


def _columns(rows: Sequence[Row]) -> list[Field]:
    told = any(row.provenance for row in rows)
    return [*fields(Row)[:-1], *(fields(Provenance) if told else ())]


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
            table = csv.DictWriter(file, [field.name for field in _columns(rows)])
            table.writeheader()
            table.writerows(row.cells for row in rows)
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
