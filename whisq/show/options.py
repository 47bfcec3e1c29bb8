"""The arguments and options of `whisq explain`, and its help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

EXPLAIN = """Show why a clip has its score: which moments go with which words of its prompt.

Writes the transport plan, both co-attention maps and what taking out each word does to the
alignment, as a page to open and listen to (.html), a picture (.png) or numbers (.json).

\b
Examples, in the project's folder after `make repro`:
  whisq explain data/raw/wav/whisq-rendered-S001_P001.wav --prompt "a calm waltz" -o why.html
  whisq explain data/raw/wav/whisq-rendered-S001_P001.wav -p "a waltz" -o why.json --faults
"""

Clip = Annotated[Path, Argument(help="A sound file.")]
ItsPrompt = Annotated[str, Option("--prompt", "-p", help="What the clip was made from.")]
Faults = Annotated[
    bool, Option("--faults", help="Also tell which faults of the sound it is like; takes longer.")
]
Page = Annotated[Path, Option("--output", "-o", help="What to write: .html, .png or .json.")]
