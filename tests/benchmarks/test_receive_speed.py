"""The road from the first byte to a durable receipt, in one thread and without a network.

Figures: `pytest tests/benchmarks/test_receive_speed.py --benchmark-only`; a normal run takes each once. With senders,
peers and CPU time: `tests/benchmarks/receive_speed.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import builders
import pytest

from scp import service
from scp.receive import Node
from scp.settings import Audit, Settings
from scp.settings import Store as StoreSettings
from scp.storing import Announcement, Session, Storing

CT = "1.2.840.10008.5.1.4.1.1.2"
FRAGMENT = 131_072 - 12
numbers = count(1)


@pytest.fixture(params=["fsync", "syncfs"])
def node(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Node]:
    settings = Settings(
        store=StoreSettings(path=tmp_path / "store", min_free=0, durability=request.param),
        audit=Audit(url=f"sqlite:///{tmp_path / 'audit.db'}"),
    )
    with service.node(settings) as made:
        yield made


@pytest.fixture
def timed(benchmark: Any, request: pytest.FixtureRequest) -> Callable[..., None]:
    """Time a function, each time on new arguments; in a normal run a single time."""
    rounds = 200 if request.config.getoption("benchmark_only") else 1
    return lambda function, arguments: benchmark.pedantic(function, setup=arguments, rounds=rounds, iterations=1)


@pytest.mark.parametrize("pixels", [524_288, 8_192], ids=["512-KiB", "8-KiB"])
def test_an_instance_is_received(node: Node, timed: Callable[..., None], pixels: int) -> None:
    session = Session(node.ids.next(), "SCANNER", "DICOMGATE", "127.0.0.1", 11112, None)
    image = {"Columns": 64, "Rows": pixels // 128, "PixelData": bytes(pixels)}

    def arriving() -> tuple[tuple[str, bytes], dict[str, object]]:
        uid = f"1.2.3.{next(numbers)}"
        return (uid, builders.data_set(builders.ct(SOPInstanceUID=uid, **image))), {}

    def receive(uid: str, data: bytes) -> None:
        announced = Announcement(1, 1, CT, builders.EXPLICIT, CT, uid)
        storing = Storing(announced, session, node, largest=1 << 30)
        storing.begin()
        view = memoryview(data)
        for at in range(0, len(data), FRAGMENT):
            storing.write(view[at : at + FRAGMENT])
        assert storing.finish().status == 0x0000

    timed(receive, arriving)
    assert session.instances > 0
