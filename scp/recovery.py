"""What a crash leaves behind: files without a receipt are received again, receipts without a file are told of.

A file gets its place before its row is committed, so a crash between the two leaves a file that nobody was told
of. It takes the same road once more, by the door `recovery`; what cannot take it stands in `recovered/`.
"""

from __future__ import annotations

import logging
import mmap
import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from rules.header import NotDicom, read_part10
from scp.arrival import Arrival, Request, malformed_uid
from scp.database import DatabaseGone, reading
from scp.ids import number_of, time_of
from scp.receive import Node, receive
from scp.records import AssociationClosed, Event, Receipt
from scp.spool import spooled_places
from scp.store import INSTANCES, QUARANTINE, RECOVERED, REJECTED, NoRoom, Store
from scp.tables import association, receipt

log = logging.getLogger("dicomgate.recovery")

DOOR = "recovery"

RECENT = timedelta(hours=1)
"""How far behind the last change of the store a start looks; a crash leaves nothing older than its last batch."""

SETTLED = 60.0
"""Seconds after which a file without a receipt is no longer on its way to one, on a node that runs."""

LONGEST_ASSOCIATION = timedelta(days=7)
"""How far back open Associations are looked for."""

AGAIN = 2.0
"""Seconds between asking a database that is away."""

_AT_ONCE = 500
_NAMED = 20


@dataclass(frozen=True, slots=True)
class Orphan:
    """A file of the store that no receipt names. `place` is relative to the store."""

    place: str


@dataclass(frozen=True, slots=True)
class Missing:
    """A receipt whose file is gone."""

    ticket: str
    place: str


@dataclass(frozen=True, slots=True)
class Recovered:
    """What came of the orphans: receipts of those that took the road, and places of those that wait for a person."""

    receipts: tuple[Receipt, ...]
    waiting: tuple[str, ...]


def orphans(
    store: Store,
    engine: sa.Engine,
    *,
    recent: bool = False,
    settled: float = 0.0,
    numbers: Collection[int] | None = None,
) -> Iterator[Orphan]:
    """Files that no receipt names, neither in the database nor in the spool, and that have stood for `settled` seconds.

    `recent` looks only where something changed within an hour of the store's last change, `numbers` only at what was
    received under these process numbers.
    """
    spooled = spooled_places(store)
    before = datetime.now(UTC).timestamp() - settled
    for folder in _folders(store, recent):
        found = (each for each in os.scandir(folder) if each.name.endswith(".dcm"))
        names = {each.name: each.stat().st_ctime for each in found if _drawn_under(each.name, numbers)}
        places = {(folder / name).relative_to(store.root).as_posix(): at for name, at in sorted(names.items())}
        known = spooled | _known(engine, list(places))
        for place, at in places.items():
            if place not in known and (not settled or at <= before):
                yield Orphan(place)


def missing(store: Store, engine: sa.Engine, *, recent: bool = False) -> Iterator[Missing]:
    """Receipts whose bytes should be kept and are not; `recent` looks at the last hour that had any."""
    kept = sa.select(receipt.c.ticket, receipt.c.stored).where(receipt.c.stored.is_not(None))
    with reading(engine) as connection:
        if recent:
            newest = connection.execute(sa.select(sa.func.max(receipt.c.received_at))).scalar()
            if newest is None:
                return
            kept = kept.where(receipt.c.received_at >= newest - RECENT)
        rows = connection.execution_options(stream_results=True, yield_per=_AT_ONCE).execute(kept)
        for ticket, place in rows:
            if not (store.root / place).is_file():
                yield Missing(ticket, place)


def waiting(store: Store) -> list[str]:
    """What stands in `recovered/`, relative to the store."""
    return sorted(each.relative_to(store.root).as_posix() for each in (store.root / RECOVERED).glob("*.dcm"))


def recover(node: Node, found: Iterable[Orphan], numbers: Collection[int] | None = None) -> Recovered:
    """Receive the orphans again, and what stands in `recovered/` from an earlier time; record what came of it.

    With `numbers`, only what was received under these process numbers. Raises DatabaseGone; what was not received by
    then stands in `recovered/`, and is tried again.
    """
    for each in found:
        with suppress(FileNotFoundError):  # another process was faster
            node.store.set_apart(each.place)
    receipts: list[Receipt] = []
    left: list[str] = []
    for place in waiting(node.store):
        if not _drawn_under(Path(place).name, numbers):
            continue
        received = _again(node.store.root / place, node)
        if received is None:
            left.append(place)
        else:
            receipts.append(received)
    if receipts:
        words = f"{len(receipts)} instances that a crash left without a receipt were received again"
        _tell(node, words, "recovered", [each.ticket for each in receipts])
    if left:
        words = f"{len(left)} files in {RECOVERED}/ cannot be received and wait for a person"
        _tell(node, words, "unrecovered", left)
    return Recovered(tuple(receipts), tuple(left))


def recover_at_start(node: Node) -> None:
    """Bring store and audit together after a crash, as far as an hour back; before any door is open."""
    close_dropped(node)
    recover(node, orphans(node.store, node.engine, recent=True))
    lost = list(missing(node.store, node.engine, recent=True))
    if lost:
        words = f"{len(lost)} receipts name files that are not in the store"
        _tell(node, words, "files-missing", [each.ticket for each in lost])


def recover_after(node: Node, numbers: Collection[int], stopping: threading.Event) -> bool:
    """Put right what processes with these numbers left when they died, while the node goes on; False where it stops.

    Where the database is away, this waits for it.
    """
    swept = node.store.sweep(numbers)
    if swept:
        log.info("%d half-received instances of a process that died were swept", swept)
    node.committer.adopt_spool()
    while True:
        try:
            close_dropped(node, numbers)
            recover(node, orphans(node.store, node.engine, recent=True, numbers=numbers), numbers)
            return True
        except DatabaseGone:
            if stopping.wait(AGAIN):
                return False


def close_dropped(node: Node, numbers: Collection[int] | None = None) -> None:
    """Record the end of Associations whose process died; with `numbers`, only of those it opened under these.

    Raises DatabaseGone. Where another node of this machine shares the database and has one of them open, the real end
    takes the place of this one when it comes.
    """
    at = datetime.now(UTC)
    theirs = (receipt.c.association_id == association.c.id) & (receipt.c.received_at >= association.c.opened_at)
    still_open = (
        sa.select(association.c.id, sa.func.count(receipt.c.id), sa.func.coalesce(sa.func.sum(receipt.c.size), 0))
        .select_from(association.outerjoin(receipt, theirs))
        .where(association.c.opened_at >= at - LONGEST_ASSOCIATION, association.c.closed_at.is_(None))
        .where(association.c.node == node.name, association.c.refusal.is_(None))
        .group_by(association.c.id)
    )
    with reading(node.engine) as connection:
        rows = connection.execute(still_open).all()
    for id, instances, size in rows:
        if numbers is None or number_of(id) in numbers:
            node.committer.note(AssociationClosed(id, at, "crashed", instances, 0, int(size)))


def _drawn_under(name: str, numbers: Collection[int] | None) -> bool:
    """Whether a file is named by an id that was drawn under one of these process numbers."""
    if numbers is None:
        return True
    drawn = name.partition(".")[0]
    return drawn.isdecimal() and number_of(int(drawn)) in numbers


def _tell(node: Node, words: str, kind: str, names: Sequence[str]) -> None:
    detail: dict[str, object] = {"count": len(names), "first": list(names[:_NAMED])}
    node.committer.note(Event(datetime.now(UTC), kind, words, detail))
    log.warning("%s: %s%s", words, ", ".join(names[:_NAMED]), " ..." if len(names) > _NAMED else "")


def _folders(store: Store, recent: bool) -> list[Path]:
    """The folders of a minute, of all kinds; with `recent` those that changed last."""
    changed = {
        minute: minute.stat().st_mtime
        for kind in (INSTANCES, QUARANTINE, REJECTED)
        for minute in sorted((store.root / kind).glob("*/*/"))
    }
    since = max(changed.values(), default=0.0) - RECENT.total_seconds() if recent else 0.0
    return [minute for minute, at in changed.items() if at >= since]


def _known(engine: sa.Engine, places: Sequence[str]) -> set[str]:
    """Which of these places a receipt names."""
    ids = [int(name) for place in places if (name := Path(place).stem).isdecimal() and len(name) < 20]
    found: set[str] = set()
    with reading(engine) as connection:
        for start in range(0, len(ids), _AT_ONCE):
            these = receipt.c.id.in_(ids[start : start + _AT_ONCE])
            found.update(
                connection.execute(sa.select(receipt.c.stored).where(these, receipt.c.stored.is_not(None))).scalars()
            )
    return found


def _again(path: Path, node: Node) -> Receipt | None:
    """The receipt of a file that took the road again; None where it cannot."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            header = read_part10(data)
            try:
                meta = header.meta
                if meta is None or path.name.endswith(".header.dcm"):
                    return None
                request, head = _request(path, meta.text, node.ids.next()), meta.end
            finally:
                header.release()
        if malformed_uid(request) is not None:
            return None
        part = node.store.adopt(request.id, path, head)
        with part.mapped() as view:
            return receive(Arrival(request, part, view, 0.0), node)
    except DatabaseGone:
        raise
    except (NotDicom, NoRoom, OSError, ValueError) as error:
        log.warning("%s cannot be received again: %s", path, error)
        return None


def _request(path: Path, of: Callable[[str], str | None], id: int) -> Request:
    """What the sender had announced, as the File Meta Information holds it."""
    drawn = path.stem.partition(".")[0]
    sop_class = of("MediaStorageSOPClassUID") or ""
    return Request(
        id=id,
        received_at=time_of(int(drawn)) if drawn.isdecimal() else datetime.now(UTC),
        door=DOOR,
        association_id=None,
        calling_ae=of("SendingApplicationEntityTitle") or "",
        called_ae=of("ReceivingApplicationEntityTitle") or "",
        address="",
        device=None,
        sop_class_uid=sop_class,
        context_sop_class_uid=sop_class,
        sop_instance_uid=of("MediaStorageSOPInstanceUID") or "",
        transfer_syntax_uid=of("TransferSyntaxUID") or "",
    )
