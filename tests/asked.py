"""What may be asked of a run of the tests: new expectations, and how often a proof is repeated."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite the expectations under tests/cases; read the diff")
    parser.addoption("--rounds", type=int, default=None, help="how often each proof under tests/durability is repeated")
    parser.addoption("--seed", type=int, default=None, help="of the first round, to see again what one showed")


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """Whether to write expectations instead of comparing them."""
    return bool(request.config.getoption("--update"))


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> Callable[[int], int]:
    """How many rounds a proof has: as many as were asked for, else its own number."""
    asked = request.config.getoption("--rounds")
    return lambda usual: usual if asked is None else int(asked)


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Where the chances of the first round begin; the next round has the next number."""
    asked = request.config.getoption("--seed")
    return random.randrange(1_000_000) if asked is None else int(asked)
