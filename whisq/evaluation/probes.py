"""The probes: what a trained model responds to, and what it ignores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whisq.evaluation.judge import rounded
from whisq.evaluation.prompt_probes import (
    changed_attributes,
    order_swap,
    other_prompts,
    shuffled_prompts,
)
from whisq.evaluation.sound_probes import cleanest, fault_response, invariance

if TYPE_CHECKING:
    from pandas import DataFrame

    from whisq.evaluation.bench import Bench


def probe(bench: Bench, corpus: str, clips: int, prompts: int) -> tuple[dict[str, Any], DataFrame]:
    """Run all probes.

    Args:
        bench: What to work on.
        corpus: The corpus's name.
        clips: How many clean clips are altered and encoded anew.
        prompts: How many other prompts each clip is scored against.

    Returns:
        What goes into `metrics/probes.json`, and the fault probe's curves.
    """
    keys = cleanest(bench, clips)
    faults, curves = fault_response(bench, keys)
    found = {
        "order_swap": order_swap(bench),
        "other_prompts": other_prompts(bench, prompts),
        "shuffled_prompts": shuffled_prompts(bench),
        "changed_attributes": changed_attributes(bench),
        "faults": faults,
        "invariance": invariance(bench, keys),
    }
    return {"corpus": corpus, "clips": len(bench.clips), **rounded(found)}, curves
