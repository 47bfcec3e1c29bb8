"""The few figures that a person compares runs by, and all that MLflow keeps."""

from __future__ import annotations

from typing import Any

from whisq.evaluation.metrics import AXES, METRICS


def headline(result: dict[str, Any], probes: dict[str, Any] | None) -> dict[str, float | None]:
    """Pick the figures for `metrics/headline.json`.

    Args:
        result: What `judge.judge` gave.
        probes: What `probes.probe` gave, or None.

    Returns:
        For each held-out split `<split>_<axis>_srcc` (utterance level) and for the last one
        `_share` of the way from floor to ceiling and the probes' main figures; None where a
        figure is not defined.
    """
    splits = [split for split in ("dev", "test") if split in result]
    found: dict[str, float | None] = {}
    for split in splits:
        for axis in AXES:
            found[f"{split}_{axis}_srcc"] = result[split]["utt"][axis]["srcc"]
    for axis in AXES if splits else ():
        found[f"{splits[-1]}_{axis}_share"] = result[splits[-1]]["share"]["utt"][axis]["share"]
    return found | (_probes(probes) if probes else {})


def logged(result: dict[str, Any]) -> dict[str, float]:
    """Name the model's own figures as MLflow shows them.

    Args:
        result: What `judge.judge` gave.

    Returns:
        Numbers by name, such as `test/utt/omq/srcc`, undefined ones left out.
    """
    return {
        f"{split}/{level}/{axis}/{metric}": scores[metric]
        for split in ("dev", "test")
        if split in result
        for level in ("utt", "sys")
        for axis, scores in result[split][level].items()
        for metric in METRICS
        if scores[metric] is not None
    }


def _probes(probes: dict[str, Any]) -> dict[str, float | None]:
    return {
        "swap": probes["order_swap"]["swap"],
        "prompt_auc": probes["other_prompts"]["auc"],
        "shuffled_ta_srcc": probes["shuffled_prompts"]["srcc"],
        "fault_tau": probes["faults"]["tau"],
    }
