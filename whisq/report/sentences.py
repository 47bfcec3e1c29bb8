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
    parts = " and ".join(f"{_way(share[axis])} in {SHORT[axis]}" for axis in AXES)
    return (
        f"On the {results.found['n_clips']} {results.split} clips "
        f"({results.evaluate['corpus']}, {results.evaluate['protocol']} split, clip by clip) the "
        f"model covers {parts} of the way from the best floor to the ceiling."
    ).replace("-", "−")


def ends(found: dict[str, Any]) -> str:
    """Say where that way begins and ends.

    Args:
        found: The judge's result on a split.

    Returns:
        A sentence or two an axis.
    """
    return " ".join(_ends(found, axis) for axis in AXES)


def inside(found: dict[str, Any]) -> str:
    """Say what the model knows where knowing the system tells nothing.

    Args:
        found: The judge's result on a split.

    Returns:
        One sentence.
    """
    within, parts = found["within"]["model"], []
    for axis in AXES:
        srcc, pairs = within["system"][axis]["srcc"], within["pairs"][axis]["agreement"]
        one = "undefined" if srcc is None else f"{srcc:.2f}"
        two = "of no pair" if pairs is None else f"in {pairs:.0%} of pairs"
        parts.append(f"in {SHORT[axis]} its SRCC is {one} and it names the better clip {two}")
    return (
        f"Among clips of one system, and between two clips of one prompt: {'; '.join(parts)} "
        "(knowing nothing: 0 and 50%)."
    ).replace("-", "−")


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
            f"Order: {swap['swap']:.0%} of {swap['clips']} clips that play the order asked for "
            f"prefer their prompt to the same prompt with its order reversed (deaf: {CHANCE:.0%})."
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
        f"{faults['tau']:.2f} over {faults['clips']} clips (perfect: −1).".replace("-", "−")
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
    named = ", ".join(word.strip(".,;:!?") for word in words)
    said = f"Words that found no place: {named or 'none'}."
    spans = ", ".join(f"{begin:.1f} to {end:.1f} s" for begin, end in stretches)
    return f"{said} Moments that matched no word: {spans or 'none'}."


def scores(maps: Maps) -> str:
    """Say what the clip is predicted to be rated.

    Args:
        maps: The clip's.

    Returns:
        One sentence.
    """
    return f"Predicted: {SHORT['omq']} {maps.omq:.2f}, {SHORT['ta']} {maps.ta:.2f}, of 1 to 5."


def cost(maps: Maps) -> str:
    """Say what the transport costs and what that is held against.

    Args:
        maps: A clip's, of a network with a transport plan.

    Returns:
        Two sentences.
    """
    return (
        f"The transport costs {maps.cost:.3f}; moving everything everywhere alike would cost "
        f"{maps.typical:.3f}. A word or a moment that costs no less than that has found nothing."
    )


def _way(share: dict[str, Any]) -> str:
    if share["share"] is None:
        return "an unknown share"
    sure = share.get("interval")
    return f"{share['share']:.0%}" + (
        f" (95% interval {sure[0]:.0%} to {sure[1]:.0%})" if sure else ""
    )


def _ends(found: dict[str, Any], axis: str) -> str:
    share, srcc = found["share"]["utt"][axis], found["utt"][axis]["srcc"]
    shown = "undefined" if srcc is None else f"{srcc:.2f}"
    floor = "no floor ranks anything (0)"
    if share["floor"]:
        name = share["floor"].replace("_", " ")
        floor = f"the {name}, which never listens, {share['floor_srcc']:.2f}"
    ceiling = share["ceiling_srcc"]
    top = "unknown" if ceiling is None else f"{ceiling:.2f}"
    below = share["share"] is not None and share["share"] < 0
    text = f"{axis.upper()}: model SRCC {shown}; {floor}; raters' ceiling {top}."
    return (text + " The model stays below the floor." * below).replace(" -", " −")
