"""The run in words: the headline, and what the probes say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whisq.evaluation.metrics import AXES

if TYPE_CHECKING:
    from whisq.report.maps import Maps
    from whisq.report.results import Results

SHORT = {"omq": "quality (OMQ)", "ta": "alignment (TA)"}
CHANCE = 0.5


def headline(results: Results) -> str:
    """Say how far the model has come from the best floor to the ceiling.

    Args:
        results: The run's.

    Returns:
        One sentence, at the utterance level, both axes, with intervals.
    """
    share = results.found["share"]["utt"]
    parts = "; ".join(f"in {SHORT[axis]} {_way(share[axis])}" for axis in AXES)
    return (
        f"On the {results.found['n_clips']} {results.split} clips of “{results.evaluate['corpus']}”"
        f" ({results.evaluate['protocol']} split, clip by clip), the model goes {parts}."
    )


def worth(found: dict[str, Any]) -> str:
    """Say how many raters the model is worth.

    Args:
        found: The judge's result on a split.

    Returns:
        One sentence.
    """
    parts = []
    for axis in AXES:
        one = found["raters_worth"][axis]
        if one["raters"] is None:
            parts.append(f"of unknown worth in {SHORT[axis]} ({one['undefined']})")
        else:
            parts.append(f"worth {one['raters']:.1f} raters in {SHORT[axis]}")
    return f"Measured by its correlation with the truth behind the ratings it is {parts[0]} " + (
        f"and {parts[1]}."
    )


def probes(found: dict[str, Any] | None) -> list[str]:
    """Say what the probes found.

    Args:
        found: What `metrics/probes.json` holds, or None.

    Returns:
        Sentences.
    """
    if found is None:
        return ["The probes were not run."]
    swap, other = found["order_swap"], found["other_prompts"]
    shuffled, faults = found["shuffled_prompts"], found["faults"]
    said = []
    if swap["swap"] is None:
        said.append(f"Order: not asked, {swap['undefined']}.")
    else:
        said.append(
            f"Order: {swap['swap']:.0%} of {swap['clips']} clips prefer their prompt to the same "
            f"prompt with its order reversed (deaf: {CHANCE:.0%})."
        )
    if other["auc"] is None:
        said.append(f"Other prompts: not asked, {other['undefined']}.")
    else:
        said.append(
            f"Other prompts: the clip's own prompt wins {other['auc']:.0%} of "
            f"{other['comparisons']} comparisons (deaf: {CHANCE:.0%})."
        )
    if shuffled["srcc"] is not None and shuffled["true_srcc"] is not None:
        said.append(
            f"Shuffled prompts: TA's SRCC falls from {shuffled['true_srcc']:.2f} to "
            f"{shuffled['srcc']:.2f}."
        )
    said.append(
        f"Faults: predicted OMQ follows their strength with a mean Kendall tau of "
        f"{faults['tau']:+.2f} over {faults['clips']} clips (perfect: −1).".replace("+-", "-")
    )
    return said


def unplaced(maps: Maps) -> str:
    """Say which words and moments found nothing on the other side.

    Args:
        maps: A clip's, of a network with a transport plan.

    Returns:
        One or two sentences.
    """
    words, stretches = maps.misplaced(), maps.unmatched()
    said = f"Words that found no place: {', '.join(words) or 'none'}."
    spans = ", ".join(f"{begin:.1f} to {end:.1f} s" for begin, end in stretches)
    return f"{said} Moments that matched no word: {spans or 'none'}."


def _way(share: dict[str, Any]) -> str:
    value, floor = share["share"], share["floor_srcc"]
    name = (share["floor"] or "no ranking at all").replace("_", " ")
    if value is None:
        return "an unknown share of the way (no ceiling is known above the floor)"
    ends = share.get("interval")
    sure = f"; 95% interval {ends[0]:.0%} to {ends[1]:.0%}" if ends else ""
    below = ", that is, it stays below the floor" if value < 0 else ""
    text = (
        f"{value:.0%} of the way from the best floor that never listens ({name}, SRCC {floor:.2f}) "
        f"to the raters' ceiling ({share['ceiling_srcc']:.2f}){below}{sure}"
    )
    return text.replace("-", "−")
