"""Where the log goes and what it looks like: one line an instance and an Association, no patient data.

A line that is made of values is logged with them as its one argument, a mapping: a person reads those that its words
name, and as JSON each is a key of its own.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Mapping
from typing import Literal, TextIO

import orjson

from scp.records import Receipt
from scp.settings import Log

Form = Literal["text", "json"]

PRIORITIES = ((logging.ERROR, "<3>"), (logging.WARNING, "<4>"), (logging.INFO, "<6>"), (logging.DEBUG, "<7>"))
"""What a journal takes off a line's beginning, and keeps as its priority (sd-daemon(3))."""

AGAIN = 60.0
"""Seconds within which repetitions of a warning are counted."""

SAID = 5
"""Repetitions within that time that are said all the same."""

MOST_KINDS = 1000
"""Different warnings that are told apart by whom they are of; beyond that only by where they come from."""

INSTANCE = "%(ticket)s %(iod)s from %(sender)s: %(verdict)s, %(findings)d findings, %(bytes)d bytes, %(ms).1f ms"
IN_ASSOCIATION = INSTANCE + ", association %(association)s"


def set_up_logs(settings: Log, who: str = "dicomgate") -> None:
    """Log to standard error; `who` is the process that speaks. Other packages are heard when they have trouble."""
    journal = read_by_journal()
    chosen: Form = "json" if settings.format == "json" or (settings.format == "auto" and journal) else "text"
    root = logging.getLogger()
    for each in root.handlers:
        each.flush()
    root.handlers[:] = [Lines(sys.stderr, chosen, who, journal)]
    root.setLevel(logging.WARNING)
    logging.getLogger("dicomgate").setLevel(settings.level.upper())
    # Peers that break the protocol are told of by dicomgate's own lines, without a traceback each; what pynetdicom
    # says of them is for who looks closer.
    logging.getLogger("pynetdicom").setLevel(logging.WARNING if settings.level == "debug" else logging.CRITICAL)
    # A line tells neither thread nor where in the code it comes from: so nobody need find out.
    logging.logThreads = logging.logMultiprocessing = logging.logProcesses = False
    logging._srcfile = None


def read_by_journal(env: Mapping[str, str] = os.environ, fd: int = 2) -> bool:
    """Whether what is written there goes to systemd's journal."""
    named = env.get("JOURNAL_STREAM", "")
    if not named:
        return False
    try:
        there = os.fstat(fd)
    except OSError:
        return False
    return named == f"{there.st_dev}:{there.st_ino}"


def log_instance(log: logging.Logger, receipt: Receipt, began: float) -> None:
    """The one line of an instance that has its receipt; `began` is when it began to arrive (time.perf_counter)."""
    if not log.isEnabledFor(logging.INFO):
        return
    sender = receipt.calling_ae or receipt.token or receipt.address
    values: dict[str, object] = {
        "ticket": receipt.ticket,
        "association": None if receipt.association_id is None else str(receipt.association_id),
        "calling_ae": receipt.calling_ae,
        "address": receipt.address,
        "sender": sender,
        "door": receipt.door,
        "iod": receipt.iod or receipt.sop_class_uid,
        "verdict": receipt.verdict if receipt.repeat_of is None else "repeat",
        "findings": len(receipt.decisions),
        "bytes": receipt.size,
        "ms": round((time.perf_counter() - began) * 1000, 1),
    }
    log.info(INSTANCE if receipt.association_id is None else IN_ASSOCIATION, values)


class Lines(logging.Handler):
    """Writes each record as one line (a traceback: as one line of JSON, or as many of text).

    What warns again and again of the same is left out after a few times, and counted.
    """

    def __init__(self, stream: TextIO, form: Form, who: str, journal: bool = False) -> None:
        super().__init__()
        self._stream = stream
        self._make = self._json if form == "json" else self._text
        self._who = who
        self._pid = os.getpid()
        self._journal = journal
        self._second = -1
        self._stamp = ""
        self._heard: dict[tuple[str, ...], _Repeated] = {}
        self._tell_at = float("inf")
        """When the first of what was left out is to be told of."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, unless it repeats itself."""
        try:
            if record.name.startswith("pynetdicom"):
                record.levelno, record.levelname, record.exc_info = logging.DEBUG, "DEBUG", None
            if record.created >= self._tell_at:
                self._tell(record.created)
            if record.levelno < logging.WARNING or self._is_news(record):
                self._write(record)
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        """Tell what was left out so far: this process may have nothing more to say."""
        self.acquire()
        try:
            self._tell(float("inf"))
        finally:
            self.release()

    def _is_news(self, record: logging.LogRecord) -> bool:
        words = str(record.msg)
        # A form without words of its own, such as "%s", stands for as many warnings as there are words put into it.
        place = (record.name, words if " " in words else record.getMessage())
        key: tuple[str, ...] = (*place, _of_whom(record.args))
        if key not in self._heard and len(self._heard) >= MOST_KINDS:
            self._forget(record.created)
            key = key if len(self._heard) < MOST_KINDS else place
        heard = self._heard.get(key)
        if heard is None or record.created >= heard.until:
            self._heard[key] = _Repeated(record, record.created + AGAIN)
            return True
        heard.times += 1
        if heard.times <= SAID:
            return True
        heard.left_out += 1
        self._tell_at = min(self._tell_at, heard.until)
        return False

    def _forget(self, now: float) -> None:
        self._heard = {key: each for key, each in self._heard.items() if each.until > now or each.left_out}

    def _tell(self, now: float) -> None:
        """Say how often the warnings were left out whose time is over."""
        self._tell_at = float("inf")
        for key, each in list(self._heard.items()):
            if not each.left_out:
                continue
            if each.until > now:
                self._tell_at = min(self._tell_at, each.until)
                continue
            del self._heard[key]
            values = {"left_out": each.left_out, "first": each.words}
            words = "%(left_out)d more like this were left out: %(first)s"
            self._write(logging.LogRecord(each.name, each.level, "", 0, words, (values,), None))

    def _write(self, record: logging.LogRecord) -> None:
        line = self._make(record)
        if self._journal:
            priority = next((mark for level, mark in PRIORITIES if record.levelno >= level), "<7>")
            line = "\n".join(priority + each for each in line.split("\n"))
        self._stream.write(line + "\n")
        self._stream.flush()

    def _time(self, created: float) -> str:
        second = int(created)
        if second != self._second:
            self._second, self._stamp = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._stamp}.{int((created - second) * 1000):03d}Z"

    def _text(self, record: logging.LogRecord) -> str:
        head = f"{self._time(record.created)} {record.levelname:<7} {self._who}[{self._pid}] {record.name}: "
        traceback = _traceback(record)
        # Nothing that a peer sends may look like a line of its own.
        words = record.getMessage().replace("\n", " | ")
        return f"{head}{words}\n{traceback}" if traceback else head + words

    def _json(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": self._time(record.created),
            "level": record.levelname.lower(),
            "worker": self._who,
            "pid": self._pid,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if isinstance(record.args, Mapping):
            line.update((key, value) for key, value in record.args.items() if value is not None)
        traceback = _traceback(record)
        if traceback:
            line["traceback"] = traceback
        return orjson.dumps(line, default=str).decode()


class _Repeated:
    """A warning since it was first heard of late."""

    __slots__ = ("left_out", "level", "name", "times", "until", "words")

    def __init__(self, record: logging.LogRecord, until: float) -> None:
        self.name, self.level, self.words = record.name, record.levelno, record.getMessage()
        self.until = until
        self.times = 1
        self.left_out = 0


def _of_whom(args: object) -> str:
    """Whom a warning is of: one sender's must not hide another's."""
    return str(args.get("address", "")) if isinstance(args, Mapping) else ""


def _traceback(record: logging.LogRecord) -> str:
    if not record.exc_info:
        return ""
    if not record.exc_text:
        record.exc_text = logging.Formatter().formatException(record.exc_info)
    return record.exc_text
