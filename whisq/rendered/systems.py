"""Simulated text-to-music systems: how good each is, and what it makes of a request.

Conventions: quality and skill are standard scores, higher is better; weights sum to 1; strengths
lie in 0 to 1; damage and loss are amounts that `listeners` turn into MOS.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from scipy.special import ndtri

from whisq.rendered import faults, listeners
from whisq.rendered.faults import Fault
from whisq.rendered.repertoire import CHOICES, INSTRUMENTS
from whisq.rendered.requests import Request, change, reverse

ALIGNMENT = 0.6
"""Correlation of quality and skill over the systems.

Chosen: so that the labels correlate near 0.45 over clips, below MusicEval's 0.79 on purpose:
there the quality alone tells the alignment, and a model scores well without reading a prompt."""

FAILINGS = ("kind", "instrument", "tempo", "mode", "order")
"""What a system may do otherwise than asked."""

# MusicEval's six systems that rated clips of prompts of their own, and how many of each.
DEMO_SHARES = np.array([25, 8, 54, 133, 7, 21]) / 248

# Chosen: so that the labels spread as MusicEval's do over systems (0.69) and within them (0.56);
# more than that goes in, since the strongest faults can do no more.
MEAN, BETWEEN, WITHIN = 3.3, 0.83, 0.5
STRAY = 0.12  # share of clips with a fault that is not their system's own
FAINT = 0.03  # strengths below are left out
ENOUGH = 0.3  # damage that may be left undone rather than add another fault

ORDER_FAILURES = {"order_reversed": 0.45, "order_first_only": 0.3, "order_other_second": 0.25}


@dataclass(frozen=True)
class System:
    """One simulated system.

    Attributes:
        name: S001 and on.
        quality: How well it sounds.
        skill: How well it follows the prompt.
        faults: Weight of each quality fault that it tends to; none for the reference.
        momentary: Chance that a fault lasts for a moment only, 0 to 1.
        failings: How prone it is to each of `FAILINGS`, 1 on average.
        demo_clips: How many clips of prompts of its own it gives; 0 when it plays the shared ones.
    """

    name: str
    quality: float
    skill: float
    faults: dict[str, float]
    momentary: float
    failings: dict[str, float]
    demo_clips: int


def systems(count: int, demo_systems: int, demo_clips: int, rng: Generator) -> list[System]:
    """Draw the systems of a corpus.

    The spreads do not depend on luck: quality and skill are evenly spaced quantiles of a normal
    distribution, and their correlation is `ALIGNMENT` exactly.

    Args:
        count: How many, at least 4.
        demo_systems: How many of them have prompts of their own, fewer than count.
        demo_clips: Clips of those together, at least one each; see `takes.Rendered`.
        rng: Draws the rest.

    Returns:
        The systems, by name; the best of those with shared prompts is the reference.
    """
    quality, skill = _scores(count, rng)
    clips = np.zeros(count, dtype=int)
    clips[np.sort(rng.permutation(count)[:demo_systems])] = _shares(demo_systems, demo_clips)
    reference = int(np.argmax(np.where(clips > 0, -np.inf, quality)))
    return [
        System(
            name=f"S{place + 1:03d}",
            quality=float(quality[place]),
            skill=float(skill[place]),
            faults={} if place == reference else _weights(rng),
            momentary=float(rng.uniform(0.1, 0.6)),
            failings=dict(zip(FAILINGS, rng.uniform(0.6, 1.4, len(FAILINGS)), strict=True)),
            demo_clips=int(clips[place]),
        )
        for place in range(count)
    ]


def spoil(system: System, rng: Generator) -> tuple[Fault, ...]:
    """Draw the quality faults of one clip, none for the reference.

    Together they do about the damage that the system's quality and the day's luck call for.

    Returns:
        The faults.
    """
    if not system.faults:
        return ()
    target = MEAN + BETWEEN * system.quality + WITHIN * rng.standard_normal()
    left = listeners.damage(target)
    planned = int(rng.integers(1, 4))
    found = []
    for place, name in enumerate(_choose(system, rng)):
        if place >= planned and left < ENOUGH:
            break
        share = 1.0 if place >= planned - 1 else float(rng.uniform(0.2, 0.7))
        fault = _fault(name, left * share, system.momentary, rng)
        left -= fault.damage
        if fault.strength >= FAINT:
            found.append(fault)
    return tuple(found)


def follow(system: System, request: Request, rng: Generator) -> tuple[Request, tuple[Fault, ...]]:
    """Draw what a system plays when asked: what it gets wrong, and all that the prompt leaves open.

    Returns:
        What is played, and in which respects that is not what was asked for.
    """
    played = _fill(request, rng)
    failures: list[Fault] = []
    chance = 1.0 / (1.0 + np.exp(0.75 + 0.95 * system.skill))
    for name in (*request.judged, *(("order",) if request.order else ())):
        if rng.random() >= min(chance * system.failings[name], 0.9):
            continue
        if name == "order":
            played, failure = _misorder(played, rng)
        else:
            wrong = change(played, name, rng)
            failure = Fault(name, distance(name, getattr(played, name), getattr(wrong, name)))
            played = wrong
        failures.append(failure)
    return played, tuple(failures)


def distance(attribute: str, asked: str, played: str) -> float:
    """Return how far off a value is, 0 for the same to 1.

    Halves for the next tempo or loudness, 0.6 for an instrument of the same family.
    """
    if asked == played:
        return 0.0
    if attribute in ("tempo", "dynamics"):
        steps = CHOICES[attribute]
        return abs(steps.index(asked) - steps.index(played)) / 2
    if attribute == "instrument":
        return 0.6 if INSTRUMENTS[asked].family == INSTRUMENTS[played].family else 1.0
    return 1.0


def _scores(count: int, rng: Generator) -> tuple[np.ndarray, np.ndarray]:
    even = ndtri((np.arange(count) + 0.5) / count)
    even /= even.std()
    quality, other = rng.permutation(even), rng.permutation(even)
    other -= quality * (other @ quality) / count
    skill = ALIGNMENT * quality + np.sqrt(1 - ALIGNMENT**2) * other / other.std()
    return quality, skill


def _shares(demo_systems: int, demo_clips: int) -> np.ndarray:
    shares = np.resize(DEMO_SHARES, demo_systems)
    spare = demo_clips - demo_systems
    edges = np.round(np.cumsum(shares) / max(shares.sum(), 1e-9) * spare)
    return 1 + np.diff(edges, prepend=0).astype(int)


def _weights(rng: Generator) -> dict[str, float]:
    names = rng.permutation(faults.NAMES)[: rng.integers(2, 5)]
    return dict(zip(names.tolist(), rng.dirichlet(np.full(len(names), 2.0)), strict=True))


def _choose(system: System, rng: Generator) -> list[str]:
    # Its own faults, the heavier the sooner, and now and then one that it seldom has before them.
    names, weights = list(system.faults), np.array(list(system.faults.values()))
    order = rng.choice(names, len(names), replace=False, p=weights).tolist()
    if rng.random() < STRAY:
        order.insert(0, str(rng.choice([name for name in faults.NAMES if name not in names])))
    return order


def _fault(name: str, damage: float, momentary: float, rng: Generator) -> Fault:
    worst = Fault(name, 1.0)
    if name != "abrupt_end" and rng.random() < momentary:
        share = round(float(rng.uniform(0.15, 0.4)), 3)
        start = round(float(rng.uniform(0.02, 0.97 - share)), 3)
        moment = Fault(name, 1.0, start, round(start + share, 3))
        if moment.damage >= damage:  # else no moment can do as much
            worst = moment
    return replace(worst, strength=round(min(max(damage / worst.damage, 0.0), 1.0), 3))


def _fill(request: Request, rng: Generator) -> Request:
    # What a prompt does not mention is left to the system, and judged by nobody.
    bound = {*request.judged, request.order, "dynamics"}
    free = {name: known for name, known in request.repertoire.choices.items() if name not in bound}
    return replace(request, **{name: str(rng.choice(known)) for name, known in free.items()})


def _misorder(request: Request, rng: Generator) -> tuple[Request, Fault]:
    name = str(rng.choice(list(ORDER_FAILURES), p=list(ORDER_FAILURES.values())))
    if name == "order_reversed":
        return reverse(request), Fault(name, 1.0)
    if name == "order_first_only":
        return replace(request, order="", then=""), Fault(name, 1.0)
    taken = (request.first, request.then)
    other = str(
        rng.choice([v for v in request.repertoire.choices[request.order] if v not in taken])
    )
    strength = distance(request.order, request.then, other)
    return replace(request, then=other), Fault(name, strength)
