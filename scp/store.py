"""Bytes to disk: a temporary file, synced, renamed into its place, its directory synced.

    store/incoming/<id>.part                       arriving; swept at start
    store/instances/YYYY-MM-DD/HH-MM/<id>.dcm      kept, Part 10
    store/quarantine/...                           kept apart
    store/rejected/...                             headers only
    store/recovered/                               what a crash left without a row
    store/spool/                                   receipts that wait for the database

Names come from the receipt's id, never from a UID of the sender. Times are UTC.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import hashlib
import mmap
import os
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from scp.ids import number_of, time_of

INSTANCES, QUARANTINE, REJECTED = "instances", "quarantine", "rejected"
INCOMING, RECOVERED, SPOOL = "incoming", "recovered", "spool"

Buffer = bytes | bytearray | memoryview

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class StoreProblem(Exception):
    """The store cannot be used; the message says why and what to do, in one line."""


class NoRoom(Exception):
    """The volume is full, or below its watermark."""


class Part:
    """An instance on its way in: an open file, its size and its digest so far.

    `size` and `digest` are of the Data Set alone, without the File Meta Information in front of it. `origin` is
    where the file stands until it is placed: among the incoming, or where it was found.
    """

    def __init__(self, store: Store, id: int, origin: Path, fd: int, head: int) -> None:
        self.store = store
        self.id = id
        self.size = 0
        self.place: str | None = None
        self.origin = self.path = origin
        self._head = head
        self._hash = hashlib.sha256()
        self._fd: int | None = fd
        self._found = False

    @classmethod
    def create(cls, store: Store, id: int, head: bytes, suffix: str = ".part") -> Part:
        """A new temporary file that begins with `head`."""
        path = store.root / INCOMING / f"{id}{suffix}"
        part = cls(store, id, path, os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640), len(head))
        try:
            part._write(head)
        except BaseException:
            part.discard()
            raise
        return part

    @classmethod
    def adopt(cls, store: Store, id: int, path: Path, head: int) -> Part:
        """A whole file that stands in the store without a receipt; its Data Set begins at `head`."""
        part = cls(store, id, path, os.open(path, os.O_RDWR | os.O_CLOEXEC), head)
        part._found = True
        part.size = os.fstat(part._opened).st_size - head
        with part.mapped() as view:
            part._hash.update(view)
        return part

    @property
    def digest(self) -> str:
        """SHA-256 of the Data Set's bytes, hexadecimal."""
        return self._hash.hexdigest()

    def write(self, data: Buffer) -> None:
        """Append a piece of the Data Set. Raises NoRoom when the volume is full."""
        self._write(data)
        self._hash.update(data)
        self.size += len(data)

    @property
    def _opened(self) -> int:
        if self._fd is None:  # closed meanwhile, since its request has many parts
            self._fd = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        return self._fd

    def _write(self, data: Buffer) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._opened, view) :]
        except OSError as error:
            raise room_or(error) from error

    @contextmanager
    def mapped(self) -> Iterator[memoryview]:
        """The Data Set as it stands in the file, without a copy in memory of our own.

        The view is let go of at the end of the block; what still holds a slice of it then holds the map.
        """
        with mmap.mmap(self._opened, self._head + self.size, access=mmap.ACCESS_READ) as file:
            whole = memoryview(file)
            view = whole[self._head :]
            try:
                yield view
            finally:
                view.release()
                whole.release()

    def sync(self) -> None:
        """Make the bytes durable, unless the whole volume is synced later.

        Raises NoRoom where the volume only now says that it is full.
        """
        if self.store.syncs_volume:
            return
        try:
            os.fsync(self._opened)
        except OSError as error:
            raise room_or(error) from error

    def close(self) -> None:
        """Close the file and leave it where it is."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def discard(self) -> None:
        """Close the file and remove it, wherever it is by now."""
        self.close()
        self.path.unlink(missing_ok=True)
        self.place = None

    def give_up(self) -> None:
        """Leave the store as it was: a temporary file is removed, one that was found stands where it stood."""
        if not self._found:
            self.discard()
            return
        self.store.take_back(self)
        self.close()


class Store:
    """One volume's folder of kept instances. `min_free` is in bytes.

    With `syncs_volume` one syncfs(2) stands for the syncs of all files and directories of a batch. It also
    flushes what other programs wrote there, so the store wants a volume of its own; write errors are
    reported by it from Linux 5.8 on.
    """

    def __init__(self, root: Path, min_free: int, syncs_volume: bool = False) -> None:
        self.root = root
        self.min_free = min_free
        self.syncs_volume = syncs_volume
        self._known: set[Path] = set()

    @classmethod
    def open(cls, root: Path, min_free: int = 0, syncs_volume: bool = False) -> Store:
        """Make the folders, prove that they can be written, and sweep what a crash left half-received.

        Raises StoreProblem.
        """
        store = cls(root.absolute(), min_free, syncs_volume)
        try:
            for each in (INCOMING, INSTANCES, QUARANTINE, REJECTED, RECOVERED, SPOOL):
                (store.root / each).mkdir(parents=True, exist_ok=True)
            probe = store.root / INCOMING / f"probe-{os.getpid()}.part"
            probe.write_bytes(b"dicomgate")
            probe.unlink()
            sync_directory(store.root)
        except OSError as error:
            raise StoreProblem(
                f"the store {root} cannot be written: {error.strerror} ({error.filename}); "
                "give the folder to the user that runs dicomgate, or set store.path to another"
            ) from error
        return store

    def sweep(self, numbers: Collection[int] | None = None) -> int:
        """Remove the temporary files that an earlier run left; how many there were.

        With `numbers`, only those of processes that are gone and drew their ids under these numbers.
        """
        left = [
            each
            for each in (self.root / INCOMING).glob("*.part")
            if numbers is None
            or (each.name.split(".")[0].isdecimal() and number_of(int(each.name.split(".")[0])) in numbers)
        ]
        for each in left:
            each.unlink(missing_ok=True)
        return len(left)

    @property
    def free(self) -> int:
        """Bytes that this user may still write to the volume."""
        room = os.statvfs(self.root)
        return room.f_bavail * room.f_frsize

    def set_apart(self, place: str) -> Path:
        """Move a file that has no receipt to `recovered/`, durably; where it stands then."""
        source = self.root / place
        suffix = ".header.dcm" if place.startswith(f"{REJECTED}/") else ".dcm"
        target = self.root / RECOVERED / f"{source.stem}{suffix}"
        source.rename(target)
        sync_directory(target.parent)
        sync_directory(source.parent)
        return target

    def adopt(self, id: int, path: Path, head: int) -> Part:
        """The part that a file of `recovered/` makes; its Data Set begins at `head`."""
        return Part.adopt(self, id, path, head)

    @contextmanager
    def claimed(self, wait: float = 0.0) -> Iterator[None]:
        """Keep other nodes off this folder: each would sweep what the other is receiving. Raises StoreProblem.

        Children inherit the claim, so it lasts until the last of them has ended; `wait` is in seconds.
        """
        fd = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        deadline = time.monotonic() + wait
        try:
            while True:
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() < deadline:
                        time.sleep(0.05)
                        continue
                    raise StoreProblem(
                        f"the store {self.root} is in use by another dicomgate; give each node a store.path of its own"
                    ) from None
            yield
        finally:
            os.close(fd)

    def begin(self, id: int, head: bytes) -> Part:
        """A temporary file that begins with `head`. Raises NoRoom below the watermark."""
        if self.free < self.min_free:
            raise NoRoom(f"less than {self.min_free} bytes free")
        return Part.create(self, id, head)

    def begin_header(self, id: int, head: bytes, header: Buffer) -> Part:
        """A synced temporary file of a rejected instance's header, beside the part that holds all of it."""
        part = Part.create(self, id, head, suffix=".header.part")
        try:
            part.write(header)
            part.sync()
        except BaseException:
            part.discard()
            raise
        return part

    def place(self, part: Part, kind: str) -> str:
        """Rename a synced part to its place among `kind`; its path relative to the store.

        The rename is durable only after `sync_directories`.
        """
        relative = self.relative_path(part.id, kind)
        target = self.root / relative
        self._make(target.parent)
        try:
            part.path.rename(target)
        except FileNotFoundError:  # somebody cleared the folder away since it was made
            self._known.clear()
            self._make(target.parent)
            part.path.rename(target)
        part.path, part.place = target, relative
        return relative

    def take_back(self, part: Part) -> None:
        """Undo `place`, where what should have followed did not."""
        if part.place is not None:
            part.path.rename(part.origin)
            part.path, part.place = part.origin, None

    def sync_directories(self, places: Iterable[str]) -> None:
        """Make the renames to these places durable; with `syncs_volume`, the bytes too."""
        folders = {(self.root / place).parent for place in places}
        try:
            if self.syncs_volume and folders:
                _sync_volume(self.root)
                return
            for each in folders:
                sync_directory(each)
        except OSError as error:
            raise room_or(error) from error

    def relative_path(self, id: int, kind: str) -> str:
        """Where an instance with this id stands among `kind`."""
        at: datetime = time_of(id)
        return f"{kind}/{at:%Y-%m-%d}/{at:%H-%M}/{id}.dcm"

    def _make(self, folder: Path) -> None:
        """Make a folder durably: each new one's parent is synced too."""
        if folder in self._known:
            return
        missing = [each for each in (folder, *folder.parents) if each.is_relative_to(self.root) and not each.exists()]
        try:
            for each in reversed(missing):
                with suppress(FileExistsError):
                    each.mkdir()
                sync_directory(each.parent)
        except OSError as error:
            raise room_or(error) from error
        if len(self._known) > 1000:
            self._known.clear()
        self._known.add(folder)


def sync_directory(folder: Path) -> None:
    """Make the names in a folder durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _sync_volume(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if _libc.syncfs(fd):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(fd)


_libc = ctypes.CDLL(None, use_errno=True)


def room_or(error: OSError) -> Exception:
    """NoRoom for the ways in which a volume says that it is full; the error itself otherwise."""
    return NoRoom(str(error)) if error.errno in _NO_ROOM else error
