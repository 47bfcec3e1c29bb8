"""Whether a model reads the prompt: asked by giving its clips other prompts. No rating is needed.

A model that ignores the prompt is at chance, 0.5, in all of these, whatever its correlations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from whisq.corpus.rendered.prompts import changed
from whisq.corpus.rendered.requests import CHOICES, Request
from whisq.evaluation.bench import Bench, won
from whisq.evaluation.metrics import measure

if TYPE_CHECKING:
    from pandas import DataFrame, Series

SHUFFLES = 5
DISTANCES = ("near", "middle", "far")
NO_TRUTH = "the corpus does not say what its prompts ask for"


def order_swap(bench: Bench) -> dict[str, Any]:
    """Ask whether a prompt about order is preferred to the same prompt with the order reversed.

    Args:
        bench: What to work on.

    Returns:
        `swap`, the share of clips that prefer the true order (0.5: deaf to it), `clips`, `error`
        (its standard error, by prompt), `followed`, the same over the clips that do play the
        order asked for, and `by_attribute`; None without such clips.
    """
    if bench.prompts is None:
        return {"swap": None, "undefined": NO_TRUTH}
    rows = bench.clips[["prompt"]].join(bench.prompts[["reversed", "order", "then"]], on="prompt")
    rows = rows[rows["reversed"].fillna("") != ""]
    if rows.empty:
        return {"swap": None, "undefined": "no held-out clip has a prompt about order"}
    right = bench.alignment(zip(rows.index, rows["prompt"], strict=True))
    wrong = bench.alignment(zip(rows.index, rows["reversed"], strict=True))
    rows = rows.assign(won=won(right, wrong))
    by_prompt = rows.groupby("prompt")["won"].mean()
    return {
        "swap": rows["won"].mean(),
        "clips": len(rows),
        "error": by_prompt.std() / np.sqrt(len(by_prompt)) if len(by_prompt) > 1 else None,
        "followed": _followed(bench, rows),
        "by_attribute": rows.groupby("order")["won"].agg(["mean", "size"]).to_dict("index"),
    }


def other_prompts(bench: Bench, count: int) -> dict[str, Any]:
    """Ask whether a clip's own prompt is preferred to other prompts of the corpus.

    Args:
        bench: What to work on.
        count: Other prompts a clip.

    Returns:
        `auc`, the share of comparisons that the own prompt wins, `comparisons`, and
        `by_distance`, the same by thirds of the cosine distance of the prompts' mean states.
    """
    draw = np.random.default_rng(bench.seed)
    prompts = sorted(set(bench.clips["prompt"]))
    means = np.stack([bench.prompt(text)[0].mean(axis=0, dtype=np.float64) for text in prompts])
    means -= means.mean(axis=0)
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    place = {text: at for at, text in enumerate(prompts)}
    pairs, distance = [], []
    for key, own in bench.clips["prompt"].items():
        others = [at for at in range(len(prompts)) if at != place[own]]
        for at in draw.permutation(others)[:count]:
            pairs.append((key, prompts[at]))
            distance.append(1 - means[place[own]] @ means[at])
    if not pairs:
        return {"auc": None, "undefined": "all held-out clips have one prompt"}
    true = dict(zip(bench.clips.index, bench.alignment(bench.clips["prompt"].items()), strict=True))
    wins = won(np.array([true[key] for key, _ in pairs]), bench.alignment(pairs))
    thirds = np.array_split(np.argsort(distance, kind="stable"), len(DISTANCES))
    by_distance = {
        name: float(wins[part].mean())
        for name, part in zip(DISTANCES, thirds, strict=True)
        if len(part)
    }
    return {"auc": wins.mean(), "comparisons": len(pairs), "by_distance": by_distance}


def shuffled_prompts(bench: Bench) -> dict[str, Any]:
    """Measure TA where every clip has been given another clip's prompt.

    Args:
        bench: What to work on; its clips have ratings.

    Returns:
        `srcc` with the prompts shuffled, averaged over SHUFFLES, and `true_srcc`; a model that
        uses the prompt loses much.
    """
    draw = np.random.default_rng(bench.seed)
    prompts, rating = bench.clips["prompt"], bench.clips["ta"].to_numpy(float)
    true = measure(rating, bench.alignment(prompts.items()))["srcc"]
    found = []
    for _ in range(SHUFFLES):
        other = _deranged(prompts, draw)
        found.append(measure(rating, bench.alignment(other.items()))["srcc"])
    known = [value for value in found if value is not None]
    return {"srcc": float(np.mean(known)) if known else None, "true_srcc": true}


def changed_attributes(bench: Bench) -> dict[str, Any]:
    """Ask whether TA falls when one attribute of the prompt is changed.

    Args:
        bench: What to work on.

    Returns:
        For each attribute that prompts mention: `fell`, the share of clips whose TA fell, the
        mean `fall` in MOS units, and `clips`, those that do play what was asked for; empty
        for a corpus that does not say.
    """
    if bench.prompts is None or bench.truth is None:
        return {}
    draw = np.random.default_rng(bench.seed)
    requests = {text: request_of(row) for text, row in bench.prompts.iterrows()}
    found = {}
    for attribute in CHOICES:
        other = {
            text: changed(request, attribute, draw)
            for text, request in requests.items()
            if attribute in request.held and attribute != request.order
        }
        pairs = [
            (key, text, other[text])
            for key, text in bench.clips["prompt"].items()
            if text in other
            and bench.truth.loc[key, attribute] == bench.prompts.loc[text, attribute]
        ]
        if pairs:
            right = bench.alignment((key, own) for key, own, _ in pairs)
            wrong = bench.alignment((key, new) for key, _, new in pairs)
            fall = {"fell": won(right, wrong).mean(), "fall": (right - wrong).mean()}
            found[attribute] = fall | {"clips": len(pairs)}
    return found


def request_of(row: Series) -> Request:
    """Read a request back from its row of ground truth.

    Args:
        row: Of the tables of prompts or clips; what a clip's row lacks stays blank.

    Returns:
        The request.
    """
    return Request(
        **{name: row[name] for name in ("kind", "instrument", "tempo", "mode", "dynamics")},
        held=tuple(row.get("held", "").split()),
        order=row["order"],
        then=row["then"],
        template=int(row.get("template", 0)),
        wording=int(row.get("wording", 0)),
    )


def _followed(bench: Bench, rows: DataFrame) -> dict[str, Any] | None:
    if bench.truth is None:
        return None
    played, asked = bench.truth.loc[rows.index], bench.prompts.loc[rows["prompt"]]
    kept = []
    for (_, clip), (_, want) in zip(played.iterrows(), asked.iterrows(), strict=True):
        first = want["order"]
        kept.append(
            clip["order"] == first and clip[first] == want[first] and clip["then"] == want["then"]
        )
    kept = np.array(kept, dtype=bool)
    wins = rows["won"].to_numpy()[kept]
    return {"swap": wins.mean() if len(wins) else None, "clips": len(wins)}


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
