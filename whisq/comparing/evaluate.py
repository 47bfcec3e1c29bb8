"""What `whisq evaluate` does: a model judged on a corpus that it need not have learnt from."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from whisq.corpus.rated_table import Columns, RatedTable, lay_out
from whisq.evaluation.across import evaluate
from whisq.exits import DONE, WRONG_CALL
from whisq.files import tell, write_whole
from whisq.predictor import Predictor
from whisq.show.across import crossed, judged
from whisq.show.results import every_metric

NEEDED = ("clips.csv", "ratings.csv", "embeddings")


@dataclass(frozen=True)
class Command:
    """A call of `whisq evaluate`, whose help says what each option means.

    Attributes:
        model: What `whisq.load` takes.
        corpus: A folder in MusicEval's layout, or a table of rated clips.
        learnt: The pipeline's data folder that the model was trained in; None: the model's own.
        scale: Of a table, as `corpus.table.scale`.
        audio: Of a table, as `corpus.table.audio`.
        columns: Of a table, its own names of columns by field.
        output: The file to write the result to, as JSON.
        beside: Results of other calls, for the table of train x test.
    """

    model: str
    corpus: Path
    learnt: Path | None
    scale: str
    audio: str | None
    columns: Mapping[str, str | None]
    output: Path | None
    beside: Sequence[Path]
    resamples: int
    seed: int
    device: str


def run(command: Command, as_json: bool) -> int:
    """Return the exit code of a call, carried out."""
    try:
        others = [_read(path) for path in command.beside]
        found = _judge(command)
    except (ValueError, OSError) as error:
        tell(f"whisq evaluate: {error}")
        return WRONG_CALL
    text = json.dumps(found, indent=2, allow_nan=False) + "\n"
    if command.output:
        write_whole(command.output, text.encode())
    if as_json:
        print(text, end="")
        return DONE
    shown, console = judged(found), Console()
    console.print(shown.standings, every_metric(shown.found, f"All metrics ({shown.place})"))
    if others:
        console.print(crossed([*others, found]))
    return DONE


def _judge(command: Command) -> dict[str, Any]:
    if not command.corpus.exists():
        raise ValueError(f"CORPUS must exist, but there is no {command.corpus}")
    model = Predictor.load(command.model, command.device)
    learnt = command.learnt or Path(command.model).parent
    if not all((learnt / name).exists() for name in NEEDED):
        if command.learnt:
            raise ValueError(f"--learnt must hold {', '.join(NEEDED)}; {learnt} does not")
        learnt = None
        tell("mind: no floor, for where the model was trained is not known; say --learnt DATA")
    trained_on = model.config.corpus.get("name", "a corpus that it does not name")
    with tempfile.TemporaryDirectory() as folder:
        corpus = command.corpus
        if not corpus.is_dir():
            corpus = Path(folder) / "raw"
            named = Columns(**command.columns)
            table = {"scale": command.scale, "audio": command.audio, "columns": named}
            lay_out(RatedTable(path=str(command.corpus), protocol="clips", **table), corpus)
        return evaluate(model, corpus, learnt, trained_on, command.resamples, command.seed)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not {"trained_on", "corpus", "test"} <= set(found):
            raise ValueError("it lacks trained_on, corpus or test")
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"--beside {path} must be a file that -o wrote ({error})") from None
    return found
