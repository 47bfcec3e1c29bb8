"""The README's results: a table made from the files that `dvc repro` wrote, and never typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- results: make readme -->", "<!-- end of results -->"
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


def renewed(readme: str, block: str) -> str:
    """Put new results between the README's two marks.

    Args:
        readme: The README as it stands.
        block: What `results` gave.

    Returns:
        The README with that block.

    Raises:
        ValueError: The README lacks one of the marks.
    """
    head, found, rest = readme.partition(BEGIN)
    _, closed, tail = rest.partition(END)
    if not (found and closed):
        raise ValueError(f"README.md must hold {BEGIN} and, after it, {END}; put both back")
    return f"{head}{BEGIN}\n{block}\n{END}{tail}"


def main() -> None:
    """Renew the README in this folder from `metrics/`."""
    readme = Path("README.md")
    evaluate = json.loads(Path("metrics/evaluate.json").read_text(encoding="utf-8"))
    readme.write_text(renewed(readme.read_text(encoding="utf-8"), results(evaluate)))


def _cell(scores: dict[str, Any], level: str, axis: str) -> str:
    value = scores.get(level, {}).get(axis, {}).get("srcc")
    return "" if value is None else f"{value:.3f}"


def _interval(test: dict[str, Any], level: str, axis: str) -> str:
    low, high = test["intervals"][level][axis]["srcc"]["system"]
    return f"{low:.2f} to {high:.2f}"


if __name__ == "__main__":
    main()
