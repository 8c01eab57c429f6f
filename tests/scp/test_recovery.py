"""After a crash store and audit agree again: no file without a receipt, and no receipt without its file unnoticed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import builders
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from consistency import data_set_digest

from scp import service
from scp.arrival import Arrival, Request
from scp.commands.db import db
from scp.database import DatabaseGone, reading
from scp.file_meta import file_meta
from scp.receive import Node, begin, receive
from scp.records import Receipt
from scp.recovery import Orphan, missing, orphans, recover, recover_at_start
from scp.settings import Audit, PolicyLine, PolicySection, Settings, Store
from scp.store import StoreProblem
from scp.tables import event, receipt

Opening = Callable[..., AbstractContextManager[Node]]
CT = "1.2.840.10008.5.1.4.1.1.2"


@pytest.fixture
def opened(tmp_path: Path, database_url: str) -> Opening:
    @contextmanager
    def opening(*lines: PolicyLine) -> Iterator[Node]:
        settings = Settings(
            store=Store(path=tmp_path / "store", min_free=0),
            audit=Audit(url=database_url),
            policy=PolicySection(line=lines),
        )
        with service.node(settings) as node:
            recover_at_start(node)
            yield node

    return opening


def instance(uid: str = "1.2.3.4", **changes: object) -> bytes:
    return builders.data_set(builders.ct(SOPInstanceUID=uid, **changes), builders.EXPLICIT)


def left_behind(node: Node, data: bytes, kind: str = "instances", uid: str = "1.2.3.4") -> Path:
    """A file as a crash between rename and commit leaves it."""
    part = node.store.begin(node.ids.next(), file_meta(CT, uid, builders.EXPLICIT, "SCANNER", "GATE"))
    part.write(data)
    place = node.store.place(part, kind)
    part.close()
    return node.store.root / place


def received(node: Node, data: bytes, uid: str = "1.2.3.4") -> Receipt:
    request = Request(
        id=node.ids.next(),
        received_at=datetime.now(UTC),
        door="dimse",
        association_id=None,
        calling_ae="SCANNER",
        called_ae="GATE",
        address="127.0.0.1",
        device=None,
        sop_class_uid=CT,
        context_sop_class_uid=CT,
        sop_instance_uid=uid,
        transfer_syntax_uid=builders.EXPLICIT,
    )
    part = begin(request, node)
    part.write(data)
    return receive(Arrival(request, part, data, 0.0), node)


def rows(node: Node, *columns: sa.Column[object]) -> list[tuple[object, ...]]:
    with reading(node.engine) as connection:
        return [tuple(each) for each in connection.execute(sa.select(*columns).order_by(columns[0]))]


def test_a_file_without_a_receipt_takes_the_road_again_when_the_node_starts(opened: Opening) -> None:
    with opened() as node:
        path = left_behind(node, instance(ImageType="SIDEWAYS\\PRIMARY\\AXIAL"))
        whole = path.read_bytes()
    with opened() as node:
        ((door, verdict, calling, called, digest, stored),) = rows(
            node,
            receipt.c.door,
            receipt.c.verdict,
            receipt.c.calling_ae,
            receipt.c.called_ae,
            receipt.c.digest,
            receipt.c.stored,
        )
        assert (door, verdict, calling, called) == ("recovery", "flag", "SCANNER", "GATE")
        assert digest == data_set_digest(whole)
        assert (node.store.root / str(stored)).read_bytes() == whole
        assert not path.exists()
        assert list(orphans(node.store, node.engine)) == []
    with opened() as node:
        assert [kind for (kind,) in rows(node, event.c.kind)].count("recovered") == 1


def test_what_is_kept_already_is_recorded_as_a_repeat_and_not_kept_twice(opened: Opening) -> None:
    with opened() as node:
        first = received(node, instance())
        path = left_behind(node, instance())
        (found,) = recover(node, orphans(node.store, node.engine)).receipts
        assert (found.repeat_of, found.stored) == (first.id, None)
        assert not path.exists()
        assert (node.store.root / str(first.stored)).exists()
        assert list((node.store.root / "recovered").iterdir()) == []


def test_what_the_policy_now_rejects_keeps_its_header_only(opened: Opening) -> None:
    with opened() as node:
        left_behind(node, instance(ImageType="SIDEWAYS\\PRIMARY\\AXIAL"))
    with opened(PolicyLine(then="reject", rule=("image-type-*",))) as node:
        ((verdict, stored),) = rows(node, receipt.c.verdict, receipt.c.stored)
        assert verdict == "reject"
        assert str(stored).startswith("rejected/")
        assert list((node.store.root / "recovered").iterdir()) == []


@pytest.mark.parametrize("data", [b"", b"\0" * 4096, b"not DICOM at all"])
def test_a_file_that_cannot_be_received_waits_for_a_person(opened: Opening, data: bytes) -> None:
    with opened() as node:
        path = left_behind(node, instance())
        path.write_bytes(data)
        done = recover(node, orphans(node.store, node.engine))
        assert done.receipts == ()
        assert done.waiting == (f"recovered/{path.name}",)
        assert (node.store.root / "recovered" / path.name).read_bytes() == data
        again = recover(node, orphans(node.store, node.engine))
        assert again.waiting == done.waiting, "and is tried again, and never removed"


def test_the_header_of_a_rejected_instance_is_set_apart_and_not_judged_as_an_instance(opened: Opening) -> None:
    with opened() as node:
        path = left_behind(node, instance(), kind="rejected")
        done = recover(node, orphans(node.store, node.engine))
        assert done.waiting == (f"recovered/{path.stem}.header.dcm",)
        assert rows(node, receipt.c.id) == []


def test_nothing_is_lost_while_the_database_is_gone(opened: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened() as node:
        path = left_behind(node, instance())
        whole = path.read_bytes()

        def gone(*_: object) -> None:
            raise DatabaseGone("gone")

        with monkeypatch.context() as patched:
            patched.setattr(node.journal, "transaction", gone)
            with pytest.raises(DatabaseGone):
                recover(node, list(orphans(node.store, node.engine)))
        assert (node.store.root / "recovered" / path.name).read_bytes() == whole
        recover_at_start(node)
        assert [door for (door,) in rows(node, receipt.c.door)] == ["recovery"]


def test_a_receipt_whose_file_is_gone_is_told_of(opened: Opening) -> None:
    with opened() as node:
        kept, lost = received(node, instance("1.2.3.4")), received(node, instance("1.2.3.5"), "1.2.3.5")
        (node.store.root / str(lost.stored)).unlink()
        assert [each.ticket for each in missing(node.store, node.engine)] == [lost.ticket]
        assert kept.ticket != lost.ticket
    with opened():
        pass
    with opened() as node:
        texts = [text for text, kind in rows(node, event.c.text, event.c.kind) if kind == "files-missing"]
        assert texts[0] == "1 receipts name files that are not in the store"


def test_a_file_that_may_be_on_its_way_to_a_receipt_is_left_alone(opened: Opening) -> None:
    with opened() as node:
        path = left_behind(node, instance())
        assert list(orphans(node.store, node.engine, settled=60)) == []
        assert list(orphans(node.store, node.engine)) == [Orphan(path.relative_to(node.store.root).as_posix())]


def test_a_store_has_one_node(opened: Opening) -> None:
    with opened(), pytest.raises(StoreProblem, match="in use by another dicomgate"), opened():
        pass


def test_db_check_tells_of_disagreements_and_mends_what_it_is_asked_to(
    opened: Opening, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scp.recovery.SETTLED", 0.0)
    file = tmp_path / "dicomgate.toml"
    file.write_text(f'[store]\npath = "{tmp_path / "store"}"\nmin_free = 0\n[audit]\nurl = "{database_url}"\n')
    with opened() as node:
        lost = received(node, instance("1.2.3.5"), "1.2.3.5")
        (node.store.root / str(lost.stored)).unlink()
        place = left_behind(node, instance()).relative_to(node.store.root)
    told = CliRunner().invoke(db, ["check", "--config", str(file)])
    assert told.exit_code == 1
    assert told.stdout.splitlines() == [
        f"{place}: no receipt names it",
        f"receipt {lost.ticket}: {lost.stored} is not in the store",
    ]
    mended = CliRunner().invoke(db, ["check", "--recover", "--config", str(file)])
    assert "received again" in mended.stdout
    assert f"receipt {lost.ticket}: {lost.stored} is not in the store" in mended.stdout
    assert str(place) not in mended.stdout
    with opened():
        running = CliRunner().invoke(db, ["check", "--recover", "--config", str(file)])
        assert running.exit_code == 2
        assert "in use by another dicomgate" in running.stderr
