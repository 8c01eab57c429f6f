"""Finds the configuration file; imports nothing heavy, since most commands start here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PREFIX = "DICOMGATE_"
FILE_VARIABLE = "DICOMGATE_CONFIG"
CREDENTIALS = "CREDENTIALS_DIRECTORY"
"""Names the folder of secrets that a service manager or a container runtime hands over."""

DEFAULT_FILE = Path("dicomgate.toml")


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One mistake in the configuration. `source` is a file or a variable; `line` counts from 1."""

    source: str
    key: str
    message: str
    line: int | None = None
    hint: str = ""

    def __str__(self) -> str:
        place = self.source if self.line is None else f"{self.source}:{self.line}"
        said = f"{self.key}: {self.message}" if self.key else self.message
        return f"{place}: {said} ({self.hint})" if self.hint else f"{place}: {said}"


class ConfigError(ValueError):
    """The configuration cannot be used; `problems` holds every mistake, `str()` a line for each."""

    def __init__(self, *problems: ConfigProblem) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def locate(option: Path | None = None, env: Mapping[str, str] = os.environ) -> Path | None:
    """The file to read: `option` (--config), else DICOMGATE_CONFIG, else ./dicomgate.toml, else None.

    A file that was asked for by name is given back whether it exists or not: reading it says what is wrong.
    """
    if option is not None:
        return option
    if named := env.get(FILE_VARIABLE):
        return Path(named)
    return DEFAULT_FILE if DEFAULT_FILE.exists() else None


def overrides(env: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The environment variables that set a key: DICOMGATE_SECTION__KEY."""
    return tuple(sorted(name for name in env if name.startswith(PREFIX) and "__" in name))


def nothing_set(option: Path | None = None, env: Mapping[str, str] = os.environ) -> bool:
    """Whether the defaults hold as they are, so that reading the configuration can be saved."""
    return locate(option, env) is None and not overrides(env) and CREDENTIALS not in env
