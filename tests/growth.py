"""How much memory is left behind by what should leave none."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable


def growth(send: Callable[[int], None], first: int, more: int) -> int:
    """Bytes that `more` calls, numbered on, leave behind the `first` ones, which may fill what is kept."""
    for number in range(first):
        send(number)
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(first, first + more):
            send(number)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
