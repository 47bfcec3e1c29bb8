"""A trained model to the Hugging Face hub, with the card of what it is: `whisq publish`."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from whisq import addresses
from whisq.exits import DECLINED, DONE, WRONG_CALL
from whisq.files import tell
from whisq.names import RENDERED


@dataclass(frozen=True)
class Command:
    """A call of `whisq publish`, whose help says what each option means.

    Attributes:
        model: What `whisq.addresses.bring` takes.
        name: `OWNER/NAME` on the hub.
        yes: Whether to send without asking.
        allow_rendered: Whether a model of the rendered corpus may be sent.
        private: Whether the repository, if it is made, is the owner's alone to see.
    """

    model: str
    name: str
    yes: bool = False
    allow_rendered: bool = False
    private: bool = False


def run(command: Command) -> int:
    """Return the exit code of a call: the card is shown, and what is agreed to is sent."""
    try:
        return _publish(command)
    except (ValueError, OSError) as error:
        tell(f"whisq publish: {error}")
        return WRONG_CALL


def _publish(command: Command) -> int:
    with tempfile.TemporaryDirectory() as folder:
        _write(command, Path(folder))
        print((Path(folder) / "README.md").read_text(encoding="utf-8"))
        files = sorted(path for path in Path(folder).iterdir())
        sizes = ", ".join(f"{path.name} ({path.stat().st_size:,} bytes)" for path in files)
        tell(f"to {command.name}{' (private if it is new)' * command.private}: {sizes}")
        if not command.yes and not _agreed():
            tell("nothing was sent")
            return DECLINED
        print(_send(command, Path(folder)))
    return DONE


def _write(command: Command, folder: Path) -> None:
    owner, _, name = command.name.partition("/")
    if not owner or not name or "/" in name:
        raise ValueError(f"a name on the hub must be OWNER/NAME, given {command.name!r}")
    network = addresses.read_network(command.model)
    corpus = network.config.corpus.get("name")
    if corpus == RENDERED and not command.allow_rendered:
        raise ValueError(
            f"{command.model} learnt from the {RENDERED}, and its numbers mean nothing on real "
            "music: train it on real ratings (docs/corpora.md), or say --allow-rendered"
        )
    if network.judged is None:
        tell("mind: it was not judged, so its card has no figures; `dvc repro evaluate` makes them")
    network.save_pretrained(folder)


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise ValueError("nobody is there to ask: look at what is shown, then call it with --yes")
    return input("Send it? [y/N] ").strip().lower() in {"y", "yes"}


def _send(command: Command, folder: Path) -> str:
    # The address of what was sent.
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError

    hub = HfApi(library_name="whisq")
    try:
        hub.create_repo(command.name, private=command.private or None, exist_ok=True)
        sent = hub.upload_folder(
            repo_id=command.name, folder_path=folder, commit_message="Publish with whisq"
        )
    except LocalTokenNotFoundError:
        raise ValueError("the hub must know you: run `hf auth login` first") from None
    except (HfHubHTTPError, HFValidationError) as error:
        reason = str(error).strip().split("\n")[0]
        raise ValueError(
            f"the hub does not take {command.name} ({reason}): log in with `hf auth login` as one "
            "who may write there, and check the name"
        ) from None
    return sent.commit_url
