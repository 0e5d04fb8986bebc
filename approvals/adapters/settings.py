"""Settings of a function: a frozen dataclass whose fields are environment variables in lower case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Settings = TypeVar("Settings", bound=DataclassInstance)


class MissingSettings(Exception):  # noqa: N818
    """The function can't start: names every environment variable that is not set."""


def load(settings: type[Settings], environ: Mapping[str, str]) -> Settings:
    """Reads a dataclass of `str` fields from the environment. Empty is a value; raises `MissingSettings`."""
    names = {field.name: field.name.upper() for field in fields(settings)}
    missing = [variable for variable in names.values() if variable not in environ]
    if missing:
        raise MissingSettings(f"environment variables not set: {', '.join(missing)}")
    return settings(**{name: environ[variable] for name, variable in names.items()})
