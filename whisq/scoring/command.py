"""What `whisq score` does: sources in, rows out, messages on standard error."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from whisq import addresses
from whisq.devices import BatchSize, at_once
from whisq.exits import DONE, SOME_FAILED, STOPPED, WRONG_CALL
from whisq.files import tell
from whisq.model import card
from whisq.scoring.job import Engine, Journal, StrictError, Tally, complete, stream
from whisq.scoring.requests import Request, inputs, is_clip, read_lines, read_sources
from whisq.scoring.rows import Provenance, Row, form, summary, write_rows

STDIN = "-"
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # no room, no quota, no longer a file


@dataclass(frozen=True)
class Command:
    """A call of `whisq score`, whose help says what each option means.

    Attributes:
        output: The file to write; None: rows go to standard output.
        columns: The user's choice of a list's columns by field.
        engine: `local` or `ray`.
        workers: None: as many as there are cores here, one with ray.
    """

    sources: Sequence[str]
    model: str
    prompt: str | None
    output: Path | None
    columns: Mapping[str, str | None]
    engine: str
    workers: int | None
    batch_size: BatchSize
    device: str
    resume: bool
    strict: bool
    summary: bool
    provenance: bool = False

    @property
    def one_clip(self) -> bool:
        """Whether the only source is a clip, not a list, a folder or a pattern."""
        return len(self.sources) == 1 and is_clip(self.sources[0])

    @cached_property
    def folder(self) -> Path:
        """The model's, brought here once."""
        return addresses.bring(self.model)

    @property
    def told(self) -> Provenance | None:
        """What each row tells of the model, if it was asked for."""
        return Provenance.of(self.model, self.folder) if self.provenance else None


def run(command: Command) -> int:
    """Return the exit code of a call that is carried out.

    Raises:
        BrokenPipeError: Whoever read the rows has had enough, which typer takes as a quiet end.
    """
    try:
        _check(command)
        return _score(command)
    except StrictError as error:
        tell(f"stopped at the first clip that can't be scored, as --strict asks: {error}")
        return SOME_FAILED
    except BrokenPipeError:
        raise
    except (ValueError, OSError) as error:
        tell(f"whisq score: {error}{_remedy(error, command)}")
        return WRONG_CALL
    except KeyboardInterrupt:
        tell("stopped" + (": go on with --resume" if command.output else ""))
        return STOPPED


def _remedy(error: Exception, command: Command) -> str:
    if getattr(error, "errno", None) not in FULL:
        return ""
    if command.output:
        return "; what was scored is kept: make room, then go on with --resume"
    # Python would try again to write what is left, at its end, and say so at length.
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return "; the rows could not be written: make room, or write elsewhere"


def about(model: str, as_json: bool) -> int:
    """Return the exit code of `whisq about`."""
    try:
        found = addresses.about(model)
    except (ValueError, OSError) as error:
        tell(f"whisq about: {error}")
        return WRONG_CALL
    if as_json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        print(f"# {found['model']} ({found['sha256'][:16]})\n\n{card.text(found)}", end="")
    return DONE


def _check(command: Command) -> None:
    if STDIN in command.sources and len(command.sources) > 1:
        raise ValueError("`-` (standard input) must stand alone: leave the others out")
    if command.output is None:
        if command.resume:
            raise ValueError("--resume needs a file to go on with: give it with --output")
        return
    form(command.output)
    folder = command.output.parent
    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder} to write in: make it first")
    if command.output.is_dir():
        raise ValueError(f"{command.output} is a folder: name a file to write")
    if STDIN in command.sources:
        raise ValueError("rows of standard input go to standard output: use > instead of -o")


def _score(command: Command) -> int:
    wanted = command.columns, command.prompt
    if STDIN in command.sources:
        requests = read_lines(sys.stdin, *wanted)
    else:
        requests = read_sources(command.sources, *wanted)
    tally = Tally()
    if command.output is not None:
        rows = _to_file(command, requests, tally, command.output)
    elif command.one_clip:
        return _one(command, requests)
    else:
        rows = _to_stdout(command, requests, tally)
    if command.summary:
        # Where the rows fill standard output, people read the summary beside it.
        print(summary(rows), end="", file=sys.stdout if command.output else sys.stderr)
    tell(tally.report())
    if tally.failed and command.output and command.output.suffix.lower() == ".txt":
        tell(f"an answer file holds scores alone: {command.output} leaves out those that failed")
    return SOME_FAILED if tally.failed else DONE


def warn_of(folder: Path) -> None:
    """Say on standard error what the model in a folder is no good for, if its corpus tells."""
    with suppress(ValueError):  # whoever loads the model says what is wrong with it
        config = json.loads((folder / card.FILES[0]).read_text(encoding="utf-8"))
        if said := card.reach(config.get("corpus", {})):
            tell(f"mind: {said}")


def _to_file(command: Command, requests: list[Request], tally: Tally, output: Path) -> list[Row]:
    _check_output(command, requests, output)
    model = card.fingerprint(command.folder)
    with Journal(output, model, command.resume, command.provenance) as journal:
        rows = complete(requests, engine_of(command), journal, tally, command.strict)
        write_rows(rows, output)
        journal.remove()
    return rows


def _check_output(command: Command, requests: Sequence[Request], output: Path) -> None:
    bare = [request.id for request in requests if request.prompt is None]
    if output.suffix.lower() == ".txt" and 0 < len(bare) < len(requests):
        raise ValueError(
            f"an answer file (.txt) has one form of line, but {len(bare)} of {len(requests)} clips "
            f"have no prompt, {bare[0]!r} first: give one with --prompt, or write .csv or .jsonl"
        )
    for path in inputs(command.sources, requests) if output.exists() else ():
        # One file may have many names.
        if os.path.exists(path) and os.path.samefile(output, path):
            raise ValueError(f"{output} is one of the inputs ({path}): name another file to write")


def _to_stdout(command: Command, requests: Iterable[Request], tally: Tally) -> list[Row]:
    rows = []
    for row, _ in stream(requests, engine_of(command), tally, command.strict):
        print(row.json(), flush=True)
        if command.summary:
            rows.append(row)
    return rows


def _one(command: Command, requests: list[Request]) -> int:
    ((row, _),) = stream(requests, engine_of(command), Tally())
    if row.error is not None:
        tell(f"whisq score: {row.error}")
        return SOME_FAILED
    shown = {"path": row.path, "prompt": row.prompt, "omq": row.omq, "ta": row.ta}
    print(row.json() if command.provenance else json.dumps(shown, ensure_ascii=False))
    if row.note:
        tell(f"note: {row.note}")
    return DONE


def engine_of(command: Command) -> Engine:
    """Return what answers a call's requests: the model, here or on a cluster.

    What a model of this corpus is no good for is said on standard error.
    """
    if command.engine == "ray":
        from whisq.scoring.engines import cluster

        how = command.workers or 1, command.batch_size, command.device
        engine = cluster(command.model, *how, command.told)
        warn_of(command.folder)
        return engine
    warn_of(command.folder)
    from whisq.predictor import Predictor
    from whisq.scoring.engines import Scorer

    model = Predictor.load(command.folder, command.device)
    scorer, together = Scorer(model, command.told), at_once(command.batch_size, model.device)
    # A producer on a pipe may wait for each answer before it sends the next line; one clip by
    # itself is fastest with all cores on it.
    if command.one_clip or STDIN in command.sources:
        return lambda requests: scorer.rows(requests, batch_size=1)
    import torch

    threads = command.workers or torch.get_num_threads()
    if together == 1:
        torch.set_num_threads(1)  # of many clips a core each is faster than all cores on one
    return lambda requests: scorer.rows(requests, threads=threads, together=together)
