"""The exact versions in pyproject.toml are those that the tests ran with."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import needs

ROOT = Path(__file__).resolve().parents[2]


def exported() -> list[str]:
    """What `uv export` says of the lock, comments and line continuations aside."""
    uv = needs.tool("uv", str(ROOT / ".uv" / "bin"))
    words = [uv, "export", "--no-emit-project", "--no-header", "--no-hashes", "--no-annotate", "--all-extras"]
    run = subprocess.run([*words, "--quiet", "--offline"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return [line.strip() for line in run.stdout.splitlines() if line.strip() and not line.startswith("#")]


def test_constraints_are_those_of_the_lock() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    constraints = project["tool"]["uv"]["constraint-dependencies"]
    assert constraints == exported(), (
        "pyproject.toml is stale: put the output of `uv export --no-emit-project --no-header --no-hashes "
        "--no-annotate --all-extras` into [tool.uv] constraint-dependencies"
    )


def test_no_tracked_file_names_a_package_index() -> None:
    run = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    tracked = run.stdout.split() if run.returncode == 0 else []
    assert "uv.lock" not in tracked
    index = re.compile(r"https?://[^\s)\">]+/(?:simple|packages)/")
    for name in tracked:
        path = ROOT / name
        if path.is_file() and path.suffix in {".py", ".toml", ".md", ".txt", ".json", ".cfg", ".yml"}:
            assert not index.search(path.read_text()), name
