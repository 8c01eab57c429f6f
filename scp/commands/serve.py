"""`dicomgate serve`: the node itself."""

from __future__ import annotations

from pathlib import Path

import click

from scp.commands.opening import configured, say


@click.command()
@click.option("--config", "file", type=click.Path(path_type=Path, dir_okay=False), help="Configuration file.")
def serve(file: Path | None) -> None:
    """Receive, check, store and record instances until told to stop.

    Without a configuration it listens on 127.0.0.1:11112 (DIMSE) and 127.0.0.1:8088 (HTTP) and keeps
    everything under ./var.
    """
    settings = configured(file)
    from scp.config import load
    from scp.database import DatabaseProblem
    from scp.identity import IdentityProblem
    from scp.logs import set_up_logs
    from scp.service import CannotStart, run
    from scp.store import StoreProblem

    set_up_logs(settings.log)
    try:
        run(settings, reread=lambda: load(file))
    except (CannotStart, DatabaseProblem, IdentityProblem, StoreProblem) as error:
        raise SystemExit(say(str(error))) from None
