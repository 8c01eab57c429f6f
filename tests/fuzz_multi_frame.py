"""Multi-frame instances with random damage, read and judged: nothing may raise, break a rule, hang or eat memory.

    python tests/fuzz_multi_frame.py --seconds 600 [--seed 7]

`tests/hostile/test_fuzz_multi_frame.py` runs a bounded number of the same trials.
"""

from __future__ import annotations

import argparse
import random
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from types import FrameType
from typing import Any

from minimal import PER_FRAME, SHARED, instance

from rules.encode import DEFINED, UNDEFINED_LENGTHS, Element, encode
from rules.engine import check, load_rules
from rules.header import read_header
from rules.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN

HANG = 20
"""Seconds after which a trial is held to hang: the slowest sound ones take hundredths of one."""
MEGABYTES = 300
"""What a run may add to the memory of the process."""
SYNTAXES = (EXPLICIT_VR_LITTLE_ENDIAN, "1.2.840.10008.1.2", "1.2.840.10008.1.2.2")
IODS = (
    "Parametric Map",
    "Enhanced MR Image",
    "Enhanced CT Image",
    "Enhanced US Volume",
    "Segmentation",
    "Legacy Converted Enhanced MR Image",
    "VL Whole Slide Microscopy Image",
    "Ophthalmic Tomography Image",
    "Breast Tomosynthesis Image",
)
_LIES = (b"\xff\xff\xff\xff", b"\xfe\xff\xff\xff", b"\0\0\0\x80", b"\xff\xff", b"\1\0", b"\0\0", b"\0" * 9)
_INSERTS = (
    b"\xfe\xff\x00\xe0\xff\xff\xff\xff",
    b"\xfe\xff\x0d\xe0\0\0\0\0",
    b"\xfe\xff\xdd\xe0\0\0\0\0",
    b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff",
    b"\x00\x52\x30\x92SQ\0\0\xff\xff\xff\xff",
)
_VALUES: tuple[object, ...] = (
    None, "", "nan", "inf", "-1", "0", "1e308", "1e-308", "A" * 70, ["1", "", "x"], ["0"] * 1000,
    "1.2.840.10008.5.1.4.1.1.30", "TILED_FULL", "3D", "3D_TEMPORAL", [], [{}], [{}, {}],
    Element("UN", b"\xff\0\1"), Element("OB", b"1"), Element("US", [65535]), Element("SQ", [{}]),
    Element("FD", [float("nan"), float("inf"), -0.0]), Element("DS", b"\\\\\\"), Element("UL", b"\1\2\3"),
)  # fmt: skip


@dataclass
class Report:
    """What a run saw."""

    trials: int = 0
    faulty: int = 0
    findings: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    broken: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.trials} trials, {self.faulty} malformed; {self.findings} findings of {len(self.rules)} rules; "
            f"slowest {1000 * self.slowest:.0f} ms; {len(self.broken)} broken"
        )


def run(trials: Iterator[int]) -> Report:
    """One trial for each seed. What raises or breaks a rule is in `Report.broken`, with its seed; a hang is too."""
    report = Report()
    before = signal.signal(signal.SIGALRM, _hang)
    try:
        for seed in trials:
            signal.alarm(HANG)
            started = time.perf_counter()
            try:
                _trial(seed, report)
            except Exception as broke:  # the point of the exercise
                report.broken.append(f"seed {seed}: {type(broke).__name__}: {broke}")
            finally:
                signal.alarm(0)
            report.trials += 1
            report.slowest = max(report.slowest, time.perf_counter() - started)
    finally:
        signal.signal(signal.SIGALRM, before)
    return report


def _trial(seed: int, report: Report) -> None:
    chance = random.Random(seed)
    syntax = chance.choice(SYNTAXES)
    header = read_header(_damaged(chance, syntax), syntax)
    found = check(header, load_rules()).findings
    report.faulty += bool(header.faults)
    report.findings += len(found)
    report.rules.update(each.rule for each in found)
    broke = [each.message for each in found if each.rule == "rule-broke"]
    if broke:
        report.broken.append(f"seed {seed}: {broke[0]}")


def _hang(number: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"more than {HANG} s")


def _damaged(chance: random.Random, syntax: str) -> bytes:
    """A sound instance, its Attributes or its bytes damaged a few times, or both."""
    attributes = deepcopy(_sound(chance.choice(IODS), chance.choice((1, 3, 40))))
    for _ in range(chance.choice((0, 1, 1, 2, 5))):
        _change(chance, attributes)
    try:
        data = bytearray(encode(attributes, syntax, chance.choice((DEFINED, UNDEFINED_LENGTHS))))
    except (KeyError, OverflowError, ValueError):  # a value that its VR cannot hold is no instance yet
        return b""
    for _ in range(chance.choice((0, 0, 1, 1, 3))):
        _spoil(chance, data)
    return bytes(data)


@cache
def _sound(iod: str, frames: int) -> dict[str, Any]:
    """The smallest instance of an IOD with so many frames, each with a place of its own."""
    attributes = deepcopy(instance(iod))
    first = attributes[PER_FRAME][0]
    attributes[PER_FRAME] = [_frame(first, n) for n in range(frames)]
    attributes["NumberOfFrames"] = str(frames)
    attributes["DimensionOrganizationType"] = "3D"
    return attributes


def _frame(first: dict[str, Any], number: int) -> dict[str, Any]:
    frame = deepcopy(first)
    content = {"DimensionIndexValues": [number + 1], "StackID": "1", "InStackPositionNumber": number + 1}
    source = {"ReferencedSOPClassUID": "1.2.840.10008.5.1.4.1.1.2", "ReferencedSOPInstanceUID": f"1.2.9.{number}"}
    frame["FrameContentSequence"] = [content]
    frame["PlanePositionSequence"] = [{"ImagePositionPatient": ["0", "0", str(number)]}]
    frame["DerivationImageSequence"] = [{"SourceImageSequence": [source]}]
    return frame


def _change(chance: random.Random, attributes: dict[str, Any]) -> None:
    """Drop, replace, double or move an Attribute somewhere within."""
    place, items = attributes, attributes.get(chance.choice((SHARED, PER_FRAME, PER_FRAME)))
    while chance.random() < 0.7:
        if isinstance(items, list) and items and isinstance(items[0], dict):
            place = chance.choice(items)
        below = [value for value in place.values() if isinstance(value, list) and value and isinstance(value[0], dict)]
        if not below:
            break
        items = chance.choice(below)
    if not place:
        return
    keyword = chance.choice(sorted(place))
    how = chance.randrange(5)
    if how == 0:
        del place[keyword]
    elif how == 1 and isinstance(place[keyword], list):
        place[keyword] = place[keyword] * 2
    elif how == 2:
        attributes[keyword] = place[keyword]
    else:
        place[keyword] = chance.choice(_VALUES)


def _spoil(chance: random.Random, data: bytearray) -> None:
    """Cut, flip, overwrite, insert, double or remove bytes."""
    at = chance.randrange(len(data) + 1)
    how = chance.randrange(6)
    if how == 0:
        del data[at:]
    elif how == 1 and at < len(data):
        data[at] ^= 1 << chance.randrange(8)
    elif how == 2:
        lie = chance.choice(_LIES)
        data[at : at + len(lie)] = lie
    elif how == 3:
        data[at:at] = chance.choice(_INSERTS)
    elif how == 4:
        data[at:at] = data[at : at + chance.randrange(1, 400)]
    else:
        del data[at : at + chance.randrange(1, 12)]


def _until(end: float, seed: int) -> Iterator[int]:
    while time.monotonic() < end:
        yield seed
        seed += 1


def main() -> int:
    """Run for the time asked for, and print what was seen; 1 where anything broke or memory grew too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    run(iter(range(asked.seed, asked.seed + 200)))  # facts and examples are read, memory is what it will be
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = run(_until(time.monotonic() + asked.seconds, asked.seed))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    print(f"{report}; memory grew by {grown} MB")
    print("\n".join(report.broken[:20]))
    return 1 if report.broken or grown > MEGABYTES else 0


if __name__ == "__main__":
    sys.exit(main())
