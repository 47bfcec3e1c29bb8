"""Pages of one file, filled in from `templates/`."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def filled(name: str, **values: Any) -> str:
    """Fill in one of the package's pages.

    Args:
        name: Of the template.
        **values: What it shows; all text is escaped, and a name that is not given is an error.

    Returns:
        HTML.
    """
    environment = Environment(
        loader=PackageLoader("whisq.show"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(f"{name}.html.j2").render(**values)
