"""What an install may lack: `whisq` alone scores, judges and explains, extras bring the rest."""

from __future__ import annotations

from importlib.util import find_spec


class MissingExtraError(ImportError, ValueError):
    """An extra is not installed: an import that fails, and to a command a wrong call."""


def require(extra: str, *modules: str, by: str) -> None:
    """Make sure that the modules of an extra can be found, for what asks; nothing is imported.

    Raises:
        MissingExtraError: One can't be; the message says what to install.
    """
    lacking = [module for module in modules if find_spec(module) is None]
    if lacking:
        raise MissingExtraError(
            f"{by} needs {', '.join(lacking)}: {remedy(extra)}", name=lacking[0]
        )


def remedy(extra: str) -> str:
    """Return the shell command that installs an extra."""
    return f"pip install 'whisq[{extra}]'"
