"""The files that `check` was pointed at: found, opened, or named as unreadable."""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from rules.header import NotDicom, read_part10

DICOM_SUFFIXES = (".dcm", ".dicom")
"""A file called so is meant to be DICOM, so that it is a mistake when it is not."""

HEAD = 1 << 18
"""Bytes of a file in which nearly all instances have everything that stands in front of their pixel data."""

WORTH_IT = 1 << 20
"""Bytes up to which a file is read with its pixel data: to look for them first would cost as much."""

READ_WHOLE = 16 << 20
"""Bytes up to which a file is read and not mapped."""


class Unreadable(Exception):
    """A file or folder that cannot be read; the message is one plain line without the path."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A path to be checked. One that was only met in a folder may turn out to be no DICOM, which is no mistake."""

    path: str
    walked: bool
    problem: str = ""
    """Why it need not be opened: it is known to be unreadable."""

    @property
    def may_be_else(self) -> bool:
        """Whether it may be passed over where it is no DICOM."""
        return self.walked and not self.path.lower().endswith(DICOM_SUFFIXES)


def candidates(paths: Iterable[str], listed: Iterable[str] = ()) -> Iterator[Candidate]:
    """Every path to check in the order given, folders walked in sorted order; `-` stands for those `listed`."""
    for path in paths:
        for each in listed if path == "-" else (path,):
            if _is_folder(each):
                yield from _walk(each)
            else:
                yield Candidate(each, walked=False)


def listed_paths(text: bytes) -> list[str]:
    """The paths of a list: one a line, or behind each a NUL as `find -print0` has it."""
    parts = text.split(b"\0") if b"\0" in text else (line.rstrip(b"\r") for line in text.split(b"\n"))
    return [os.fsdecode(part) for part in parts if part]


def contents(path: str) -> AbstractContextManager[bytes | mmap.mmap]:
    """A regular file's bytes: read where they are few, else mapped. Unreadable; a FIFO or device is never opened.

    Touching a map whose file somebody else cuts short kills the process (SIGBUS), which nothing here could catch.
    Only files above `READ_WHOLE` run that risk, since to read those would cost their size in memory.
    """
    return _opened(path, _whole)


def all_but_pixels(path: str) -> AbstractContextManager[bytes | mmap.mmap]:
    """As `contents`, where those of native pixel data may be zeros: they are not read.

    They are most of most files, and no rule looks at them. What is given in this way never runs the risk of a map.
    """
    return _opened(path, _around_pixels)


@contextmanager
def _opened(path: str, read: Callable[[FileIO, int], bytes | mmap.mmap]) -> Iterator[bytes | mmap.mmap]:
    try:
        data = _bytes_of(path, read)
    except (OSError, ValueError) as error:
        raise Unreadable(_words(error)) from None
    if isinstance(data, bytes):
        yield data
    else:
        with data:
            yield data


def _bytes_of(path: str, read: Callable[[FileIO, int], bytes | mmap.mmap]) -> bytes | mmap.mmap:
    _must_be_regular(Path(path).stat())
    # Not to wait for a writer, should the path have become a FIFO in between.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with FileIO(descriptor) as file:
        status = os.fstat(descriptor)
        _must_be_regular(status)
        # What says that it is empty is not asked: some files of /proc would never end.
        data = read(file, status.st_size) if status.st_size else b""
    if not data:
        raise Unreadable("is empty")
    return data


def _whole(file: FileIO, size: int) -> bytes | mmap.mmap:
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size > READ_WHOLE else file.readall()


def _around_pixels(file: FileIO, size: int) -> bytes | mmap.mmap:
    if size > WORTH_IT:
        head = file.read(HEAD)
        behind = _behind_pixels(head)
        if behind is not None and size - behind <= HEAD:
            file.seek(behind)
            tail = file.readall()[: max(size - behind, 0)]
            with suppress(OSError):  # it asks for the file's size of memory, though nearly none of it is used
                data = mmap.mmap(-1, size, access=mmap.ACCESS_COPY)
                data[: len(head)] = head
                data[behind : behind + len(tail)] = tail
                return data
        file.seek(0)
    return _whole(file, size)


def _behind_pixels(head: bytes) -> int | None:
    """Where native pixel data end that begin within the first bytes of a file; None where there are none."""
    try:
        header = read_part10(head)
    except NotDicom:
        return None
    pixels, source = header.pixel_data, header.source
    header.fold()
    if pixels is None or pixels.length is None or source.data is not head:
        return None
    # Whatever is odd in front of them may have been read otherwise with more bytes at hand.
    if any(fault.offset != pixels.offset for fault in source.faults):
        return None
    return pixels.offset + pixels.length


def _walk(folder: str) -> Iterator[Candidate]:
    """What is in a folder and those below it, by name; links to folders are not followed, so that none is met twice."""
    # A stack of our own, since folders may be nested deeper than functions.
    stack = [iter(_inside(folder))]
    while stack:
        each = next(stack[-1], None)
        if each is None:
            stack.pop()
        elif each.problem or not _is_folder(each.path):
            yield each
        else:
            stack.append(iter(_inside(each.path)))


def _inside(folder: str) -> list[Candidate]:
    """All that one folder holds but for links to folders, by name; or the folder, where it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            paths = sorted(entry.path for entry in entries)
    except OSError as error:
        return [Candidate(folder, walked=True, problem=_words(error))]
    return [Candidate(path, walked=True) for path in paths if not (_is_folder(path) and Path(path).is_symlink())]


def _is_folder(path: str) -> bool:
    return os.path.isdir(path)  # noqa: PTH112  # Path.is_dir raises where a folder above may not be entered


def _must_be_regular(status: os.stat_result) -> None:
    for is_kind, kind in _KINDS:
        if is_kind(status.st_mode):
            raise Unreadable(f"is a {kind}, not a file")


_KINDS = (
    (stat.S_ISFIFO, "FIFO"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
    (stat.S_ISDIR, "folder"),
)


def _words(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "does not exist"
    if isinstance(error, PermissionError):
        return "may not be read: permission denied"
    return f"cannot be read: {getattr(error, 'strerror', None) or error}"
