"""The command line: `whisq COMMAND --help` shows an example of each command.

Standard output holds data alone; messages go to standard error. Exit codes are those of
`whisq.exits`. Each command imports its work when it is called.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer
from typer import Argument, BadParameter, Option

from whisq.devices import AUTO
from whisq.exits import DONE, NO_ROOM, WRONG_CALL

WHISQ = """Predict how listeners would rate text-to-music clips: quality (OMQ), alignment (TA).

\b
Example, in the project's folder after `make repro`:
  whisq score data/clips.csv --output scores.csv --summary
"""

SCORE = """Score clips against their prompts: overall musical quality and textual alignment, 1 to 5.

A list's columns are found by their usual names (path, prompt, id, system). A clip's prompt may
also stand in a .txt file of its name. Without a prompt only the quality is scored. Of a folder
every clip in and below it is scored; what else is there is named on standard error.

Each clip of a list has its row, in order; one that can't be scored, or changes meanwhile, says why
in `error`. A path that is not UTF-8 is written as file:// address. An input is never written over.
--resume takes a row over if the clip's content, the prompt and the model are the same.

\b
Examples, in the project's folder after `make repro`:
  whisq score data/raw/wav/whisq-rendered-S001_P001.wav --prompt "a calm piano waltz"
  whisq score data/clips.csv --output scores.csv --resume --summary
  whisq score 'data/raw/wav/*_P001.wav' --prompt "a calm piano waltz" > scores.jsonl
"""

CACHE = """Show what the cache of embeddings holds, or remove what was not used lately.

The cache is in the folder named by WHISQ_CACHE, else in the user's cache folder. What is removed
is computed again when a stage needs it; what a project's outputs hold stays theirs.

\b
Examples:
  whisq cache
  whisq cache --prune 30
"""

PLAN = """Estimate what embedding the configured corpus will cost: download, disk, minutes.

Reads params.yaml, or what a recipe makes of it, and data/clips.csv, which `dvc repro clips` writes;
for a corpus that is not there yet say how many clips of what length to expect. What the store has
costs nothing. Sizes follow from lengths; minutes are measured on a few clips here. Weights that are
not here are downloaded, to measure with them, only with --fetch.

Exit code 1 if the disk of the cache (WHISQ_CACHE) has too little room.

\b
Examples, in the project's folder:
  whisq plan
  whisq plan --recipe paper --clips 2748 --seconds 22
"""

METRICS = """Judge answers against a MOS list: MSE, LCC, SRCC, KTAU of clips and of systems.

Or, with --pairs, by which of two clips listeners preferred: accuracy and log-loss, with the raters'
own agreement as the ceiling. `preferred` is a, b, tie or a clip's name; a row without an axis is
asked of OMQ and of TA.

ANSWER and TRUTH are csv, tsv, txt, jsonl, json or parquet, with or without a header: id, omq, ta.
Which columns were read is told on standard error; name them where two could be meant. Ids match
with or without folder, prefix and .wav. Rows of `whisq score` that failed count as missing.

ANSWER may be floor:system_mean, floor:prompt_mean, floor:global_mean or floor:gold_omq, made from
the MOS list given with --train.

A correlation that is not defined (constant predictions, one system) is null, with its reason.

\b
Examples, in the project's folder after `make repro`:
  cd data/raw/sets
  whisq metrics ../../predictions.csv test_mos_list.txt --allow-missing
  whisq metrics floor:system_mean test_mos_list.txt --train train_mos_list.txt
  whisq metrics floor:system_mean test_mos_list.txt --train train_mos_list.txt --json
  whisq metrics --pairs preferences.csv scores.csv
"""

COMPARE = """Tell which of two systems or checkpoints is better on the same prompts, and how surely.

Each is a file of scores as `whisq score` writes it, or clips, which are scored first. Clips are
paired by prompt, of which there may be several seeds; prompts that not all have are named and left
out. Of a single file or folder its systems are compared with each other.

Of two, B - A has a 95% interval, the share of prompts that B wins (ties half), p by flips of signs,
and how many more prompts would tell such a difference. Of more than two each pair is tested: those
with a letter in common can't be told apart (Student's paired p, after Holm's correction for the
number of pairs, is above 0.05).

--fail-if-worse X ends with exit code 1 if, in OMQ or in TA, the whole interval of B - A lies below
-X: B is then worse by more than X beyond doubt. A wide interval passes: it proves nothing.

\b
Examples, in the project's folder after `make repro`:
  whisq compare data/predictions.csv --only S003 --only S006 -o compare.html
  whisq compare before.csv after.csv --fail-if-worse 0.05 -o compare.png
"""

PROBE = """Ask a model about clips that nobody has rated: does it hear what it should hear?

Own prompt: how often TA prefers a clip's own prompt to other clips' (0.5: it ignores prompts), with
a 95% interval, and by system. Faults: how OMQ moves as noise, clipping, dropouts and others are put
on some of the clips, ever stronger. Invariance: how far scores move with gain, sampling rate,
container and leading silence, which no listener minds.

Clips and lists are given as to `whisq score`. One that can't be scored is named, has its row with
the `error`, and makes the exit code 1.

\b
Examples, in the project's folder after `make repro`:
  whisq probe data/clips.csv -o probe.html
  whisq probe data/clips.csv --others 5 --altered 2 --json
"""

PROMOTE = """Make a version of the registered model the champion of its corpus and protocol.

Training does so by itself where a model beats the present champion on dev, on the same data. With
that, a version also becomes `champion`, which is what models:/whisq@champion loads; but a model of
the rendered corpus never takes that from one of real ratings.

\b
Example, in the project's folder after `make repro`:
  whisq promote 1
"""

EXPLAIN = """Show why a clip has its score: which moments go with which words of its prompt.

Writes the transport plan, both co-attention maps and what taking out each word does to the
alignment, as a page to open and listen to (.html), a picture (.png) or numbers (.json).

\b
Examples, in the project's folder after `make repro`:
  whisq explain data/raw/wav/whisq-rendered-S001_P001.wav --prompt "a calm waltz" -o why.html
  whisq explain data/raw/wav/whisq-rendered-S001_P001.wav -p "a waltz" -o why.json --faults
"""

ABOUT = """Tell what a model learnt from, what it is worth, and what it was never tried on.

Corpus, split, figures with intervals beside floors and ceilings, licences of the data and of each
encoder's weights. `--json` gives the same as one object, figures in full.

\b
Examples, in the project's folder after `make repro`:
  whisq about
  whisq about models:/whisq@champion --json
"""

PUBLISH = """Publish a model on the Hugging Face hub, with a card that says what it is and is worth.

The card, which `whisq about` shows too, and the files are shown before it is asked whether to send
them. A model of the rendered corpus is refused unless told otherwise.

\b
Examples, in the project's folder after `make repro`:
  whisq publish data/model OWNER/NAME
  whisq publish data/model OWNER/NAME --private --yes
"""

EVALUATE = """Judge a model on a corpus that it need not have learnt from, beside floors.

CORPUS is a folder in MusicEval's layout, such as data/raw, or a table of rated clips
(docs/corpora.md), read with --scale, --audio and the column options. All its labelled clips are
judged. Floors and the ridge are fitted on the training clips of what the model learnt from: the
data folder that the model's lies in, or --learnt.

-o keeps the result, and --beside puts the results of other calls into a table of train x test.

\b
Examples, in the project's folder after `make repro`:
  whisq evaluate data/model data/raw --resamples 100
  whisq evaluate data/model study.csv --scale 1-7 -o study.json
  whisq evaluate other/model study.csv --scale 1-7 --beside study.json
"""


Model = Annotated[
    str,
    Option("--model", "-m", help="A folder, models:/whisq@champion and the like, or a hub id."),
]
Device = Annotated[str, Option(help="auto (a GPU if there is one), cpu, cuda, cuda:1, mps.")]
Column = Annotated[str | None, Option(help="The list's column, where it has no usual name.")]
Json = Annotated[bool, Option("--json", help="Print one JSON object.")]


def _prompt(given: str | None) -> str | None:
    from whisq.encoders.text import check_prompt

    try:
        if given is not None:
            check_prompt(given)
    except ValueError as error:
        raise BadParameter(f"{error}") from None
    return given


def _end(code: int | None) -> None:
    raise typer.Exit(code or 0)


app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
    result_callback=_end,
)


@app.callback(help=WHISQ)
def main() -> None:
    """Carry the help of the whole program, and begin every command."""
    from whisq.processes import collect_seldom

    collect_seldom()


@app.command(help=SCORE)
def score(
    sources: Annotated[
        list[str],
        Argument(
            metavar="SOURCE",
            help="Clips, lists (csv, tsv, jsonl, json, parquet), folders, patterns such as "
            "'out/*.wav', or - for jsonl on standard input.",
        ),
    ],
    prompt: Annotated[
        str | None,
        Option("--prompt", "-p", callback=_prompt, help="For clips that have none of their own."),
    ] = None,
    model: Model = "data/model",
    output: Annotated[
        Path | None,
        Option(
            "--output",
            "-o",
            help="What to write: .csv, .jsonl, .parquet, or .txt for a MusicEval answer file "
            "(of scored clips, all or none with a prompt). "
            "Without it rows go to standard output as jsonl.",
        ),
    ] = None,
    resume: Annotated[bool, Option("--resume", help="Go on from a run that was stopped.")] = False,
    strict: Annotated[
        bool, Option("--strict", help="Stop at the first clip that can't be scored.")
    ] = False,
    summary: Annotated[
        bool, Option("--summary", help="Show each system's means, 95% intervals.")
    ] = False,
    provenance: Annotated[
        bool,
        Option(
            "--provenance",
            "--json",
            help="Tell with each score where it comes from: model, encoders and versions; the "
            "clip's length, rate, channels, loudness, peak and silence.",
        ),
    ] = False,
    path_column: Column = None,
    prompt_column: Column = None,
    id_column: Column = None,
    system_column: Column = None,
    batch_size: Annotated[
        int | None,
        Option(
            min=1,
            help="Clips encoded at once; 1 on a CPU, 16 on a GPU. Above 1 scores depend on the "
            "batch, to rounding.",
        ),
    ] = None,
    engine: Annotated[
        Literal["local", "ray"], Option(help="This machine, or a Ray cluster.")
    ] = "local",
    workers: Annotated[
        int | None,
        Option(min=1, help="Clips encoded side by side; as many as cores, or 1 process with ray."),
    ] = None,
    device: Device = "auto",
) -> int:
    """Return the exit code of `SCORE`."""
    from whisq.scoring.command import Command, run

    columns = {"path": path_column, "prompt": prompt_column}
    columns |= {"id": id_column, "system": system_column}
    wanted = {"resume": resume, "strict": strict, "summary": summary}
    wanted["provenance"] = provenance
    how = {"engine": engine, "workers": workers, "device": device}
    how["batch_size"] = batch_size or AUTO
    return run(Command(sources, model, prompt, output, columns, **how, **wanted))


@app.command(help=CACHE)
def cache(
    prune: Annotated[
        float | None, Option(min=0, help="Remove what was unused for so many days; 0: all.")
    ] = None,
    json: Json = False,
) -> None:
    """Show or prune the cache; see `CACHE`."""
    from whisq.files import cache_folder
    from whisq.store.prune import prune as remove
    from whisq.store.prune import survey, table

    root = cache_folder()
    removed = [] if prune is None else remove(root, prune)
    typer.echo(table(root, survey(root), removed, json))


@app.command(help=PLAN)
def plan(
    recipe: Annotated[
        str | None, Option(metavar="NAME", help="A recipe or variant of params.yaml.")
    ] = None,
    clips: Annotated[int | None, Option(min=1, help="Clips to expect.")] = None,
    seconds: Annotated[float | None, Option(min=0.1, help="Of each of them.")] = None,
    fetch: Annotated[
        bool, Option("--fetch", help="Download the weights that are lacking.")
    ] = False,
    json: Json = False,
) -> int:
    """Return the exit code of `PLAN`.

    Raises:
        BadParameter: Clips are given without their length, or the other way round.
        Exit: With the exit code, where no plan can be made.
    """
    if (clips is None) != (seconds is None):
        raise BadParameter("--clips and --seconds go together")
    from whisq import params
    from whisq.encoders.audio import AudioSpec
    from whisq.encoders.text import TextSpec
    from whisq.store.plan import Command, run

    try:
        values = params.load(overrides=params.changes_of(recipe) if recipe else None)
        audio, text = values.embed_audio, values.embed_text
        command = Command(
            values.corpus.name,
            values.corpus.musiceval,
            AudioSpec(**audio.model_dump(include=set(AudioSpec.model_fields))),
            TextSpec(**text.model_dump(include=set(TextSpec.model_fields))),
            audio.workers,
            (audio.device, text.device),
            Path("data"),
            (clips, seconds) if clips else None,
            fetch,
        )
        said, fits = run(command, json)
    except (ValueError, OSError) as error:
        typer.echo(f"whisq plan: {error}", err=True)
        raise typer.Exit(WRONG_CALL) from None
    typer.echo(said)
    return DONE if fits else NO_ROOM


@app.command(help=METRICS)
def metrics(
    answer: Annotated[str, Argument(help="A file of scores, or floor:NAME.")],
    truth: Annotated[Path | None, Argument(help="A MOS list; none with --pairs.")] = None,
    pairs: Annotated[
        Path | None, Option(help="Preferences to judge by: a, b, preferred[, axis, rater, prompt].")
    ] = None,
    system_truth: Annotated[
        Path | None,
        Option(help="Systems' ratings (system,omq,ta) in place of the means of these clips."),
    ] = None,
    by: Annotated[
        str | None,
        Option(
            help="Where a clip's system is: `folder` (of its id), or a column of TRUTH, or of "
            "ANSWER with --pairs."
        ),
    ] = None,
    against: Annotated[
        str | None, Option(help="A second answer: differences, and how sure they are.")
    ] = None,
    train: Annotated[Path | None, Option(help="The training MOS list, for floors.")] = None,
    allow_missing: Annotated[
        bool, Option("--allow-missing", help="Score the clips that all files have.")
    ] = False,
    resamples: Annotated[int, Option(min=0, help="For the 95% intervals; 0 for none.")] = 2000,
    seed: Annotated[int, Option(help="Of the resamples.")] = 0,
    json: Json = False,
    id_column: Column = None,
    omq_column: Column = None,
    ta_column: Column = None,
    truth_id_column: Column = None,
    truth_omq_column: Column = None,
    truth_ta_column: Column = None,
) -> int:
    """Return the exit code of `METRICS`.

    Raises:
        BadParameter: There is nothing to judge by, or too much.
    """
    # Its products are small: a second thread of numpy's costs more than it brings.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    columns = {"id": id_column, "omq": omq_column, "ta": ta_column}
    of_truth = {"id": truth_id_column, "omq": truth_omq_column, "ta": truth_ta_column}
    if pairs is not None:
        from whisq.comparing import pairs as preferences

        if any(given for given in (truth, system_truth, against, train, *of_truth.values())):
            raise BadParameter("--pairs judges ANSWER alone: leave out TRUTH and what goes with it")
        given = (answer, pairs, by, allow_missing, resamples, seed, columns)
        return preferences.run(preferences.Command(*given), json)
    if truth is None:
        raise BadParameter("give a MOS list as TRUTH, or preferences with --pairs")
    from whisq.evaluation.answers import Command
    from whisq.show.metrics import run

    given = (answer, truth, system_truth, by, against, train, allow_missing, resamples, seed)
    return run(Command(*given, columns, of_truth), json)


@app.command(help=COMPARE)
def compare(
    systems: Annotated[
        list[str],
        Argument(
            metavar="A B...",
            help="Files of scores, or what `whisq score` takes: folders, lists, patterns.",
        ),
    ],
    by: Annotated[
        str | None, Option(help="The column that names a clip's system, or `folder` (of its path).")
    ] = None,
    only: Annotated[
        list[str] | None,
        Option(metavar="SYSTEM", help="Compare this one and others given so, in this order."),
    ] = None,
    model: Model = "data/model",
    output: Annotated[
        Path | None, Option("--output", "-o", help="A picture too: .html or .png.")
    ] = None,
    fail_if_worse: Annotated[
        float | None,
        Option(min=0, metavar="X", help="Exit code 1 if B is worse by more than X beyond doubt."),
    ] = None,
    resamples: Annotated[int, Option(min=1, help="For the 95% intervals.")] = 2000,
    seed: Annotated[int, Option(help="Of the resamples and the flips of signs.")] = 0,
    json: Json = False,
    device: Device = "auto",
    path_column: Column = None,
    prompt_column: Column = None,
    id_column: Column = None,
    omq_column: Column = None,
    ta_column: Column = None,
) -> int:
    """Return the exit code of `COMPARE`."""
    from whisq.comparing.compare import Command, run

    columns = {"path": path_column, "prompt": prompt_column, "id": id_column}
    columns |= {"omq": omq_column, "ta": ta_column}
    read = (systems, by, only or (), columns, model, device)
    return run(Command(*read, output, fail_if_worse, resamples, seed), json)


@app.command(help=PROBE)
def probe(
    sources: Annotated[
        list[str],
        Argument(metavar="SOURCE", help="Clips, lists, folders, patterns, as of `whisq score`."),
    ],
    model: Model = "data/model",
    output: Annotated[
        Path | None,
        Option("--output", "-o", help="A page (.html), or a row a clip (.csv)."),
    ] = None,
    others: Annotated[
        int, Option(min=1, help="Other prompts that each clip is asked about, drawn at random.")
    ] = 30,
    altered: Annotated[
        int, Option(min=1, help="Clips that are altered, drawn from all systems in turn.")
    ] = 8,
    resamples: Annotated[int, Option(min=1, help="For the 95% intervals.")] = 2000,
    seed: Annotated[int, Option(help="Of all draws.")] = 0,
    json: Json = False,
    device: Device = "auto",
    path_column: Column = None,
    prompt_column: Column = None,
    id_column: Column = None,
    system_column: Column = None,
) -> int:
    """Return the exit code of `PROBE`."""
    from whisq.comparing.probe import Command, run

    columns = {"path": path_column, "prompt": prompt_column}
    columns |= {"id": id_column, "system": system_column}
    asked = (others, altered, resamples, seed, device)
    return run(Command(sources, model, columns, output, *asked), json)


@app.command(help=PROMOTE)
def promote(
    version: Annotated[int, Argument(min=1, help="A version of the registered model `whisq`.")],
) -> None:
    """Make a version champion; see `PROMOTE`.

    Raises:
        Exit: With the exit code.
    """
    from whisq.serving.promote import promote as move

    try:
        moved = move(str(version), by_hand=True)
    except ValueError as error:
        typer.echo(f"whisq promote: {error}", err=True)
        raise typer.Exit(WRONG_CALL) from None
    typer.echo(f"models:/whisq/{version}: {', '.join(moved)}")


@app.command(help=EXPLAIN)
def explain(
    clip: Annotated[Path, Argument(help="A sound file.")],
    prompt: Annotated[
        str, Option("--prompt", "-p", callback=_prompt, help="What the clip was made from.")
    ],
    output: Annotated[Path, Option("--output", "-o", help="What to write: .html, .png or .json.")],
    model: Model = "data/model",
    faults: Annotated[
        bool,
        Option("--faults", help="Also tell which faults of the sound it is like; takes longer."),
    ] = False,
    device: Device = "auto",
) -> int:
    """Return the exit code of `EXPLAIN`."""
    from whisq.show.explain import run

    return run(clip, prompt, output, model, faults, device)


@app.command(help=ABOUT)
def about(
    model: Annotated[
        str, Argument(help="A folder, models:/whisq@champion and the like, or a hub id.")
    ] = "data/model",
    json: Json = False,
) -> int:
    """Return the exit code of `ABOUT`."""
    from whisq.scoring.command import about as tell_about

    return tell_about(model, json)


@app.command(help=PUBLISH)
def publish(
    model: Annotated[
        str, Argument(help="A folder, models:/whisq@champion and the like, or a hub id.")
    ],
    name: Annotated[str, Argument(metavar="OWNER/NAME", help="Where to, on the hub.")],
    yes: Annotated[bool, Option("--yes", help="Send it without asking.")] = False,
    allow_rendered: Annotated[
        bool, Option("--allow-rendered", help="Even if it learnt from the rendered corpus.")
    ] = False,
    private: Annotated[
        bool, Option("--private", help="A new repository is its owner's alone to see.")
    ] = False,
) -> int:
    """Return the exit code of `PUBLISH`."""
    from whisq.serving.hub import Command, run

    return run(Command(model, name, yes, allow_rendered, private))


@app.command(help=EVALUATE)
def evaluate(
    model: Annotated[
        str, Argument(help="A folder, models:/whisq@champion and the like, or a hub id.")
    ],
    corpus: Annotated[Path, Argument(help="A folder in MusicEval's layout, or a table.")],
    learnt: Annotated[
        Path | None, Option(metavar="DATA", help="The data folder that the model was trained in.")
    ] = None,
    scale: Annotated[str, Option(help="A table's worst and best mark, such as 1-7.")] = "1-5",
    audio: Annotated[
        str | None, Option(help="The folder that a table's paths count from; else its own.")
    ] = None,
    output: Annotated[
        Path | None, Option("--output", "-o", help="Keep the result, as JSON.")
    ] = None,
    beside: Annotated[
        list[Path] | None,
        Option(metavar="RESULT", help="A result of another call, for a table of train x test."),
    ] = None,
    resamples: Annotated[int, Option(min=1, help="For the 95% intervals.")] = 1000,
    seed: Annotated[int, Option(help="Of the resamples.")] = 0,
    json: Json = False,
    device: Device = "auto",
    path_column: Column = None,
    prompt_column: Column = None,
    omq_column: Column = None,
    ta_column: Column = None,
    system_column: Column = None,
) -> int:
    """Return the exit code of `EVALUATE`."""
    from whisq.comparing.evaluate import Command, run

    columns = {"path": path_column, "prompt": prompt_column, "system": system_column}
    columns |= {"omq": omq_column, "ta": ta_column}
    read = (model, corpus, learnt, scale, audio, columns)
    return run(Command(*read, output, beside or (), resamples, seed, device), json)
