"""Receipts on the store's own volume while the audit database is away (`audit.spool`), and their way into it later.

Each process has a folder of its own here while it needs one, and holds it by `flock`; the folder of a process that is
gone is adopted whole by one that opens its spool, or is told to look. So the records of one process reach the database
in the order in which they were made, whoever brings them there.

A segment is a file of lines: the CRC-32 of a record, and the record as JSON. Lines are appended and synced a batch at
a time, before any answer. When the database is back the oldest segment goes first, each in one transaction, and is
removed once that is committed; what a crash makes come twice is known by its id. Receipts hold patient identity in
clear here, as the instances beside them do; the files are for their owner alone.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import time
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from scp.arrival import earlier_copy
from scp.journal import Writer
from scp.records import AssociationClosed, AssociationOpened, Earlier, Event, Receipt, Record
from scp.store import SPOOL, Store, room_or, sync_directory
from scp.verdict import Action, Decision

log = logging.getLogger("dicomgate.spool")

SEGMENT = 1000
"""Records after which a new segment is begun: as many as one transaction takes."""

_KINDS: dict[str, TypeAdapter[Any]] = {
    each.__name__: TypeAdapter(each) for each in (AssociationOpened, AssociationClosed, Receipt, Event)
}


def backlog(store: Store) -> tuple[int, int]:
    """Segments of all processes that wait for the database, and their bytes."""
    sizes = []
    for each in (store.root / SPOOL).glob("*/*.jsonl"):
        with suppress(FileNotFoundError):  # the database has just got it
            sizes.append(each.stat().st_size)
    return len(sizes), sum(sizes)


class Spool:
    """One process's segments, and those that processes which are gone left behind.

    For one thread, but for `adopt`.
    """

    def __init__(self, store: Store, enabled: bool) -> None:
        self.enabled = enabled
        self._root = store.root / SPOOL
        self._folder: _Folder | None = None
        self._current: _Segment | None = None
        self._earlier: dict[str, list[Earlier]] = {}
        self._waiting: deque[_Segment] = deque()
        self.adopt()

    def adopt(self) -> None:
        """Take over what processes left that are gone: all of one's segments, or none. Any thread may call it."""
        for path in sorted(each for each in self._root.glob("[0-9]*") if each.is_dir()):
            folder = _Folder.found(path)
            if folder is None:
                continue
            segments = [_Segment(folder, each) for each in sorted(path.glob("*.jsonl"))]
            folder.segments = len(segments)
            if segments:
                self._waiting.extend(segments)
            else:
                folder.remove()

    @property
    def behind(self) -> bool:
        """Whether records wait here for the database."""
        return bool(self._waiting) or self._current is not None

    def append(self, records: Sequence[Record]) -> None:
        """Keep records durably, all or none of them. Raises NoRoom."""
        if self._current is None or self._current.records >= SEGMENT:
            self._close_current()
            if self._folder is None:
                self._folder = _Folder.new(self._root)
            self._current = self._folder.begin_segment()
        self._current.append(records)
        for each in records:
            if isinstance(each, Receipt) and each.stored is not None:
                self._earlier.setdefault(each.sop_instance_uid, []).append(as_earlier(each, each.stored))

    def earlier(self, sop_instance_uids: Iterable[str]) -> Mapping[str, Sequence[Earlier]]:
        """What was spooled under these SOP Instance UIDs; what the database has of them is not known here."""
        return {uid: found for uid in sop_instance_uids if (found := self._earlier.get(uid))}

    def set_aside(self, record: Record) -> Path:
        """Keep a record that the database will not have for a person to look at; the file it went to."""
        path = self._root / "unwritable"
        with path.open("ab") as file:
            file.write(_line(record))
            file.flush()
            os.fsync(file.fileno())
        return path

    def oldest(self) -> list[Record]:
        """The records of the oldest segment."""
        if not self._waiting:
            self._close_current()
        return self._waiting[0].read()

    def drop_oldest(self) -> None:
        """Remove the segment that `oldest` gave, now that the database has it."""
        segment = self._waiting.popleft()
        segment.remove()
        if not segment.folder.segments:
            segment.folder.remove()
            if segment.folder is self._folder:
                self._folder = None
        if not self.behind:
            self._earlier.clear()

    def close(self) -> None:
        """Leave the segments to whoever opens the spool next."""
        self._close_current()
        folders = {id(each.folder): each.folder for each in self._waiting}
        self._waiting.clear()
        self._folder = None
        for each in folders.values():
            each.close()

    def _close_current(self) -> None:
        if self._current is not None:
            self._current.close()
            self._waiting.append(self._current)
            self._current = None


def spooled_places(store: Store) -> set[str]:
    """Where the bytes are whose receipts wait in the spool, of any process; relative to the store."""
    places: set[str] = set()
    for path in (store.root / SPOOL).glob("*/*.jsonl"):
        with suppress(FileNotFoundError):  # drained meanwhile
            places.update(each.stored for each in _records(path) if isinstance(each, Receipt) and each.stored)
    return places


def as_earlier(receipt: Receipt, stored: str) -> Earlier:
    """A receipt as those see it that come after."""
    return Earlier(
        id=receipt.id,
        ticket=receipt.ticket,
        digest=receipt.digest,
        transfer_syntax_uid=receipt.transfer_syntax_uid,
        verdict=receipt.verdict,
        stored=stored,
    )


def unwritten(records: Sequence[Record], writer: Writer) -> list[Record]:
    """The spooled records that the audit has not yet, with what it knew of earlier copies and they could not."""
    receipts = [each for each in records if isinstance(each, Receipt)]
    known = writer.known(each.id for each in receipts)
    new = [each for each in receipts if each.id not in known and each.stored is not None]
    earlier = {uid: list(found) for uid, found in writer.earlier({each.sop_instance_uid for each in new}).items()}
    made: list[Record] = []
    for each in records:
        if isinstance(each, Receipt):
            if each.id not in known:
                made.append(_with_earlier(each, earlier.setdefault(each.sop_instance_uid, [])))
        elif not isinstance(each, Event) or not writer.has_event(each):
            made.append(each)
    return made


def _with_earlier(receipt: Receipt, earlier: list[Earlier]) -> Receipt:
    """The receipt with what it is a copy of. It was answered for, so both copies stay and the verdict is as it was."""
    if receipt.stored is None or receipt.repeat_of is not None:
        return receipt
    copy, duplicate = earlier_copy(receipt.digest, receipt.transfer_syntax_uid, earlier)
    earlier.append(as_earlier(receipt, receipt.stored))
    already = {each.finding.rule for each in receipt.decisions}
    if duplicate is None or duplicate.rule in already:
        return receipt
    told = Decision(duplicate, Action.ACCEPT, Action.ACCEPT, 0)
    return replace(receipt, repeat_of=copy.id if copy else None, decisions=(*receipt.decisions, told))


class _Folder:
    """The segments of one process, held by `flock` so that no other process takes them for left behind."""

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self.segments = 0
        """Those that are there."""
        self._fd = fd
        self._begun = 0

    @classmethod
    def new(cls, root: Path) -> _Folder:
        """An empty folder, that nobody else has seen before it was held."""
        path = root / f"{time.time_ns()}-{os.getpid()}"
        hidden = root / f".{path.name}"
        try:
            hidden.mkdir(mode=0o700)
            fd = os.open(hidden, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            hidden.rename(path)
            sync_directory(root)
        except OSError as error:
            raise room_or(error) from error
        return cls(path, fd)

    @classmethod
    def found(cls, path: Path) -> _Folder | None:
        """A folder that nobody holds; None for one that is in use or has gone."""
        try:
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return None
        return cls(path, fd)

    def begin_segment(self) -> _Segment:
        """A new segment, behind all that are there."""
        self._begun += 1
        segment = _Segment.new(self, f"{self._begun:06}.jsonl")
        self.segments += 1
        return segment

    def remove(self) -> None:
        """Remove the folder, which is empty."""
        with suppress(FileNotFoundError):
            self.path.rmdir()
        sync_directory(self.path.parent)
        self.close()

    def close(self) -> None:
        """Hold it no longer."""
        os.close(self._fd)


class _Segment:
    """One file of the spool."""

    def __init__(self, folder: _Folder, path: Path, fd: int | None = None) -> None:
        self.folder = folder
        self.records = 0
        self._path = path
        self._fd = fd
        self._end = 0

    @classmethod
    def new(cls, folder: _Folder, name: str) -> _Segment:
        path = folder.path / name
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            sync_directory(folder.path)
        except OSError as error:
            path.unlink(missing_ok=True)
            raise room_or(error) from error
        return cls(folder, path, fd)

    def append(self, records: Sequence[Record]) -> None:
        assert self._fd is not None
        data = b"".join(map(_line, records))
        try:
            view = memoryview(data)
            while view:
                view = view[os.pwrite(self._fd, view, self._end + len(data) - len(view)) :]
            os.fsync(self._fd)
        except OSError as error:
            os.ftruncate(self._fd, self._end)
            raise room_or(error) from error
        self._end += len(data)
        self.records += len(records)

    def read(self) -> list[Record]:
        return list(_records(self._path))

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)
        sync_directory(self.folder.path)
        self.folder.segments -= 1

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _line(record: Record) -> bytes:
    kind = type(record).__name__
    # Lone surrogates, which a sender may send, come through as escapes.
    said = json.dumps([kind, _KINDS[kind].dump_python(record, mode="json")], separators=(",", ":")).encode("ascii")
    return b"%08x %s\n" % (zlib.crc32(said), said)


def _records(path: Path) -> Iterator[Record]:
    """The records of a segment. A line that a crash tore was never answered for; it is the last, and left out."""
    for number, line in enumerate(path.read_bytes().splitlines(keepends=True), 1):
        crc, _, said = line.rstrip(b"\n").partition(b" ")
        if not line.endswith(b"\n") or crc != b"%08x" % zlib.crc32(said):
            log.error("%s, line %d is torn or damaged, and left out", path, number)
            continue
        kind, fields = json.loads(said)
        yield _KINDS[kind].validate_python(fields)
