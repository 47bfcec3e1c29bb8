"""The probes' answers as a table for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whisq.evaluation.show import number

if TYPE_CHECKING:
    from rich.table import Table


def responses(probes: dict[str, Any], title: str) -> Table:
    """Lay out what a model responds to.

    Args:
        probes: What `probes.probe` gave.
        title: Names the corpus.

    Returns:
        A table of a row a probe.
    """
    from rich.table import Table

    table = Table("probe", title=title, title_justify="left")
    table.add_column("value", justify="right")
    table.add_column("means", justify="left")
    swap, others, shuffled = (
        probes[name] for name in ("order_swap", "other_prompts", "shuffled_prompts")
    )
    chance = "0.5 is chance"
    rows = [
        ("order swap", swap["swap"], f"share that prefers the true order; {chance}"),
        ("  of all clips", swap.get("all", {}).get("swap"), "those that play another order too"),
        ("other prompts", others["auc"], f"share that prefers the own prompt; {chance}"),
        ("TA SRCC, true prompts", shuffled["true_srcc"], ""),
        ("TA SRCC, shuffled prompts", shuffled["srcc"], "far below the above at best"),
    ]
    rows += [
        (f"{name} changed", found["fell"], f"share whose TA fell; {chance}")
        for name, found in probes["changed_attributes"].items()
    ]
    rows += [
        (f"fault {name}", found["tau"], f"tau of strength and OMQ, -1 at best; {_fall(found)}")
        for name, found in probes["faults"]["by_fault"].items()
    ]
    for name, value, meaning in rows:
        table.add_row(name, number(value), meaning)
    for name, moved in probes["invariance"].items():
        cells = [f"{axis} {moved[axis]['largest']:.2f}" for axis in ("omq", "ta")]
        table.add_row(name, "", f"largest move: {', '.join(cells)}")
    return table


def _fall(found: dict[str, Any]) -> str:
    return f"OMQ falls by {found['fall']:.2f}"
