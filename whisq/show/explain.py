"""Why one clip has its score: its maps, and what each word of its prompt does to it."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from whisq.audio import RATE, resampled
from whisq.encoders.words import WORD, split
from whisq.exits import DONE, WRONG_CALL
from whisq.files import check_output
from whisq.predictor import Predictor
from whisq.show.html import filled, sound_address
from whisq.show.likeness import Likeness, likeness
from whisq.show.maps import Maps, read_maps
from whisq.show.plot import COLOURS, FAINT, LINE, Plot, png
from whisq.show.table import Table, number, verbatim, word

MOST_WORDS = 60  # are taken out in turn: each costs a run of the text encoder


class Removal(NamedTuple):
    """A prompt without one of its words.

    Attributes:
        word: The word.
        ta: Predicted alignment without it, 1 to 5.
        change: How much that is above the whole prompt's.
    """

    word: str
    ta: float
    change: float


@dataclass(frozen=True)
class Explanation:
    """Why one clip has its score.

    Attributes:
        clip: The clip's name.
        prompt: What it was made from.
        samples: What the model heard, 16 kHz.
        maps: What the network makes of clip and prompt, with the scores.
        removals: What taking out each word does, in the prompt's order.
        cautions: What of clip or prompt is left out.
        faults: The faults of the sound, the most alike first; none if they were not asked for.
    """

    clip: str
    prompt: str
    samples: np.ndarray
    maps: Maps
    removals: list[Removal]
    cautions: list[str]
    faults: list[Likeness]

    def record(self) -> dict[str, Any]:
        """Return all but the samples by name: numbers, texts, lists and arrays."""
        return {
            "clip": self.clip,
            "prompt": self.prompt,
            **vars(self.maps),
            "words_without_place": self.maps.words_without_place,
            "moments_without_word": self.maps.moments_without_word,
            "removals": [removal._asdict() for removal in self.removals],
            "faults": [fault._asdict() for fault in self.faults],
            "cautions": self.cautions,
        }

    @property
    def words_in_turn(self) -> Table:
        """What taking out each word does, and what moving it costs."""
        # The maps' rows are the prompt's words in order, but where one vector stands for all.
        maps = self.maps
        whole = len(maps.words) == 1 < len(self.removals)
        costs = [] if maps.word_cost is None or whole else maps.word_cost.tolist()
        rows = [
            [
                number(place, 0),
                verbatim(removal.word),
                number(removal.ta, 2),
                number(removal.change, 2, sign=True, strong=True),
                number(costs[place - 1] if place <= len(costs) else None),
            ]
            for place, removal in enumerate(self.removals, start=1)
        ]
        heads = ["place", "word", "TA without it", "change", "transport cost"]
        note = (
            "A word whose removal lowers TA speaks for the clip. Without it the prompt is encoded "
            "anew, so that the other words' states change too."
        )
        return Table("Words, taken out in turn", heads, rows, note)

    @property
    def faults_alike(self) -> Table:
        """The faults of the sound."""
        rows = [[word(fault.fault), number(fault.moved, 2)] for fault in self.faults]
        note = (
            "Each fault is put on the clip at full strength. The less that moves the clip's "
            "states, held against clean music and with the median fault as 1, the more the clip "
            "sounds so already. A clip without any fault has a first of the list too."
        )
        caption = "Faults of the sound, the most alike first"
        return Table(caption, ["fault", "moved"], rows, note)

    @property
    def changes(self) -> Plot:
        """What taking out each word does to TA."""
        removals = self.removals

        def draw(panel: Any) -> None:
            places = range(len(removals))
            panel.barh(places, [removal.change for removal in removals], color=COLOURS["ta"])
            panel.set_yticks(places, [removal.word for removal in removals])
            panel.axvline(0, color=FAINT, linewidth=1)
            panel.set(title="What taking out each word does to TA", xlabel="change, MOS units")
            panel.invert_yaxis()

        height = 0.9 + LINE * max(len(removals), 1)
        return Plot("removals", "What each word does to TA.", draw, 9, height)


def explain(
    predictor: Predictor, path: str | Path, prompt: str, faults: bool = False
) -> Explanation:
    """Return why a clip has its score.

    Args:
        predictor: A trained model.
        path: A sound file.
        prompt: What the clip was made from.
        faults: Whether to ask which faults of the sound the clip is like; costs some forty runs
            of the audio encoder.
    """
    clip = predictor.hear(path)
    (heard, text), cautions = predictor.embed(clip, prompt)
    encoder = predictor.text_encoder
    words = split(encoder.tokenizer, prompt, encoder.spec.template, text.shape[1])
    hearing = predictor.audio_encoder
    samples = resampled(clip)[: round(hearing.spec.seconds * RATE)]
    seconds, step = len(samples) / RATE, hearing.spec.pool / hearing.steps_per_second
    maps = read_maps(predictor.network, heard, text, words, seconds, step=step)
    count = len(WORD.findall(prompt))
    if count > MOST_WORDS:
        cautions.append(f"only the first {MOST_WORDS} of {count} words are taken out in turn")
    return Explanation(
        clip=str(path),
        prompt=prompt,
        samples=samples,
        maps=maps,
        removals=_removals(predictor, heard, prompt, maps.ta),
        cautions=cautions,
        faults=likeness(predictor, samples) if faults else [],
    )


def without_each_word(prompt: str) -> list[tuple[str, str]]:
    """Return each of a prompt's first MOST_WORDS words and the prompt without it.

    Of a single word nothing is left, and the list is empty.
    """
    places = list(WORD.finditer(prompt))
    if len(places) < 2:
        return []
    return [
        (place.group(), " ".join((prompt[: place.start()] + prompt[place.end() :]).split()))
        for place in places[:MOST_WORDS]
    ]


def _removals(predictor: Predictor, heard: np.ndarray, prompt: str, ta: float) -> list[Removal]:
    words = without_each_word(prompt)
    scores = predictor.score_embedded([(heard, predictor.embed_prompt(rest)) for _, rest in words])
    return [
        Removal(word, score.ta, score.ta - ta)
        for (word, _), score in zip(words, scores, strict=True)
    ]


def to_json(explanation: Explanation) -> bytes:
    """Return the numbers."""
    form = {"indent": 1, "ensure_ascii": False, "allow_nan": False}
    text = json.dumps(explanation.record(), default=np.ndarray.tolist, **form)
    return f"{text}\n".encode()


def to_html(explanation: Explanation) -> bytes:
    """Return a page that needs no other file."""
    sound = sound_address(explanation.samples)
    return filled("explain", explanation=explanation, sound=sound).encode()


def to_png(explanation: Explanation) -> bytes:
    """Return the maps and what each word does, one below the other."""
    maps = explanation.maps
    title = f"{explanation.prompt}\nOMQ {maps.omq:.2f}, TA {maps.ta:.2f}"
    plots = [*(heat.plot for heat in maps.heats), explanation.changes]
    return png(plots, title, columns=1, dpi=150)


WRITERS: dict[str, Callable[[Explanation], bytes]] = {
    ".html": to_html, ".json": to_json, ".png": to_png
}  # fmt: skip


def run(clip: Path, prompt: str, output: Path, model: str, faults: bool, device: str) -> int:
    """Return the exit code of `whisq explain`; the output's ending says what is written.

    The model is named as for `whisq.load`, the device as in `whisq.devices`.
    """
    try:
        check_output(output, WRITERS)
        with warnings.catch_warnings():
            # What is left out stands in the explanation.
            warnings.simplefilter("ignore", UserWarning)
            explanation = explain(Predictor.load(model, device), clip, prompt, faults=faults)
        output.write_bytes(WRITERS[output.suffix.lower()](explanation))
    except (ValueError, OSError) as error:
        print(f"whisq explain: {error}", file=sys.stderr)
        return WRONG_CALL
    scores = f"omq {explanation.maps.omq:.3f}, ta {explanation.maps.ta:.3f}: {output}"
    for line in (*(f"whisq explain: {caution}" for caution in explanation.cautions), scores):
        print(line, file=sys.stderr)
    return DONE
