"""What a test needs of the machine: found, or the test is skipped; under DICOMGATE_TEST_ALL=1, or it fails."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

TEST_ALL = os.environ.get("DICOMGATE_TEST_ALL") == "1"


def missing(what: str) -> None:
    """Skip the running test for want of `what`, or fail it where everything was promised."""
    if TEST_ALL:
        pytest.fail(f"needs {what}, and DICOMGATE_TEST_ALL=1 says it is there")
    pytest.skip(f"needs {what}")


def tool(name: str, *elsewhere: str) -> str:
    """The path of a system program, /usr/bin first: pynetdicom installs a storescu of its own beside python."""
    found = shutil.which(name, path=os.pathsep.join(["/usr/bin", "/usr/local/bin", *elsewhere]))
    if found is None:
        missing(f"the program {name}")
        raise AssertionError
    return found


def folder(variable: str) -> Path:
    """The folder that an environment variable names (DICOMGATE_CORPUS, DICOMGATE_TABLES).

    Nobody is owed one: without the variable the test is skipped, whatever was promised.
    """
    named = os.environ.get(variable)
    if not named:
        pytest.skip(f"needs the folder named by {variable}")
    assert Path(named).is_dir(), f"{variable} names {named}, which is no folder"
    return Path(named)
