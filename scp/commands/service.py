"""`dicomgate service`: the node as a system service."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from scp.commands.config import FILE, loaded

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
