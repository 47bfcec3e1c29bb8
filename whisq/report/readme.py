"""The README's tables: made from the files that the stages wrote, and never typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

REFERENCE = "default"
SHOWN = {
    ("official", "utt_omq_srcc"): "OMQ, by clip",
    ("official", "utt_ta_srcc"): "TA, by clip",
    ("official", "ta_order_srcc"): "TA, order prompts",
    ("official", "swap"): "swap",
    ("systems", "utt_omq_srcc"): "OMQ, systems held out",
    ("systems", "utt_ta_srcc"): "TA, systems held out",
}
FLOOR = {"utt_omq_srcc": "floor_omq_srcc", "utt_ta_srcc": "floor_ta_srcc"}
AXES = ("omq", "ta")
ROWS = {
    "system_mean": "floor: the system's training mean",
    "prompt_mean": "floor: the prompt's training mean",
    "gold_omq": "floor: the true OMQ, as TA",
    "pooled_ridge": "floor: ridge on pooled embeddings",
    "model": "**the model**",
    "raters": "ceiling: what the five raters allow",
}


def results(evaluate: dict[str, Any]) -> str:
    """Write the held-out clips' results as Markdown.

    Args:
        evaluate: What `metrics/evaluate.json` holds.

    Returns:
        One line that says what was measured and on which corpus, and one table.
    """
    test = evaluate["test"]
    known = {**test["floors"], "model": test, **test["ceilings"]}
    lines = [
        f"SRCC on the {evaluate['corpus']}, test split ({test['n_clips']} clips, "
        f"{test['n_systems']} systems, protocol `{evaluate['protocol']}`), as "
        "`metrics/evaluate.json` has it:",
        "",
        "| | OMQ, clips | TA, clips | OMQ, systems | TA, systems |",
        "|---|---|---|---|---|",
    ]
    for key, title in ROWS.items():
        cells = [_cell(known[key], level, axis) for level in ("utt", "sys") for axis in AXES]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    cells = [_interval(test, level, axis) for level in ("utt", "sys") for axis in AXES]
    lines.append(f"| its 95% interval, systems resampled | {' | '.join(cells)} |")
    return "\n".join(lines)


def variants(compared: dict[str, Any]) -> str:
    """Write what each variant reaches as Markdown.

    Args:
        compared: What `metrics/ablations.json` holds.

    Returns:
        One table: means over trials, in bold what differs from `default` with an interval clear of
        zero.
    """
    lines = [f"| variant | {' | '.join(SHOWN.values())} |", "|---" * (len(SHOWN) + 1) + "|"]
    places = [compared[REFERENCE][protocol] for protocol, _ in SHOWN]
    floors = [
        _mean(place.get(FLOOR.get(metric)))
        for place, (_, metric) in zip(places, SHOWN, strict=True)
    ]
    lines.append(f"| *floor: the system's training mean* | {' | '.join(floors)} |")
    for name, protocols in compared.items():
        cells = [_figure(protocols.get(protocol, {}).get(metric)) for protocol, metric in SHOWN]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def speed(measured: dict[str, Any]) -> str:
    """Write how fast clips are embedded as Markdown.

    Args:
        measured: What `metrics/benchmarks/embed.json` holds.

    Returns:
        One line that says what it is compared with, and one table.
    """
    compared = measured["compare"]
    peer = compared["ctranslate2"]
    peer = f"; CTranslate2, float32, {peer:.2f}" if peer else ""
    lines = [
        f"Clips a second on {compared['cores']} CPU cores, all six blocks of Whisper-base. The "
        f"plain transformers loop (30 s, batches of 8, float32) makes "
        f"{compared['plain_transformers']:.2f}{peer}.",
        "",
        "| clip | window | products in | clips/s | times the plain loop | of the machine's rate |",
        "|---|---|---|---|---|---|",
    ]
    for run in compared["runs"]:
        lines.append(
            f"| {run['seconds']} s | {run['window']} | {run['dtype']} "
            f"| {run['clips_per_second']:.1f} | {run['times_plain']:.1f} "
            f"| {run['share_of_floor']:.0%} |"
        )
    return "\n".join(lines)


def renewed(readme: str, name: str, block: str) -> str:
    """Put a new table between the README's two marks.

    Args:
        readme: The README as it stands.
        name: Which table, one of `BLOCKS`.
        block: The table.

    Returns:
        The README with that block.

    Raises:
        ValueError: The README lacks one of the marks.
    """
    begin, end = f"<!-- {name}: make readme -->", f"<!-- end of {name} -->"
    head, found, rest = readme.partition(begin)
    _, closed, tail = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"README.md must hold {begin} and, after it, {end}; put both back")
    return f"{head}{begin}\n{block}\n{end}{tail}"


def main() -> None:
    """Renew the README in this folder from `metrics/`."""
    readme = Path("README.md")
    text = readme.read_text(encoding="utf-8")
    for name, (file, write) in BLOCKS.items():
        if not Path(file).exists():
            continue  # variants and benchmarks are not part of `make repro`
        text = renewed(text, name, write(json.loads(Path(file).read_text(encoding="utf-8"))))
    readme.write_text(text, encoding="utf-8")


def _mean(figure: dict[str, Any] | None) -> str:
    return "" if not figure or figure["mean"] is None else f"{figure['mean']:.3f}"


def _figure(figure: dict[str, Any] | None) -> str:
    ends = ((figure or {}).get("difference", {}).get(REFERENCE) or {}).get("interval")
    clear = ends and (ends[0] > 0 or ends[1] < 0)
    return f"**{_mean(figure)}**" if clear else _mean(figure)


def _cell(scores: dict[str, Any], level: str, axis: str) -> str:
    value = scores.get(level, {}).get(axis, {}).get("srcc")
    return "" if value is None else f"{value:.3f}"


def _interval(test: dict[str, Any], level: str, axis: str) -> str:
    low, high = test["intervals"][level][axis]["srcc"]["system"]
    return f"{low:.2f} to {high:.2f}"


BLOCKS = {
    "results": ("metrics/evaluate.json", results),
    "variants": ("metrics/ablations.json", variants),
    "speed": ("metrics/benchmarks/embed.json", speed),
}


if __name__ == "__main__":
    main()
