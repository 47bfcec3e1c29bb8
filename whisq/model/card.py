"""What a model is, learnt from, and is worth: said once, for `whisq about`, the hub and servers.

A model's folder holds config.json and model.safetensors. What it is worth is found after it was
trained, by the stage `evaluate`: `card.json`, in the folder or beside it, of the model whose hash
it names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from whisq.files import digest_of
from whisq.names import RENDERED

FILES = ("config.json", "model.safetensors")  # all that a score is made from: no pickle
CARD = "card.json"
REACH = (
    f"this model learnt from the {RENDERED}: its numbers mean nothing on real music (of real clips "
    "such models preferred their own prompt to another's in 0.43 to 0.65 of pairs, not told from a "
    "chance of 0.5, and heard no codec); train on MusicEval or on ratings of your own"
)
UNRATED = {
    "omq": "this model learnt from ratings of alignment (TA) alone: its OMQ means nothing",
    "ta": "this model learnt from ratings of quality (OMQ) alone: it tells no TA",
}
COMPARED = (
    "this model learnt {} from preferences alone: its scores tell which of two clips is better, "
    "and their level means nothing"
)
# By the beginning of a name on the hub, the first that fits; as the models' pages say.
LICENCES = {
    "openai/whisper-large-v3-turbo": "MIT",
    "openai/whisper-": "Apache-2.0",
    "sentence-transformers/all-MiniLM-L6-v2": "Apache-2.0",
    "Qwen/Qwen3-": "Apache-2.0",
    "Qwen/Qwen2-Audio": "Apache-2.0",
    "HuggingFaceTB/SmolLM2-": "Apache-2.0",
    "laion/larger_clap": "Apache-2.0",
    "m-a-p/MERT-": "CC BY-NC 4.0",
    "OpenMuQ/": "CC BY-NC 4.0",
}
# What was known of a judged clip, by how the clips were split.
KNOWN = {
    "official": "systems and prompts that it did not learn from (the split is random by clip)",
    "systems": "prompts that it did not learn from (systems alone are held out)",
    "prompts": "systems that it did not learn from (prompts alone are held out)",
}
ALWAYS = (
    "what comes after the first 30 s of a clip, which is not heard",
    "prompts in other languages than the corpus has",
    "systems newer than the corpus",
)


def fingerprint(folder: Path) -> str:
    """Return a model's SHA-256, hexadecimal: two models with the same one give the same scores.

    Args:
        folder: Holds `FILES`; the first names the encoders by their own hashes.
    """
    return digest_of(*((folder / name).read_bytes() for name in FILES))


def reach(corpus: Mapping[str, Any]) -> str | None:
    """Return what must be said wherever a model of this corpus scores, None of most."""
    if corpus.get("name") == RENDERED:
        return REACH
    warned = [UNRATED[axis] for axis in UNRATED if corpus.get("unrated") == axis]
    if compared := corpus.get("compared", "").split():
        warned.append(COMPARED.format(" and ".join(map(str.upper, compared))))
    return "; ".join(warned) or None


def read(*folders: Path, model: str) -> dict[str, Any] | None:
    """Return the first `card.json` in the folders that is of the model of this hash, if any is."""
    for path in (folder / CARD for folder in folders):
        if path.is_file():
            judged = json.loads(path.read_text(encoding="utf-8"))
            if judged.get("model") == model:
                return judged
    return None


def about(config: Mapping[str, Any], judged: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return all that is known of a model, as JSON can hold it.

    Args:
        config: What config.json holds.
        judged: What card.json holds; None where the model was not judged.

    Returns:
        `corpus`, `reach` (None where there is nothing to warn of), `encoders` by kind with
        `model, revision, sha256, licence` (and of audio's, where there are several, the others
        `beside` the first), `judged` and what it was `never_tried` on.
    """
    encoders = {kind: _encoders(config, kind) for kind in ("audio", "text")}
    warned = reach(config["corpus"])
    known = KNOWN.get(judged["protocol"]) if judged else None
    music = ["ratings of real music"] if warned == REACH else []
    untried = [*music, *([known] if known else []), *ALWAYS]
    return {
        "architecture": config["architecture"],
        "corpus": dict(config["corpus"]),
        "reach": warned,
        "encoders": encoders,
        "judged": judged and dict(judged),
        "never_tried": untried if judged else ["anything: it was not judged"],
    }


def text(found: Mapping[str, Any]) -> str:
    """Return what `about` found as Markdown, which reads well on a terminal too."""
    corpus, judged = found["corpus"], found["judged"]
    named = corpus.get("name", "a corpus that it does not name")
    lines = [f"It learnt from: {named}. Licence of the data: {corpus.get('licence', 'not known')}"]
    if found["reach"]:
        lines += ["", f"**Mind:** {found['reach']}."]
    lines += ["", "Its encoders are frozen and part of it, each with a licence of its own:", ""]
    for kind, encoder in each(found["encoders"]):
        at = f" at {encoder['revision']}" if encoder["revision"] else ""
        sha256 = (encoder["sha256"] or "not known")[:16]
        lines.append(
            f"- {kind}: {encoder['model']}{at}, SHA-256 {sha256}, weights {encoder['licence']}"
        )
    lines += ["", judged["table"] if judged else "It was not judged: no figure is known of it."]
    lines += ["", "It was never tried on:", "", *(f"- {what}" for what in found["never_tried"])]
    return "\n".join(lines) + "\n"


def each(encoders: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return every encoder that `about` tells of, those beside too, with its kind before it."""
    return [
        (kind, one) for kind, first in encoders.items() for one in (first, *first.get("beside", []))
    ]


def _encoders(config: Mapping[str, Any], kind: str) -> dict[str, Any]:
    specs = [config[kind], *config[kind].get("beside", [])]
    hashes = (config["weights"].get(kind) or "").split() or [None] * len(specs)
    first, *others = [
        {
            "model": spec.get("model"),
            "revision": spec.get("revision"),
            "sha256": sha256,
            "licence": _licence(str(spec.get("model"))),
        }
        for spec, sha256 in zip(specs, hashes, strict=True)
    ]
    return first | ({"beside": others} if others else {})


def _licence(model: str) -> str:
    fits = (licence for name, licence in LICENCES.items() if model.startswith(name))
    return next(fits, "of a licence that is not known here: see where they are from")
