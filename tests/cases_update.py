"""`pytest --update` rewrites what cases expect; read the diff."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite the expectations under tests/cases")


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """Whether to write expectations instead of comparing them."""
    return bool(request.config.getoption("--update"))
