from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from scp.cli import COMMANDS, main

HEAVY = {"pynetdicom", "pydicom", "sqlalchemy", "alembic", "pydantic", "starlette", "uvicorn", "jinja2", "rich"}


def modules_after(code: str) -> set[str]:
    """What is imported once `code` has run in a fresh interpreter."""
    code += "\nimport sys; print(' '.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.splitlines()[-1].split())


def test_help_imports_nothing_heavy() -> None:
    code = "from scp.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass"
    assert modules_after(code) & HEAVY == set()


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_that_help_lists_exists(name: str) -> None:
    run = CliRunner().invoke(main, [name, "--help"])
    assert run.exit_code == 0, run.output


def test_help_says_a_line_of_every_command() -> None:
    said = CliRunner().invoke(main, ["--help"]).output
    for name, (_, words) in COMMANDS.items():
        assert name in said
        assert words in said


def test_an_unknown_command_is_an_error_of_the_command_line() -> None:
    assert CliRunner().invoke(main, ["sreve"]).exit_code == 2
