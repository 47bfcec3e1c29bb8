"""Which requests a corpus makes: half about the whole of a clip, half about its order.

Requests about order come in pairs that differ in the order alone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from whisq.rendered.prompts import ORDERED, WHOLE, sentence
from whisq.rendered.requests import CHOICES, Request, reverse

Asked = tuple[Request, str]
"""A request, and the name of its pair ("" where it has none)."""

# Chosen: instruments most, for they have the most pairs; dynamics and tempo next.
ASPECTS = ("instrument", "tempo", "instrument", "dynamics", "instrument", "kind") * 2
ASPECTS = (*ASPECTS[:-1], "tempo")
"""What the pairs are about, in turn."""

HELD = (
    ("kind", "instrument"),
    ("tempo", "instrument"),
    ("mood", "kind", "instrument"),
    ("tempo", "instrument"),
    ("kind", "tempo", "instrument"),
    ("mood", "instrument"),
    ("kind", "mode", "instrument"),
    ("tempo", "kind"),
)
"""What a prompt about the whole mentions, in turn."""

CONTEXT = ((), ("kind",), ("tempo",), ("instrument",), ("kind", "instrument"), ("kind", "tempo"))
"""What a prompt about order mentions beside it, in turn."""


def requests(counts: tuple[int, ...], rng: np.random.Generator) -> list[list[Asked]]:
    """Draw groups of requests, all worded differently.

    Args:
        counts: How many in each group.
        rng: Draws them.

    Returns:
        The groups, each in random order. Pairs are complete within their group, and half of a
        group (to the even number below) is in pairs.
    """
    taken: set[str] = set()
    return [_group(count, f"{place}", taken, rng) for place, count in enumerate(counts)]


def _group(count: int, name: str, taken: set[str], rng: np.random.Generator) -> list[Asked]:
    drawn: list[Asked] = []
    ordered = _turns(len(ORDERED), count // 4, rng)
    whole = _turns(len(WHOLE), count, rng)
    for number in range(count // 4):
        aspect = ASPECTS[number % len(ASPECTS)]
        request = _distinct(aspect, number, ordered[number], taken, rng)
        pair = f"{name}-{number + 1}"
        drawn += [(request, pair), (reverse(request), pair)]
    for number in range(count - len(drawn)):
        drawn.append((_distinct("", number, whole[number], taken, rng), ""))
    return [drawn[place] for place in rng.permutation(len(drawn))]


def _turns(choices: int, count: int, rng: np.random.Generator) -> list[int]:
    # Every choice about equally often, in random order.
    return rng.permutation(np.arange(count) % choices).tolist()


def _distinct(
    aspect: str, number: int, template: int, taken: set[str], rng: np.random.Generator
) -> Request:
    while True:
        request = _draw(aspect, number, template, rng)
        words = {sentence(request)} | ({sentence(reverse(request))} if aspect else set())
        if not words & taken:
            taken |= words
            return request


def _draw(aspect: str, number: int, template: int, rng: np.random.Generator) -> Request:
    values = {name: str(rng.choice(choices)) for name, choices in CHOICES.items()}
    values["dynamics"] = "even"
    then = ""
    if aspect:
        ends = CHOICES[aspect][:: len(CHOICES[aspect]) - 1]
        pair = ends if aspect in ("tempo", "dynamics") else CHOICES[aspect]
        values[aspect], then = (str(value) for value in rng.permutation(pair)[:2])
        context = CONTEXT[rng.integers(len(CONTEXT))]
        held = (aspect, *(name for name in context if name != aspect))
    else:
        held = HELD[number % len(HELD)]
    request = Request(**values, held=held, order=aspect, then=then)
    return replace(request, template=template, wording=int(rng.integers(6)))
