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
import logging
import mmap
import os
import threading
import time
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import Executor, Future, wait
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from scp.ids import IDS_OF_A_MS, number_of, time_of

log = logging.getLogger("dicomgate.store")

INSTANCES, QUARANTINE, REJECTED = "instances", "quarantine", "rejected"
INCOMING, RECOVERED, SPOOL = "incoming", "recovered", "spool"
LOCK = "lock"
"""The file whose lock is the claim on a store; it names the process to signal."""

Buffer = bytes | bytearray | memoryview

WRITTEN_AT_ONCE = 8 << 20
"""Bytes of a large instance after which the volume is told to write, while the rest still arrives."""

WORTH_A_THREAD = 0.002
"""Seconds of a sync that pay for a thread of its own; a volume that answers faster costs less than the hand-over."""

SYNCS_REMEMBERED = 8

_IDS_OF_A_MINUTE = IDS_OF_A_MS * 60_000
_FOLDERS_HELD = 8
_SYNC_FILE_RANGE_WRITE = 2

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


LOOKED_AT_ONCE = 1 << 22
"""Bytes of a mapped file that are read before their memory is given back."""


class StoreProblem(Exception):
    """The store cannot be used; the message says why and what to do, in one line."""


class NoRoom(Exception):
    """The volume is full, or below its watermark."""


class Part:
    """An instance on its way in: an open file, its size and its digest so far.

    `size` and `digest` are of the Data Set alone, without the File Meta Information in front of it. `origin` is
    where the file stands until it is placed: among the incoming, or where it was found.
    """

    def __init__(self, store: Store, id: int, origin: str, fd: int, head: int) -> None:
        self.store = store
        self.id = id
        self.size = 0
        self.place: str | None = None
        self.origin = self.path = origin
        self._head = head
        self._hash = hashlib.sha256()
        self._on_its_way = 0
        self._fd: int | None = fd
        self._found = False
        self._mapped: mmap.mmap | None = None
        self._syncing: Future[None] | None = None

    @classmethod
    def create(cls, store: Store, id: int, head: bytes, suffix: str = ".part") -> Part:
        """A new temporary file that begins with `head`."""
        path = f"{store.root}/{INCOMING}/{id}{suffix}"
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
        part = cls(store, id, str(path), os.open(path, os.O_RDWR | os.O_CLOEXEC), head)
        part._found = True
        part.size = os.fstat(part._opened).st_size - head
        with part.mapped() as view:
            for at in range(0, part.size, LOOKED_AT_ONCE):
                part._hash.update(view[at : at + LOOKED_AT_ONCE])
                part.forget(at)
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
        if self.size - self._on_its_way >= WRITTEN_AT_ONCE:
            self.hasten()

    def hasten(self) -> None:
        """Have the volume begin to write what it was given so far, so that `sync` has less to wait for."""
        if _sync_file_range is not None and self._on_its_way < self.size:
            # What goes wrong here goes wrong in `sync` too, and is told there.
            _sync_file_range(self._opened, self._on_its_way, 0, _SYNC_FILE_RANGE_WRITE)
        self._on_its_way = self.size

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
            self._mapped = file
            try:
                yield view
            finally:
                self._mapped = None
                view.release()
                whole.release()

    def forget(self, offset: int) -> None:
        """Give back the memory through which the Data Set up to there was looked at, where it is mapped.

        The bytes stay as they are, and can be looked at again.
        """
        end = (self._head + offset) // mmap.PAGESIZE * mmap.PAGESIZE
        if self._mapped is not None and end:
            self._mapped.madvise(mmap.MADV_DONTNEED, 0, end)

    def sync(self) -> None:
        """Make the bytes durable, unless the whole volume is synced later.

        Raises NoRoom where the volume only now says that it is full.
        """
        if self._syncing is not None:
            self._syncing.result()
        elif not self.store.syncs_volume:
            self._sync()

    def sync_soon(self, run: Executor) -> None:
        """Have another thread do so, of a part that is whole; `sync` waits for it then."""
        if not self.store.syncs_volume:
            self._syncing = run.submit(self._sync)

    def _sync(self) -> None:
        held = self._fd
        began = time.perf_counter()
        try:
            fd = os.open(self.path, os.O_RDWR | os.O_CLOEXEC) if held is None else held
            try:
                os.fsync(fd)
            finally:
                if held is None:
                    os.close(fd)
        except OSError as error:
            raise room_or(error) from error
        self.store.sync_took(time.perf_counter() - began)

    def close(self) -> None:
        """Close the file and leave it where it is."""
        if self._syncing is not None:
            wait((self._syncing,))
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def discard(self) -> None:
        """Close the file and remove it, wherever it is by now.

        Never raises: on a volume that takes no changes it stays, as after a crash, and the next start sees to it.
        """
        self.close()
        try:
            os.unlink(self.path)  # noqa: PTH108  # a Path costs more than the call
        except FileNotFoundError:
            pass
        except OSError as error:
            log.warning("%s stays until the next start: %s", self.path, error.strerror)
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
        self._folders: dict[str, int] = {}
        """Descriptors of the folders of a minute that were made or found last, by their path in the store."""
        self._sync_seconds = 0.0

    @classmethod
    def open(cls, root: Path, min_free: int = 0, syncs_volume: bool = False) -> Store:
        """Make the folders, prove that they can be written, and sweep what a crash left half-received.

        Raises StoreProblem.
        """
        store = cls(root.absolute(), min_free, syncs_volume)
        try:
            for each in (INCOMING, INSTANCES, QUARANTINE, REJECTED, RECOVERED, SPOOL):
                (store.root / each).mkdir(parents=True, exist_ok=True)
            store.probe()
            sync_directory(store.root)
        except OSError as error:
            help = (
                "mount it to be written, and name it in ReadWritePaths= of the service"
                if error.errno == errno.EROFS
                else "give the folder to the user that runs dicomgate"
            )
            raise StoreProblem(
                f"the store {root} cannot be written: {error.strerror} ({error.filename}); "
                f"{help}, or set store.path to another"
            ) from error
        return store

    def probe(self) -> None:
        """Write a file and remove it. Raises OSError where the volume takes none, whatever access rights say."""
        probe = self.root / INCOMING / f"probe-{os.getpid()}-{threading.get_ident()}.part"
        probe.write_bytes(b"dicomgate")
        probe.unlink()

    @property
    def is_writable(self) -> bool:
        """Whether the volume takes a file now."""
        try:
            self.probe()
        except OSError:
            return False
        return True

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

    def sync_took(self, seconds: float) -> None:
        """Remember how long the sync of a file took."""
        self._sync_seconds += (seconds - self._sync_seconds) / SYNCS_REMEMBERED

    @property
    def syncs_slowly(self) -> bool:
        """Whether of late the sync of a file took longer than handing it to another thread is worth."""
        return self._sync_seconds > WORTH_A_THREAD

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
    def claimed(self, wait: float = 0.0, pid: int | None = None) -> Iterator[None]:
        """Keep other nodes off this folder: each would sweep what the other is receiving. Raises StoreProblem.

        Children inherit the claim, so it lasts until the last of them has ended; `wait` is in seconds. `pid` is whom
        to signal: it stands in the lock file, which `running.find` reads.
        """
        try:
            fd = os.open(self.root / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise StoreProblem(
                f"the store {self.root} cannot be locked: {error.strerror} ({error.filename})"
            ) from error
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
            os.ftruncate(fd, 0)
            os.pwrite(fd, b"" if pid is None else b"%d\n" % pid, 0)
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
        folder, _, name = relative.rpartition("/")
        try:
            # Into the folder that is synced afterwards, whatever stands at its path by then.
            os.rename(part.path, name, dst_dir_fd=self._folder(folder))
        except FileNotFoundError:  # somebody cleared the folder away since it was made
            self._let_go()
            os.rename(part.path, name, dst_dir_fd=self._folder(folder))
        part.path, part.place = f"{self.root}/{relative}", relative
        return relative

    def take_back(self, part: Part) -> None:
        """Undo `place`, where what should have followed did not."""
        if part.place is not None:
            os.rename(part.path, part.origin)  # noqa: PTH104
            part.path, part.place = part.origin, None

    def sync_directories(self, places: Iterable[str]) -> None:
        """Make the renames to these places durable; with `syncs_volume`, the bytes too."""
        folders = {place.rpartition("/")[0] for place in places}
        try:
            if self.syncs_volume and folders:
                _sync_volume(self.root)
                return
            for each in folders:
                os.fsync(self._folder(each))
        except OSError as error:
            raise room_or(error) from error

    def relative_path(self, id: int, kind: str) -> str:
        """Where an instance with this id stands among `kind`."""
        return f"{kind}/{_minute(id // _IDS_OF_A_MINUTE)}/{id}.dcm"

    def _folder(self, relative: str) -> int:
        """A descriptor of a folder of the store, which is made durably where it is not there."""
        fd = self._folders.get(relative)
        if fd is None:
            if len(self._folders) >= _FOLDERS_HELD:
                self._let_go()
            path = self.root / relative
            self._make(path)
            fd = self._folders[relative] = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return fd

    def _let_go(self) -> None:
        while self._folders:
            os.close(self._folders.popitem()[1])

    def _make(self, folder: Path) -> None:
        """Make a folder durably, and those above it; one that is there may be another process's, and not synced yet."""
        above = [each for each in folder.parents if each.is_relative_to(self.root)]
        try:
            for each in (*reversed(above), folder):
                if each == self.root and each.is_dir():
                    continue
                with suppress(FileExistsError):
                    each.mkdir()
                sync_directory(each.parent)
        except OSError as error:
            raise room_or(error) from error


@lru_cache(maxsize=16)
def _minute(number: int) -> str:
    """The folder of a minute, counted from the first of the ids."""
    return f"{time_of(number * _IDS_OF_A_MINUTE):%Y-%m-%d/%H-%M}"


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
_sync_file_range = getattr(_libc, "sync_file_range", None)
if _sync_file_range is not None:
    _sync_file_range.argtypes = (ctypes.c_int, ctypes.c_longlong, ctypes.c_longlong, ctypes.c_uint)


def room_or(error: OSError) -> Exception:
    """NoRoom for the ways in which a volume says that it is full; the error itself otherwise."""
    return NoRoom(str(error)) if error.errno in _NO_ROOM else error
