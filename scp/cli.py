"""The commands: parse, call one function, print. Each is imported only when it is called."""

from __future__ import annotations

from importlib import import_module

import click

from scp import __version__

COMMANDS = {
    "serve": ("scp.commands.serve:serve", "Receive, check, store and record instances."),
    "check": ("scp.commands.check:check", "Check files against PS3.3."),
    "render": ("scp.commands.render:render", "Draw a frame, with the units of its values."),
    "audit": ("scp.commands.audit:audit", "Ask what arrived, what was found and what was done."),
    "policy": ("scp.commands.policy:policy", "Explain what the site's policy decided."),
    "rules": ("scp.commands.rules:rules", "List and explain the rules."),
    "db": ("scp.commands.db:db", "Upgrade and examine the audit database."),
    "token": ("scp.commands.token:token", "Say who may use the HTTP door."),
    "service": ("scp.commands.service:service", "Install and describe the node as a system service."),
    "config": ("scp.commands.config:config", "Examine the configuration."),
}
"""Name: where the command is, and what `--help` says of it without importing it."""


class Commands(click.Group):
    """A group whose members are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of a first day with the program."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command itself, or None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        found = getattr(import_module(module), name)
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in `--help`."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dicomgate")
def main() -> None:
    """A DICOM destination that checks what it is sent."""
