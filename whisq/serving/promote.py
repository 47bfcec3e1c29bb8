"""Which registered model is the champion: one of each corpus and protocol, and one of all.

The rule. A version becomes the champion of its corpus and protocol, `champion-rendered-official`,
if there is none, or if its dev score is higher on the same data (the same digest of ratings,
prompts and sound): other scores can't be compared. With that it becomes `champion`, which is what
is loaded where nobody says more, if there is none, if it has the same corpus and protocol as the
present one, or if that one learnt from the rendered corpus and this one from real ratings.

Who promotes a version by hand decides in the rule's place, but for this: no model of the rendered
corpus becomes `champion` where one of real ratings is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from whisq import mlflow_store
from whisq.extras import require
from whisq.serving.publish import NAME

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

ALIAS = "champion"
RENDERED = "rendered corpus"
Tags = Mapping[str, str]


def promote(number: str, by_hand: bool = False) -> list[str]:
    """Make a version champion, as the rule says or by hand.

    Args:
        number: The version's.
        by_hand: Whether a person has decided so.

    Returns:
        The aliases that now name it and did not before.

    Raises:
        ValueError: There is no such version.
    """
    require("pipeline", "mlflow", by="promoting a model")
    import mlflow
    from mlflow.exceptions import MlflowException

    mlflow_store.point()
    client = mlflow.MlflowClient()
    try:
        tags = client.get_model_version(NAME, number).tags
    except MlflowException:
        known = sorted(int(v.version) for v in client.search_model_versions(f"name = '{NAME}'"))
        there = ", ".join(map(str, known)) or "none"
        raise ValueError(f"a version must be one of {there}, given {number}") from None
    moved = []
    own = alias_of(tags)
    if by_hand or wins(tags, _holder(client, own)):
        moved = [alias for alias in (own, ALIAS) if alias == own or leads(tags, client, by_hand)]
    for alias in moved:
        client.set_registered_model_alias(NAME, alias, number)
    return moved


def standing(number: str) -> str:
    """Return which aliases name a version, and which version is `champion` if it is not."""
    import mlflow

    aliases = mlflow.MlflowClient().get_registered_model(NAME).aliases
    own = [alias for alias, holder in aliases.items() if str(holder) == number]
    if ALIAS not in own:
        own.append(f"models:/{NAME}@{ALIAS} is version {aliases.get(ALIAS)}")
    return ", ".join(own)


def alias_of(tags: Tags) -> str:
    """Return the alias of the champion of a version's corpus and protocol."""
    kind = f"{tags.get('corpus', '').removesuffix(' corpus')} {tags.get('protocol', '')}"
    return f"{ALIAS}-{re.sub('[^a-z0-9]+', '-', kind.lower()).strip('-')}"


def wins(tags: Tags, holder: Tags | None) -> bool:
    """Return whether a version is to be the champion in place of the holder, if there is one."""
    if holder is None:
        return True
    score, best = (float(of.get("dev_score", "-inf")) for of in (tags, holder))
    return tags.get("data") == holder.get("data") and score > best


def leads(tags: Tags, client: MlflowClient, by_hand: bool) -> bool:
    """Return whether the champion of a corpus and protocol is to be `champion` too."""
    holder = _holder(client, ALIAS)
    if holder is None or alias_of(tags) == alias_of(holder):
        return True
    ours, theirs = (of.get("corpus") == RENDERED for of in (tags, holder))
    return (theirs or not ours) if by_hand else (theirs and not ours)


def _holder(client: MlflowClient, alias: str) -> Tags | None:
    number = client.get_registered_model(NAME).aliases.get(alias)
    return client.get_model_version(NAME, number).tags if number else None
