"""The arguments and options of `whisq explain`, and its help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

EXPLAIN = """Show why a clip has its score: which moments go with which words of its prompt.

Writes the transport plan, both co-attention maps and what taking out each word does to the
alignment, as a page to open and listen to (.html), a picture (.png) or numbers (.json).

\b
Example, in the project's folder after `make repro`:
  whisq explain data/raw/wav/whisq-rendered-S001_P001.wav --prompt "a calm waltz" -o why.html
"""

Clip = Annotated[Path, Argument(help="A sound file.")]
ItsPrompt = Annotated[str, Option("--prompt", "-p", help="What the clip was made from.")]
Page = Annotated[Path, Option("--output", "-o", help="What to write: .html, .png or .json.")]
