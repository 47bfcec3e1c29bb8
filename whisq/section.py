"""A section of params.yaml is the class that its code uses: each choice is declared once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from whisq.devices import NAMES

Positive = Annotated[int, Field(ge=1)]
Weight = Annotated[float, Field(ge=0)]
Above0 = Annotated[float, Field(gt=0)]
Device = Annotated[str, Field(pattern=NAMES)]  # `whisq.devices` says what each means
Workers = Positive | Literal["auto"]  # processes, as `whisq.processes.side_by_side` takes it
Precision = Literal["float32", "bfloat16"]
Share = Annotated[float, Field(ge=0, lt=1)]
MISSING = ": missing; add it"


class Section(BaseModel):
    """Named choices with their defaults: unknown keys, wrong types and ranges are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    def problems(self) -> list[str]:
        """Return what is wrong with choices that are each right; a section with rules adds them."""
        return []

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if problems := self.problems():
            raise ValueError("; ".join(problems))
        return self

    @classmethod
    def read(cls, values: Mapping[str, Any], where: str) -> Self:
        """Return the section of a file's values, sections in sections; it must name every one.

        Raises:
            ValueError: A key is unknown or missing or a value is of the wrong type or range; all
                of them are named in the one message.
        """
        if problems := cls.wrong(values):
            raise ValueError(told(where, problems))
        return cls.model_validate(dict(values))

    @classmethod
    def wrong(cls, values: Mapping[str, Any]) -> list[str]:
        """Return what is wrong with values as `read` takes them, each by its dotted name."""
        problems = [f"{name}{MISSING}" for name in cls._absent(values)]
        try:
            cls.model_validate(dict(values))
        except ValidationError as error:
            problems += [_problem(item) for item in error.errors()]
        return list(dict.fromkeys(problems))

    @classmethod
    def _absent(cls, values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
        for name, field in cls.model_fields.items():
            if field.exclude:  # a constant is no choice, and no file names it
                continue
            if name not in values:
                yield prefix + name
            elif isinstance(field.annotation, type) and issubclass(field.annotation, Section):
                inner = values[name] if isinstance(values[name], Mapping) else {}
                yield from field.annotation._absent(inner, f"{prefix}{name}.")


def told(where: object, problems: list[str]) -> str:
    """Return one message of a file's problems, at least one."""
    return f"{where} has {len(problems)} problem(s):\n  " + "\n  ".join(problems)


def _problem(item: Mapping[str, Any]) -> str:
    name = ".".join(str(part) for part in item["loc"])
    if item["type"] == "missing":
        return f"{name}{MISSING}"
    name = f"{name}: " if name else ""
    if item["type"] == "extra_forbidden":
        return f"{name}no such parameter; remove it or mend its spelling"
    if item["type"] == "value_error":  # of choices that do not go together: `problems` says which
        return name + str(item["ctx"]["error"])
    return f"{name}{item['msg']}, given {item['input']!r}"
