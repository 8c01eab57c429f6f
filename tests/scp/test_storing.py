"""What a C-STORE does before its answer, and what only after."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import builders
import pytest

from scp import service
from scp.receive import Node
from scp.settings import Audit, Settings
from scp.settings import Store as StoreSettings
from scp.storing import Announcement, Session, Storing

CT = "1.2.840.10008.5.1.4.1.1.2"
UID = "1.2.3.4"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    settings = Settings(
        store=StoreSettings(path=tmp_path / "store", min_free=0),
        audit=Audit(url=f"sqlite:///{tmp_path / 'audit.db'}"),
    )
    with service.node(settings) as made:
        yield made


@pytest.mark.parametrize("pieces", [1, 3])
def test_the_file_is_let_go_of_and_the_log_told_once_the_sender_has_its_answer(
    node: Node, caplog: pytest.LogCaptureFixture, pieces: int
) -> None:
    caplog.set_level(logging.INFO, "dicomgate.dimse")
    storing, stored = received(node, pieces)
    assert storing.finish().status == 0x0000
    assert open_files(stored) > 0
    assert caplog.records == []
    storing.settle()
    assert open_files(stored) == 0
    assert [each.name for each in caplog.records] == ["dicomgate.dimse"]
    assert len(list(stored.glob("*/*/*.dcm"))) == 1


def test_a_sender_that_is_gone_takes_nothing_back_that_was_answered_for(node: Node) -> None:
    storing, stored = received(node, 2)
    assert storing.finish().status == 0x0000
    storing.abandon()
    assert open_files(stored) == 0
    assert len(list(stored.glob("*/*/*.dcm"))) == 1


def received(node: Node, pieces: int) -> tuple[Storing, Path]:
    """An instance that is whole but not finished, and the folder that its file will be in."""
    session = Session(node.ids.next(), "SCANNER", "DICOMGATE", "127.0.0.1", 11112, None)
    storing = Storing(Announcement(1, 1, CT, builders.EXPLICIT, CT, UID), session, node, largest=1 << 30)
    storing.begin()
    data = builders.data_set(builders.ct(SOPInstanceUID=UID))
    size = -(-len(data) // pieces)
    for at in range(0, len(data), size):
        storing.write(data[at : at + size])
    return storing, node.store.root / "instances"


def open_files(folder: Path) -> int:
    """How many files below a folder this process holds open."""
    names = [str(each.readlink()) for each in Path(f"/proc/{os.getpid()}/fd").iterdir() if each.is_symlink()]
    return sum(each.startswith(f"{folder}/") and each.endswith(".dcm") for each in names)
