"""`dicomgate render`: a frame as a picture, with what its values mean."""

from __future__ import annotations

from pathlib import Path

import click

from rules.header import NotDicom, read_part10
from scp.files import Unreadable, contents
from scp.reports.wording import printable, shown_path

REFUSED = 2
"""Exit code where there is no picture."""


@click.command()
@click.argument("path", metavar="FILE")
@click.option("--frame", "number", type=click.IntRange(1), default=1, show_default=True, help="Which one, from 1.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The picture to write; PNG, unless its name ends otherwise.",
)
def render(path: str, number: int, output: Path) -> None:
    """Draw a frame of FILE, with the units of its real world values on a bar of colours.

    Gray by the window of the frame, in colours where the instance has a palette. Compressed pixels need a decoder:
    install dicomgate[pictures]. Nothing of the patient's identity is in the picture, unless it is in the pixels.

    Exit code 0: the picture is written; 2: the file cannot be read, or not be drawn.
    """
    try:
        _draw(path, number, output)
    except Exception as why:
        if not _plain(why):
            raise
        click.echo(f"dicomgate: {printable(shown_path(path))}: {printable(str(why))}", err=True)
        raise SystemExit(REFUSED) from None


def _draw(path: str, number: int, output: Path) -> None:
    with contents(path) as data:
        header = read_part10(data)
        try:
            from scp.maps.picture import render as draw

            picture = draw(header, path, number)
        finally:
            header.release()
    try:
        picture.save(output, format=None if output.suffix else "PNG")
    except (OSError, ValueError) as broke:
        raise Unreadable(f"the picture cannot be written to {output}: {broke}") from broke


def _plain(why: Exception) -> bool:
    """Whether an exception is one that is meant for the person at the terminal."""
    return isinstance(why, NotDicom | Unreadable) or type(why).__name__ == "Undecodable"
