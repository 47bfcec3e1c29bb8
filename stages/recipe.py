"""A recipe of params.yaml as `dvc exp run -S` takes it: `python -m stages.recipe paper`."""

import json
import sys
from typing import Any

from whisq import params


def overrides(changes: dict[str, Any]) -> list[str]:
    """Return changes as DVC's `-S` reads them; text that it would read otherwise is quoted."""
    return [f"{name}={_written(value)}" for name, value in changes.items()]


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value if set(value).isdisjoint("{}[],:=' \"") else "'" + value + "'"
    return json.dumps(value, separators=(",", ":"))


if __name__ == "__main__":
    print("\n".join(overrides(params.recipe(*sys.argv[1:]))))
