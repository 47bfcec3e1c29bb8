"""An explanation as a page, a picture or numbers, and the command that writes one."""

from __future__ import annotations

import io
import json
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from whisq.devices import AUTO
from whisq.report.explain import Explanation, explain
from whisq.report.maps import TITLES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DONE, WRONG_CALL = 0, 2
ROW = 0.2  # inches a word


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
    from whisq.report import sentences
    from whisq.report.embedding import sound_address
    from whisq.report.page import environment
    from whisq.report.shown import quality_strip, shown
    from whisq.report.wordtable import faults_alike, words_in_turn

    maps = explanation.maps
    strip = [quality_strip(maps)] if maps.quality is not None else []
    page = environment().get_template("explain.html.j2").render(
        explanation=explanation,
        scores=sentences.scores(maps),
        placed=sentences.unplaced(maps) if maps.cost is not None else "",
        cost=sentences.cost(maps) if maps.cost is not None else "",
        sound=sound_address(explanation.samples),
        maps=[shown(maps, name) for name in TITLES if name in maps.maps] + strip,
        words=words_in_turn(explanation),
        faults=faults_alike(explanation),
    )  # fmt: skip
    return page.encode()


def to_png(explanation: Explanation) -> bytes:
    """Draw the maps, one below the other.

    Args:
        explanation: What to draw.

    Returns:
        PNG.
    """
    file = io.BytesIO()
    draw(explanation).savefig(file, format="png", dpi=150, metadata={"Software": None})
    return file.getvalue()


WRITERS = {".html": to_html, ".json": to_json, ".png": to_png}


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


def draw(explanation: Explanation) -> Figure:
    """Draw the maps and what each word does.

    Args:
        explanation: What to draw.

    Returns:
        The figure.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from whisq.report.drawing import COLOURS, FAINT, STYLE
    from whisq.report.heat import heat

    maps = explanation.maps
    names = [name for name in TITLES if name in maps.maps]
    rows = [*(len(maps.words) for _ in names), max(len(explanation.removals), 1)]
    with matplotlib.rc_context(STYLE):
        figure = Figure((9, 1 + sum(ROW * row + 0.9 for row in rows)), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(len(rows), 1, height_ratios=rows, squeeze=False)[:, 0]
        figure.suptitle(f"{explanation.prompt}\nOMQ {maps.omq:.2f}, TA {maps.ta:.2f}", wrap=True)
        for panel, name in zip(panels, names, strict=False):
            heat(panel, maps, name)
        last, removals = panels[-1], explanation.removals
        places = range(len(removals))
        last.barh(places, [removal.change for removal in removals], color=COLOURS["ta"])
        last.set_yticks(places, [removal.word for removal in removals])
        last.axvline(0, color=FAINT, linewidth=1)
        last.set(title="What taking out each word does to TA", xlabel="change, MOS units")
        last.invert_yaxis()
    return figure
