"""What README and docs show: made from the files that the stages wrote, and never typed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from whisq.show import adaptation, curves, preferences, text_encoders, unseen
from whisq.show.ablations import compared
from whisq.show.plot import png
from whisq.show.results import RIDGE, Judged
from whisq.show.table import Table, number, verbatim


def results(evaluate: dict[str, Any]) -> Table:
    """Return how a run stands on the test clips, beside the best of floors and the raters."""
    return Judged.of(evaluate, "test").beside("system_mean", RIDGE, "raters").standings


def speed(measured: dict[str, Any]) -> Table:
    """Return how fast clips are embedded; the caption says what that is compared with."""
    found = measured["compare"]
    peer = found["ctranslate2"]
    peer = f"; CTranslate2, float32, {peer:.2f}" if peer else ""
    caption = (
        f"Clips a second on {found['cores']} CPU cores, all six blocks of Whisper-base. The "
        f"plain transformers loop (30 s, batches of 8, float32) makes "
        f"{found['plain_transformers']:.2f}{peer}."
    )
    rows = [
        [
            *(verbatim(text) for text in (f"{run['seconds']} s", run["window"], run["dtype"])),
            *(number(run[name], 1) for name in ("clips_per_second", "times_plain")),
            verbatim(f"{run['share_of_floor']:.0%}"),
        ]
        for run in found["runs"]
    ]
    heads = ["clip", "window", "products in", "clips/s", "times the plain loop"]
    return Table(caption, [*heads, "of the machine's rate"], rows)


def gpu(found: dict[str, Any]) -> Table:
    """Return what a GPU saves beside the CPU of the same machine, one row a kind of work."""
    card, cores = found["card"], found["cores"]
    encoded = {(run["window"], run["dtype"], run["batch"]): run for run in found["whisper"]["ours"]}
    rows = [
        (f"Whisper-base, 10 s, {window}, {dtype}, batches of 16", "clips/s",
         None, encoded[window, dtype, 16]["clips_per_second"])
        for window in ("padded", "clip") for dtype in ("float32", "bfloat16")
    ]  # fmt: skip
    plain = found["whisper"]["plain_clips_per_second"]
    rows.insert(0, ("the plain transformers loop, padded, float32", "clips/s", None, plain))
    on_card = next(key for key in found["scoring"] if key.startswith("cuda"))
    text = found["qwen"]
    for dtype in ("float32", "bfloat16"):
        there = text[f"{on_card}_{dtype}_16"]
        here = text["cpu_float32_16"] if dtype == "float32" else None
        rows.append((f"Qwen3-0.6B's sizes, {dtype}, batches of 16", "prompts/s", here, there))
    scored = found["scoring"]
    rows.append(("`score_many`, 10 s clips", "clips/s", scored["cpu"], scored[on_card]))
    for which, times in found["training"].items():
        for dtype in ("float32", "bfloat16"):
            there = times[f"{on_card}_{dtype}"]
            here = times[f"cpu_{cores}_threads"] if dtype == "float32" else None
            rows.append((f"an epoch of 1,923 clips, {which} network, {dtype}", "s", here, there))
    cells = [
        [verbatim(name), verbatim(unit), *(number(value, 1) for value in pair)]
        for name, unit, *pair in rows
    ]
    caption = f"{card} beside the {cores} cores of its machine. The clips are chords with noise."
    return Table(caption, ["work", "", f"{cores} cores", "GPU"], cells)


def budget(found: dict[str, Any]) -> Table:
    """Return the learning curves' points, below their picture and what their ends say."""
    points = curves.standings(found)
    picture = "![SRCC over prompts, clips and raters of a clip, model and ridge](budget.png)"
    lines = [f"* {line}" for line in curves.said(found)]
    return replace(points, caption="\n".join([picture, "", *lines, "", points.caption]))


BLOCKS = {
    "unseen": ("README.md", "metrics/unseen.json", unseen.standings),
    "results": ("README.md", "metrics/evaluate.json", results),
    "variants": ("docs/variants.md", "metrics/ablations.json", compared),
    "preferences": ("docs/corpora.md", "metrics/preferences.json", preferences.taught),
    "adaptation": ("docs/corpora.md", "metrics/adaptation.json", adaptation.table),
    "text encoders": (
        "docs/unseen.md",
        "metrics/benchmarks/text_encoders.json",
        text_encoders.told,
    ),
    "budget": ("docs/budget.md", "metrics/curves.json", budget),
    "speed": ("docs/speed.md", "metrics/benchmarks/embed.json", speed),
    "gpu": ("docs/gpu.md", "metrics/benchmarks/gpu.json", gpu),
}
"""By its marks' name: the page that a block stands in, its file, and the table made of it."""


def drawn(found: dict[str, Any]) -> bytes:
    """Return the learning curves as a picture: OMQ above, TA below."""
    return png(curves.plots(found), f"What more is worth ({found['corpus']})", columns=3)


PICTURES = {"docs/budget.png": ("metrics/curves.json", drawn)}
"""By its page's folder and name: the file that a picture is made of, and how."""


def renewed(page: str, name: str, table: Table) -> str:
    """Return a page's text with a new table between the two marks of a block of `BLOCKS`.

    Raises:
        ValueError: The page lacks one of the marks.
    """
    begin, end = f"<!-- {name}: make readme -->", f"<!-- end of {name} -->"
    head, found, rest = page.partition(begin)
    _, closed, tail = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"{BLOCKS[name][0]} must hold {begin} and, after it, {end}; put both back")
    return f"{head}{begin}\n{table.markdown()}\n{end}{tail}"


HEADLINES = ("headline", "unseen_headline")
"""Stages' figures that git keeps beside the README, in `PUBLISHED`: all else is DVC's."""
PUBLISHED = Path("metrics/published.json")


def main() -> None:
    """Renew the pages in this folder from `metrics/`, and what is kept of it."""
    files = {name: Path(f"metrics/{name}.json") for name in HEADLINES}
    found = {
        name: json.loads(file.read_text("utf-8")) for name, file in files.items() if file.exists()
    }
    PUBLISHED.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    for name, (page, file, write) in BLOCKS.items():
        if not Path(file).exists():
            continue  # variants and benchmarks are not part of `make repro`
        table = write(json.loads(Path(file).read_text(encoding="utf-8")))
        text = Path(page).read_text(encoding="utf-8")
        Path(page).write_text(renewed(text, name, table), encoding="utf-8")
    for picture, (file, draw) in PICTURES.items():
        if Path(file).exists():
            Path(picture).write_bytes(draw(json.loads(Path(file).read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main()
