"""`dicomgate service`: the node as a system service."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import click

from scp.commands.config import FILE, known_edition, loaded

REFUSED = 1
"""Exit code where the node keeps what it runs with."""
UNHEARD = 2
"""Exit code where there is no node, or it has not said what came of it."""

DEFAULT_CONFIG = Path("/etc/dicomgate/dicomgate.toml")


@click.group()
def service() -> None:
    """Install and describe the node as a system service."""


@service.command()
@FILE
@click.option("--user", default="", help="Account that runs it; without one systemd makes one up (DynamicUser).")
@click.option("--sockets", is_flag=True, help="Print the socket units instead, by which a restart refuses nobody.")
def unit(file: Path | None, user: str, sockets: bool) -> None:
    """Print a hardened systemd unit for this program and its configuration.

    ExecStart names the program of this environment itself, since a wrapper would not be the process that
    systemd knows.
    """
    from scp.service_unit import Unit
    from scp.service_unit import service as text
    from scp.service_unit import sockets as socket_units

    found = loaded(file)
    if sockets:
        for name, lines in socket_units(found.settings).items():
            click.echo(f"# {name}\n{lines}")
        return
    config = (found.file or DEFAULT_CONFIG).absolute()
    click.echo(text(Unit(Path(sys.executable).parent / "dicomgate", config, user), found.settings), nl=False)


@service.command()
@FILE
@click.option("--wait", type=click.FloatRange(min=0), default=60, show_default=True, help="Seconds to wait for it.")
@click.option("--pid", type=click.IntRange(min=2), help="The node's first process, where that is known.")
def reload(file: Path | None, wait: float, pid: int | None) -> None:
    """Have the node that runs read its configuration again, and say what changed.

    The node is the one that holds the store of this configuration, else systemd's dicomgate.service.
    Exit code 0: it has; 1: the configuration is faulty, and nothing has changed; 2: no node was found, or
    it did not say in time.
    """
    from scp.config import ConfigError, load
    from scp.database import DatabaseProblem, open_engine
    from scp.running import Running, find
    from scp.running import reload as tell

    try:
        settings = load(file)
    except ConfigError as error:
        _end(REFUSED, *str(error).splitlines(), "the node was not told: it keeps what it runs with")
    node = Running(pid, "its number") if pid else find(settings.store.path.absolute())
    if node is None:
        _end(UNHEARD, f"no node runs on {settings.store.path.absolute()}, and systemd knows of none")
    try:
        engine = open_engine(settings.audit.url, settings.audit.connect_timeout, read_only=True)
        try:
            said = tell(node, engine, wait)
        finally:
            engine.dispose()
    except DatabaseProblem as problem:
        _end(UNHEARD, f"process {node.pid} was told, and the audit does not say what came of it: {problem}")
    except OSError as error:
        _end(UNHEARD, f"process {node.pid}, found by {node.found_by}, cannot be told: {error.strerror}")
    if said is None:
        _end(UNHEARD, f"process {node.pid} was told and has not said in {wait:g} s what came of it; see its log")
    click.echo(f"process {node.pid} (found by {node.found_by}): {said['text']}")
    if said["kind"] == "reload-refused":
        _end(REFUSED, *json.loads(said["detail"])["errors"])


def _end(code: int, *lines: str) -> NoReturn:
    for each in lines:
        click.echo(f"dicomgate: {each}", err=True)
    raise SystemExit(code)


@service.command("conformance-statement")
@FILE
@click.option("--format", "form", type=click.Choice(["markdown", "html"]), default="markdown", show_default=True)
def conformance_statement(file: Path | None, form: str) -> None:
    """Write a DICOM Conformance Statement (PS3.2) of this program as it is configured.

    It names AE Titles, addresses and devices, but no file, database or secret.
    """
    from scp.conformance.forms import FORMS
    from scp.conformance.statement import statement

    found = loaded(file)
    known_edition(found)
    click.echo(FORMS[form](statement(found.settings, datetime.now(UTC).date())), nl=False)
