"""What most commands begin with: the configuration, the database of its audit, and a line where one cannot be had."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlalchemy as sa

    from scp.settings import Settings

FAILED = 2
"""Exit code where a command could not do its work; 1 where it has no answer."""


def configured(config: Path | None) -> Settings:
    """The settings; SystemExit with the mistakes on standard error."""
    from scp.config import ConfigError, load

    try:
        return load(config)
    except ConfigError as error:
        raise SystemExit(say(str(error))) from None


@contextmanager
def settings_and_database(
    config: Path | None, read_only: bool = True, statement_timeout: float = 3600
) -> Iterator[tuple[Settings, sa.Engine]]:
    """The settings, and an engine on their database; SystemExit with a line on standard error for what goes wrong."""
    settings = configured(config)
    from scp.database import DatabaseProblem, open_engine

    try:
        engine = open_engine(
            settings.audit.url, settings.audit.connect_timeout, read_only=read_only, statement_timeout=statement_timeout
        )
        try:
            yield settings, engine
        finally:
            engine.dispose()
    except DatabaseProblem as problem:
        raise SystemExit(say(str(problem))) from None


def say(text: str, code: int = FAILED) -> int:
    """Text on standard error, each line under the program's name; gives the exit code to end with."""
    for line in text.splitlines():
        print(f"dicomgate: {line}", file=sys.stderr)
    return code
