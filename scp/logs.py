"""Where the log goes and what it looks like: one line an instance, no patient data."""

from __future__ import annotations

import logging
import sys
import time


def set_up_logs(level: str, who: str = "dicomgate") -> None:
    """Log to standard error, times in UTC; pynetdicom and the database engine only when they have trouble.

    `who` is the process that speaks, for people.
    """
    line = logging.Formatter(
        f"%(asctime)sZ %(levelname)-7s {who}[%(process)d] %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S"
    )
    line.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(line)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("dicomgate").setLevel(level.upper())
    # Peers that break the protocol are told of by dicomgate's own lines, without a traceback each.
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
    # A line tells neither thread nor where in the code it comes from: so nobody need find out.
    logging.logThreads = logging.logMultiprocessing = False
    logging._srcfile = None
