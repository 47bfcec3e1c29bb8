"""Pages of one file: filled in from `templates/`, with pictures and sounds inside."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import soundfile
from jinja2 import Environment, PackageLoader, StrictUndefined

from whisq.audio import HEARD, RATE

LARGEST = 1_100_000  # bytes of one clip: ten of them stay below a page's 15 MB


def filled(name: str, **values: Any) -> str:
    """Return a template's page; all text is escaped, and a name that is not given is an error."""
    environment = Environment(
        loader=PackageLoader("whisq.show"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(f"{name}.html.j2").render(**values)


def address(kind: str, content: bytes) -> str:
    """Return bytes as a `data:` address, of a kind such as image/png."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def sound_address(samples: np.ndarray) -> str:
    """Return as much of a clip as is scored as an address: lossless, unless that is too large.

    Args:
        samples: Shape (samples,), 16 kHz.
    """
    samples = np.clip(samples[: HEARD * RATE], -1, 1)
    for container, subtype in (("FLAC", "PCM_16"), ("OGG", "VORBIS")):
        file = io.BytesIO()
        soundfile.write(file, samples, RATE, format=container, subtype=subtype)
        if file.tell() <= LARGEST:
            break
    return address(f"audio/{container.lower()}", file.getvalue())
