"""What `whisq probe` does: questions to a model about clips that nobody has rated."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pandas import DataFrame
from rich.console import Console
from tqdm import tqdm

from whisq import addresses
from whisq.audio import RATE, read, resampled
from whisq.devices import threads
from whisq.evaluation.bench import Bench
from whisq.evaluation.judge import rounded
from whisq.evaluation.probes import fault_response, invariance
from whisq.evaluation.prompt_probes import ONE_PROMPT, against_others, own_prompt
from whisq.exits import DONE, SOME_FAILED, STOPPED, WRONG_CALL
from whisq.files import check_output, tell, write_whole
from whisq.predictor import Predictor
from whisq.scoring.command import warn_of
from whisq.scoring.engines import Scorer
from whisq.scoring.job import Tally, stream
from whisq.scoring.requests import Request, read_sources
from whisq.scoring.rows import Row
from whisq.show.probed import WRITERS, Probed

NO_PROMPT = "no clip has a prompt"
NOT_LEARNT = "the model learnt no alignment"


@dataclass(frozen=True)
class Command:
    """A call of `whisq probe`, whose help says what each option means.

    Attributes:
        columns: The user's choice of a list's columns by field.
        others: Prompts that each clip is asked about beside its own, at most.
        altered: Clips that are given faults and other forms, at most.
    """

    sources: Sequence[str]
    model: str
    columns: Mapping[str, str | None]
    output: Path | None
    others: int
    altered: int
    resamples: int
    seed: int
    device: str


def run(command: Command, as_json: bool) -> int:
    """Return the exit code of a call, carried out."""
    try:
        if command.output is not None:
            check_output(command.output, WRITERS)
        requests = read_sources(command.sources, command.columns)
        folder = addresses.bring(command.model)
        warn_of(folder)
        tally = Tally()
        found = ask(Predictor.load(folder, command.device), requests, command, tally)
        probed = Probed({"model": command.model, **found})
        if command.output is not None:
            write_whole(command.output, WRITERS[command.output.suffix.lower()](probed))
    except (ValueError, OSError) as error:
        tell(f"whisq probe: {error}")
        return WRONG_CALL
    except KeyboardInterrupt:
        tell("stopped")
        return STOPPED
    tell(tally.report())
    if as_json:
        print(json.dumps(probed.found, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        console = Console()
        console.print(*probed.tables, sep="\n")
        console.print(*probed.said, sep="\n", markup=False, highlight=False)
    return SOME_FAILED if tally.failed else DONE


def ask(
    model: Predictor, requests: Sequence[Request], command: Command, tally: Tally
) -> dict[str, Any]:
    """Put all questions to a model.

    Args:
        model: Loaded.
        requests: The clips, each of which is encoded once as it is.
        command: How much is asked.
        tally: Counts the clips.

    Returns:
        `n_clips`; `own_prompt`, what `prompt_probes.own_prompt` gives of all clips with `by_system`
        (the same of each system's), or `share` None and the reason under `undefined`; `altered`
        (ids), `faults` and `invariance` as of the probes, with `curves` of the faults; and `clips`,
        one row a request in order: the cells of `whisq score`'s, with `own_prompt`, the share of
        other prompts that its own is preferred to.

    Raises:
        ValueError: No clip can be scored.
    """
    rows, audio = _encoded(model, requests, tally)
    table = DataFrame(
        [(row.id, request.prompt, row.system) for row, request in zip(rows, requests, strict=True)],
        columns=["id", "prompt", "system"],
    ).set_index("id")
    table = table[table.index.isin(list(audio))]
    if table.empty:
        raise ValueError(f"no clip can be scored, the first is {rows[0].id!r}: {rows[0].error}")
    paths = {row.id: request.path for row, request in zip(rows, requests, strict=True)}
    keys = _drawn(table, command.altered, command.seed)
    # Each clip is read once for each of two questions.
    with tqdm(total=2 * len(keys), desc="alter", unit="clip", disable=None) as bar:
        sound = partial(_heard, model, paths, bar)
        bench = Bench(model, table, audio, {}, sound, command.seed)
        share, own = _own_prompt(bench, command)
        faults, curves = fault_response(bench, keys)
        faults["curves"] = curves.astype(object).where(curves.notna(), None).to_dict("records")
        moved = invariance(bench, keys)
    told = {"n_clips": len(table), "own_prompt": share, "altered": keys}
    told |= {"faults": faults, "invariance": moved}
    told["clips"] = [row.cells | {"own_prompt": own.get(row.id)} for row in rows]
    return rounded(told)


def _own_prompt(bench: Bench, command: Command) -> tuple[dict[str, Any], dict[str, float]]:
    # What is told of all clips, and the share of each by its id.
    prompted = bench.clips[bench.clips["prompt"].notna()]
    count = prompted["prompt"].nunique()
    if count < 2:
        return {"share": None, "undefined": ONE_PROMPT if count else NO_PROMPT}, {}
    bench = Bench(bench.scorer, prompted, bench.audio, bench.text, None, bench.seed)
    asked = against_others(bench, command.others)
    if asked["won"].isna().any():
        return {"share": None, "undefined": NOT_LEARNT}, {}
    told = partial(own_prompt, resamples=command.resamples, seed=command.seed)
    systems = asked.groupby(asked["id"].map(prompted["system"]))
    by_system = {str(name): told(part) for name, part in systems}
    return told(asked) | {"by_system": by_system}, asked.groupby("id")["won"].mean().to_dict()


def _encoded(
    model: Predictor, requests: Sequence[Request], tally: Tally
) -> tuple[list[Row], dict[str, np.ndarray]]:
    # One row a request, and by its id the states of each clip that could be scored.
    states: dict[str, np.ndarray] = {}
    workers = torch.get_num_threads()

    def engine(waiting: Iterable[Request]) -> Iterator[Row]:
        for row, embedded in Scorer(model).kept(waiting, workers):
            if embedded is not None:
                states[row.id] = embedded[0]
            yield row

    with threads(1):  # of many clips a core each is faster than all cores on one
        rows = [row for row, _ in stream(requests, engine, tally)]
    known = {row.id for row in rows if row.error is None}
    return rows, {key: audio for key, audio in states.items() if key in known}


def _drawn(clips: DataFrame, count: int, seed: int) -> list[str]:
    # At random, but from all systems in turn.
    mixed = clips.sample(frac=1, random_state=seed)
    turn = mixed.groupby("system", dropna=False).cumcount()
    return turn.sort_values(kind="stable").index[:count].tolist()


def _heard(model: Predictor, paths: Mapping[str, Path], bar: tqdm, key: str) -> np.ndarray:
    bar.update()
    clip = read(paths[key])
    return resampled(clip)[: round(model.heard(clip) * RATE)]
