"""What is asked for, in values and in words, and which requests a corpus makes.

There are requests for old scores, by `vocabulary.toml`, and for bands, by `bands.toml`; neither
mentions what the other plays. A request about *order* names the kind, instrument, tempo or dynamics
twice: what it is at first and what it is then. Half of a corpus's requests are, in pairs worded
alike but for the order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from whisq.rendered.repertoire import BANDS, CHOICES, SCORES, VOCABULARY, Repertoire


@dataclass(frozen=True)
class Request:
    """What is asked for, and how it is worded.

    Attributes:
        kind: Kind of piece, or a band's style.
        instrument: An instrument, or a band's line-up.
        tempo: slow, medium or fast.
        mode: major or minor.
        dynamics: quiet, even or loud.
        held: What the prompt mentions, and is judged; "mood" is what tempo and mode make.
        order: The attribute that changes half way, or "". Never the mode: it is too little heard.
        then: The value that it changes to; what it is at first is its own field.
        template: Which form of sentence words it, from 0.
        wording: Which synonyms, from 0.
    """

    kind: str
    instrument: str
    tempo: str
    mode: str
    dynamics: str = "even"
    held: tuple[str, ...] = ()
    order: str = ""
    then: str = ""
    template: int = 0
    wording: int = 0

    @property
    def band(self) -> bool:
        """Whether it asks for a band."""
        return self.kind in BANDS.choices["kind"]

    @property
    def repertoire(self) -> Repertoire:
        """What could be asked for instead, and in which sentences."""
        return BANDS if self.band else SCORES

    @property
    def forms(self) -> list[str]:
        """The sentences that may word it."""
        return self.repertoire.ordered if self.order else self.repertoire.whole

    @property
    def mood(self) -> str:
        """The mood of the first half."""
        return VOCABULARY["tempo"][self.tempo]["mood"][self.mode]

    @property
    def judged(self) -> tuple[str, ...]:
        """The attributes that the prompt binds throughout; a mood binds tempo and mode."""
        held = {*self.held, *(("tempo", "mode") if "mood" in self.held else ())}
        return tuple(name for name in CHOICES if name in held and name != self.order)

    @property
    def first(self) -> str:
        """What the changing attribute is at first; "" when nothing changes."""
        return getattr(self, self.order) if self.order else ""


def from_row(row: Mapping[str, str]) -> Request:
    """Return the request of a row of ground truth, which `sentence` words as the row's prompt.

    Args:
        row: Of `truth/prompts.csv` or `truth/clips.csv`, values as strings; the latter does not
            say how it was worded.
    """
    return Request(
        **{name: row[name] for name in (*CHOICES, "order", "then")},
        held=tuple(row.get("held", "").split()),
        template=int(row.get("template", 0)),
        wording=int(row.get("wording", 0)),
    )


def reverse(request: Request) -> Request:
    """Return a request about order with its halves in the other order, in the same words."""
    return replace(request, **{request.order: request.then}, then=request.first)


def change(request: Request, attribute: str, rng: Generator) -> Request:
    """Return a request for another value of one attribute, all else the same.

    Of an attribute that changes half way the first value is new, and is not the second either.
    """
    taken = {getattr(request, attribute), request.then if attribute == request.order else ""}
    others = [value for value in request.repertoire.choices[attribute] if value not in taken]
    return replace(request, **{attribute: others[rng.integers(len(others))]})


def reword(request: Request, rng: np.random.Generator) -> Request:
    """Ask for the same in another form of sentence and other synonyms.

    Args:
        request: Any request.
        rng: Picks the words; by chance they may be the old ones.

    Returns:
        The same request, worded anew.
    """
    template, wording = rng.integers(len(request.forms)), rng.integers(6)
    return replace(request, template=int(template), wording=int(wording))


def ask_otherwise(request: Request, rng: np.random.Generator) -> Request:
    """Ask for something else in the same words: the other order, or one other value.

    Args:
        request: Any request that binds something.
        rng: Picks what is asked for.

    Returns:
        The other request; one about order is reversed in half of the draws.
    """
    if request.order and (not request.judged or rng.random() < 0.5):
        return reverse(request)
    return change(request, request.judged[rng.integers(len(request.judged))], rng)


def sentence(request: Request) -> str:
    """Return one or two sentences; the template chooses their form, the wording the synonyms."""
    words = {"piece": _piece(request)}
    if request.band:
        words["tags"] = _tags(request)
    if request.order:
        words |= {"a": _half(request, request.first), "b": _half(request, request.then)}
    form = request.forms[request.template % len(request.forms)]
    text = form.format(**words)
    return text if form.startswith("{tags}") else text[0].upper() + text[1:]


def draw(
    counts: tuple[int, ...], rng: Generator, bands: float = 0.0
) -> list[list[tuple[Request, str]]]:
    """Draw groups of requests, all worded differently.

    Args:
        counts: How many in each group.
        rng: Draws them.
        bands: Share that asks for a band.

    Returns:
        The groups, each in random order: requests and the names of their pairs, "" where they
        have none. Pairs are complete within their group, and half of it (to the even number
        below) is in pairs.
    """
    taken: set[str] = set()
    groups = []
    for place, count in enumerate(counts):
        of_bands = round(count * bands)
        group = _group(count - of_bands, f"{place}", taken, rng, SCORES)
        if of_bands:
            group += _group(of_bands, f"{place}-band", taken, rng, BANDS)
            group = [group[place] for place in rng.permutation(count)]
        groups.append(group)
    return groups


def _group(
    count: int, name: str, taken: set[str], rng: Generator, known: Repertoire
) -> list[tuple[Request, str]]:
    drawn: list[tuple[Request, str]] = []
    ordered = _turns(len(known.ordered), count // 4, rng)
    whole = _turns(len(known.whole), count, rng)
    aspects = VOCABULARY["mentioned"]["aspects"]
    for number in range(count // 4):
        aspect = aspects[number % len(aspects)]
        request = _distinct(aspect, number, ordered[number], taken, rng, known)
        pair = f"{name}-{number + 1}"
        drawn += [(request, pair), (reverse(request), pair)]
    for number in range(count - len(drawn)):
        drawn.append((_distinct("", number, whole[number], taken, rng, known), ""))
    return [drawn[place] for place in rng.permutation(len(drawn))]


def _turns(choices: int, count: int, rng: Generator) -> list[int]:
    # Every choice about equally often, in random order.
    return rng.permutation(np.arange(count) % choices).tolist()


def _distinct(
    aspect: str,
    number: int,
    template: int,
    taken: set[str],
    rng: Generator,
    known: Repertoire,
) -> Request:
    while True:
        request = _request(aspect, number, template, rng, known.choices)
        words = {sentence(request)} | ({sentence(reverse(request))} if aspect else set())
        if not words & taken:
            taken |= words
            return request


def _request(
    aspect: str,
    number: int,
    template: int,
    rng: Generator,
    choices: dict[str, tuple[str, ...]],
) -> Request:
    values = {name: str(rng.choice(values)) for name, values in choices.items()}
    values |= {"dynamics": "even", "order": aspect}
    mentioned = VOCABULARY["mentioned"]
    held = mentioned["held"][number % len(mentioned["held"])]
    if aspect:
        pair = choices[aspect]
        if aspect in ("tempo", "dynamics"):
            pair = pair[0], pair[-1]
        values[aspect], values["then"] = (str(value) for value in rng.permutation(pair)[:2])
        context = mentioned["context"][rng.integers(len(mentioned["context"]))]
        held = [aspect, *(name for name in context if name != aspect)]
    return Request(**values, held=tuple(held), template=template, wording=int(rng.integers(6)))


def _piece(request: Request) -> str:
    # What changes half way is named by the sentence, not here.
    held = set(request.held) - {request.order}
    names = [name for name in ("mood", "tempo", "kind") if name in held]
    words = [_called(request, name, getattr(request, name)) for name in names]
    text = _article(" ".join([*words, *(() if "kind" in held else ["piece of music"])]))
    if "mode" in held:
        text += f" in a {request.mode} key"
    if "instrument" in held:
        text += f" for {_called(request, 'instrument', request.instrument)}"
    if "tempo" in held and request.band:
        text += f" at {_called(request, 'pace', request.tempo)}"
    return text


def _tags(request: Request) -> str:
    # As people ask MusicGen: the style, the tempo, who plays, and what else is held.
    held = set(request.held) - {request.order}
    words = [VOCABULARY["kind"][request.kind]["tag"]] if "kind" in held else []
    if "tempo" in held:
        words.append(_called(request, "pace", request.tempo))
    if "instrument" in held:
        words.append(f"instrumentation: {VOCABULARY['instrument'][request.instrument]['tag']}")
    if "mode" in held:
        words.append(f"{request.mode} key")
    if "mood" in held:
        words.append(_called(request, "mood", request.mood))
    return ", ".join(words or ["instrumental"])


def _half(request: Request, value: str) -> str:
    if "half" in VOCABULARY[request.order][value]:
        return _called(request, request.order, value, "half")
    return _article(_called(request, request.order, value))


def _called(request: Request, name: str, value: str, part: str = "words") -> str:
    words = VOCABULARY[name][value][part]
    return words[request.wording % len(words)]


def _article(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"
