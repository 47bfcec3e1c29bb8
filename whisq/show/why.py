"""An explanation as a page, a picture or numbers, and the command that writes one."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

from whisq.devices import AUTO
from whisq.show.explain import Explanation, explain
from whisq.show.plot import COLOURS, FAINT, LINE, Plot, png
from whisq.show.table import Table, number, verbatim, word

DONE, WRONG_CALL = 0, 2


def to_json(explanation: Explanation) -> bytes:
    """Write the numbers.

    Args:
        explanation: What to write.

    Returns:
        JSON.
    """
    text = json.dumps(explanation.record(), indent=1, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()


def to_html(explanation: Explanation) -> bytes:
    """Write a page that needs no other file.

    Args:
        explanation: What to write.

    Returns:
        HTML.
    """
    from whisq.show.sound import sound_address
    from whisq.show.template import filled

    return filled(
        "explain",
        explanation=explanation,
        sound=sound_address(explanation.samples),
        maps=explanation.maps.heats,
        words=_words_in_turn(explanation),
        faults=_faults_alike(explanation),
    ).encode()


def to_png(explanation: Explanation) -> bytes:
    """Draw the maps and what each word does, one below the other.

    Args:
        explanation: What to draw.

    Returns:
        PNG.
    """
    maps = explanation.maps
    title = f"{explanation.prompt}\nOMQ {maps.omq:.2f}, TA {maps.ta:.2f}"
    plots = [*(heat.plot() for heat in maps.heats), _removals(explanation)]
    return png(plots, title, columns=1, dpi=150)


WRITERS = {".html": to_html, ".json": to_json, ".png": to_png}


def _words_in_turn(explanation: Explanation) -> Table:
    costs = _costs(explanation)
    rows = [
        [
            number(place, 0),
            verbatim(removal.word),
            number(removal.ta, 2),
            number(removal.change, 2, sign=True, strong=True),
            number(costs[place - 1] if place <= len(costs) else None),
        ]
        for place, removal in enumerate(explanation.removals, start=1)
    ]
    heads = ["place", "word", "TA without it", "change", "transport cost"]
    note = (
        "A word whose removal lowers TA speaks for the clip. Without it the prompt is encoded "
        "anew, so that the other words' states change too."
    )
    return Table("Words, taken out in turn", heads, rows, note)


def _faults_alike(explanation: Explanation) -> Table:
    rows = [[word(fault.fault), number(fault.moved, 2)] for fault in explanation.faults]
    note = (
        "Each fault is put on the clip at full strength. The less that moves the clip's states, "
        "held against clean music and with the median fault as 1, the more the clip sounds so "
        "already. A clip without any fault has a first of the list too."
    )
    return Table("Faults of the sound, the most alike first", ["fault", "moved"], rows, note)


def run(
    clip: Path,
    prompt: str,
    output: Path,
    model: str,
    faults: bool = False,
    device: str = AUTO,
) -> int:
    """Carry out `whisq explain`.

    Args:
        clip: A sound file.
        prompt: What it was made from.
        output: The file to write; its ending says what.
        model: As `whisq.load` takes it.
        faults: Whether to ask which faults of the sound the clip is like.
        device: Where to compute, as `whisq.devices` names it.

    Returns:
        The exit code.
    """
    try:
        _check(output)
        from whisq.predictor import Predictor

        with warnings.catch_warnings():
            # What is left out stands in the explanation.
            warnings.simplefilter("ignore", UserWarning)
            explanation = explain(Predictor.load(model, device), clip, prompt, faults=faults)
        output.write_bytes(WRITERS[output.suffix](explanation))
    except (ValueError, OSError) as error:
        print(f"whisq explain: {error}", file=sys.stderr)
        return WRONG_CALL
    for caution in explanation.cautions:
        print(f"whisq explain: {caution}", file=sys.stderr)
    print(
        f"omq {explanation.maps.omq:.3f}, ta {explanation.maps.ta:.3f}: {output}", file=sys.stderr
    )
    return DONE


def _check(output: Path) -> None:
    if output.suffix not in WRITERS:
        raise ValueError(
            f"the output must end in {', '.join(WRITERS)}, given {output.name!r}: rename it"
        )
    if not output.parent.is_dir():
        raise ValueError(f"there is no folder {output.parent} to write in: make it first")


def _removals(explanation: Explanation) -> Plot:
    removals = explanation.removals

    def draw(figure: Any) -> None:
        panel, places = figure.subplots(), range(len(removals))
        panel.barh(places, [removal.change for removal in removals], color=COLOURS["ta"])
        panel.set_yticks(places, [removal.word for removal in removals])
        panel.axvline(0, color=FAINT, linewidth=1)
        panel.set(title="What taking out each word does to TA", xlabel="change, MOS units")
        panel.invert_yaxis()

    height = 0.9 + LINE * max(len(removals), 1)
    return Plot("removals", "What each word does to TA.", draw, 9, height)


def _costs(explanation: Explanation) -> list[float]:
    # The maps' rows are the prompt's words in order, but where one vector stands for all.
    maps = explanation.maps
    whole = len(maps.words) == 1 < len(explanation.removals)
    return [] if maps.word_cost is None or whole else maps.word_cost.tolist()
