"""Whether a model reads the prompt: asked by giving its clips other prompts. No rating is needed.

A model that ignores the prompt is at chance, 0.5, in all of these, whatever its correlations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from whisq.evaluation import resampling
from whisq.evaluation.intervals import interval
from whisq.evaluation.metrics import measure
from whisq.rendered.repertoire import CHOICES
from whisq.rendered.requests import change, from_row, sentence

if TYPE_CHECKING:
    from pandas import DataFrame, Series

    from whisq.evaluation.bench import Bench

SHUFFLES = 5
DISTANCES = ("near", "middle", "far")
ONE_PROMPT = "all clips have one prompt"
NO_TRUTH = "the corpus does not say what its prompts ask for"


def order_swap(bench: Bench) -> dict[str, Any]:
    """Ask whether a prompt about order is preferred to the same prompt with the order reversed.

    Asked of the clips that play the order asked for, where the corpus knows: of a clip that plays
    it backwards the reversed prompt is the true one.

    Returns:
        `swap`, the share that prefers the true order (0.5: deaf to it), `clips`, `error` (its
        standard error, by prompt) and `by_attribute`; under `reversed` the `swap` of the clips
        that play the order backwards (below 0.5 at best) and under `all` that of all, with their
        `clips`. `swap` is None where nothing can be asked, with the reason under `undefined`.
    """
    rows = orders(bench)
    if rows is None:
        return {"swap": None, "undefined": NO_TRUTH}
    played = rows["played"]
    if not (played == "asked").any():
        return {"swap": None, "undefined": "no held-out clip plays an order that was asked for"}
    asked = rows[played == "asked"]
    by_prompt = asked.groupby("prompt")["won"].mean()
    by_attribute = {name: _share(part["won"]) for name, part in asked.groupby("order")}
    return {
        **_share(asked["won"]),
        "error": by_prompt.std() / np.sqrt(len(by_prompt)) if len(by_prompt) > 1 else None,
        "by_attribute": by_attribute,
        "reversed": _share(rows.loc[played == "reversed", "won"]),
        "all": _share(rows["won"]),
    }


def orders(bench: Bench) -> DataFrame | None:
    """Ask each clip whose prompt can be reversed whether it prefers its own order.

    Returns:
        By clip id `prompt`, `reversed`, `order` (the attribute it is about), `played` (`asked`,
        `reversed`, or what the corpus says else) and `won`, 1 where the own prompt has the higher
        TA, 0.5 where both have the same; None where the corpus does not know its prompts.
    """
    if bench.prompts is None:
        return None
    rows = bench.clips[["prompt"]].join(bench.prompts[["reversed", "order"]], on="prompt")
    rows = rows[rows["reversed"].fillna("") != ""]
    played = [_played(bench, key, text) for key, text in rows["prompt"].items()]
    right = bench.alignment(zip(rows.index, rows["prompt"], strict=True))
    wrong = bench.alignment(zip(rows.index, rows["reversed"], strict=True))
    return rows.assign(played=np.array(played, dtype=str), won=_won(right, wrong))


def other_prompts(bench: Bench, count: int) -> dict[str, Any]:
    """Ask whether a clip's own prompt is preferred to `count` other prompts of the corpus.

    Returns:
        `auc`, the share of comparisons that the own prompt wins, `comparisons`, and
        `by_distance`, the same by thirds of the cosine distance of the prompts' mean states.
    """
    asked = against_others(bench, count)
    if asked.empty:
        return {"auc": None, "undefined": ONE_PROMPT}
    thirds = np.array_split(asked["won"].iloc[np.argsort(asked["distance"], kind="stable")], 3)
    by_distance = {
        name: float(part.mean()) for name, part in zip(DISTANCES, thirds, strict=True) if len(part)
    }
    return {"auc": asked["won"].mean(), "comparisons": len(asked), "by_distance": by_distance}


def against_others(bench: Bench, count: int) -> DataFrame:
    """Compare the TA of each clip with its own prompt and with `count` others of the corpus.

    Returns:
        One row a comparison, none where there is one prompt alone: `id`, `prompt`, `other`,
        `distance` (of the prompts, 1 less the cosine of their mean states) and `won`, 1 where the
        own prompt has the higher TA, 0.5 where both have the same, NaN where TA was not learnt.
    """
    draw = np.random.default_rng(bench.seed)
    prompts = sorted(set(bench.clips["prompt"]))
    means = np.stack([bench.prompt(text)[0].mean(axis=0, dtype=np.float64) for text in prompts])
    means -= means.mean(axis=0)
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    place = {text: at for at, text in enumerate(prompts)}
    rows = []
    for key, own in bench.clips["prompt"].items():
        others = [at for at in range(len(prompts)) if at != place[own]]
        for at in draw.permutation(others)[:count]:
            rows.append((key, own, prompts[at], 1 - means[place[own]] @ means[at]))
    asked = pd.DataFrame(rows, columns=["id", "prompt", "other", "distance"])
    true = dict(zip(bench.clips.index, bench.alignment(bench.clips["prompt"].items()), strict=True))
    wrong = bench.alignment(zip(asked["id"], asked["other"], strict=True))
    return asked.assign(won=_won(asked["id"].map(true).to_numpy(float), wrong))


def own_prompt(asked: DataFrame, resamples: int, seed: int) -> dict[str, Any]:
    """Tell how often a clip's own prompt is preferred, and how far that would move.

    Chosen: the interval draws prompts, and a comparison counts as often as both of its prompts
    were drawn together. A prompt that a model likes wins with its own clips and beats those of
    others, so that neither clips nor comparisons are independent.
    Source: the bootstrap of pairs of Snijders and Borgatti (1999), their diagonal left out.

    Args:
        asked: Rows of `against_others`.
        resamples: For the 95% interval.
        seed: Of the draws.

    Returns:
        `share` (0.5 is chance), its `interval` (None of one prompt), `comparisons`, `clips` and
        `prompts`, those that the clips were made from.
    """
    pairs = asked[["prompt", "other"]].to_numpy(str)
    names, codes = np.unique(pairs, return_inverse=True)
    one, other = codes.reshape(pairs.shape).T
    rng = np.random.default_rng(seed)
    weights = resampling.draw(np.arange(len(names)), resamples, rng).astype(float)
    won, share = asked["won"].to_numpy(float), float(asked["won"].mean())
    counted = [weights[row, one] * weights[row, other] for row in range(resamples)]
    drawn = np.array([each @ won / each.sum() if each.any() else np.nan for each in counted])
    own = asked["prompt"].nunique()
    ends = interval(drawn, share, own)
    return {
        "share": share,
        "interval": None if ends is None else np.clip(ends, 0, 1).tolist(),
        "comparisons": len(asked),
        "clips": asked["id"].nunique(),
        "prompts": own,
    }


def shuffled_prompts(bench: Bench) -> dict[str, Any]:
    """Measure TA where every clip has been given another clip's prompt.

    Returns:
        `srcc` with the prompts shuffled, averaged over SHUFFLES, and `true_srcc`; a model that
        uses the prompt loses much.
    """
    draw = np.random.default_rng(bench.seed)
    rated = bench.clips[bench.clips["ta"].notna()]
    prompts, rating = rated["prompt"], rated["ta"].to_numpy(float)
    true = measure(rating, bench.alignment(prompts.items()))["srcc"]
    found = []
    for _ in range(SHUFFLES):
        other = _deranged(prompts, draw)
        found.append(measure(rating, bench.alignment(other.items()))["srcc"])
    known = [value for value in found if value is not None]
    return {"srcc": float(np.mean(known)) if known else None, "true_srcc": true}


def changed_attributes(bench: Bench) -> dict[str, Any]:
    """Ask whether TA falls when one attribute of the prompt is changed.

    Returns:
        For each attribute that prompts mention: `fell`, the share of clips whose TA fell, the
        mean `fall` in MOS units, and `clips`, those that do play what was asked for; empty
        for a corpus that does not say.
    """
    if bench.prompts is None or bench.truth is None:
        return {}
    draw = np.random.default_rng(bench.seed)
    requests = {text: from_row(row) for text, row in bench.prompts.iterrows()}
    found = {}
    for attribute in CHOICES:
        other = {
            text: sentence(change(request, attribute, draw))
            for text, request in requests.items()
            if attribute in request.held and attribute != request.order
        }
        asked = [
            (key, text)
            for key, text in bench.clips["prompt"].items()
            if text in other
            and bench.truth.loc[key, attribute] == bench.prompts.loc[text, attribute]
        ]
        if asked:
            right = bench.alignment(asked)
            wrong = bench.alignment((key, other[text]) for key, text in asked)
            fall = {"fell": _won(right, wrong).mean(), "fall": (right - wrong).mean()}
            found[attribute] = fall | {"clips": len(asked)}
    return found


def _played(bench: Bench, key: str, text: str) -> str:
    if bench.truth is None:
        return "asked"
    clip, want = bench.truth.loc[key], bench.prompts.loc[text]
    changes = want["order"]
    if clip["order"] != changes:
        return "other"
    halves, wanted = (clip[changes], clip["then"]), (want[changes], want["then"])
    return {wanted: "asked", wanted[::-1]: "reversed"}.get(halves, "other")


def _won(better: np.ndarray, worse: np.ndarray) -> np.ndarray:
    return (np.sign(better - worse) + 1) / 2  # half where they are equal


def _share(wins: Series) -> dict[str, Any]:
    return {"swap": float(wins.mean()) if len(wins) else None, "clips": len(wins)}


def _deranged(prompts: Series, draw: np.random.Generator) -> Series:
    # A clip may by chance be dealt its own prompt again: it swaps with one for whom that helps.
    dealt = draw.permutation(prompts.to_numpy())
    own = prompts.to_numpy()
    for at in np.flatnonzero(dealt == own):
        free = np.flatnonzero((dealt != own[at]) & (own != dealt[at]))
        if len(free):
            other = draw.choice(free)
            dealt[[at, other]] = dealt[[other, at]]
    return pd.Series(dealt, index=prompts.index)
