"""Dimension Index Values of the frames, against the dimensions and against what they index (PS3.3 C.7.6.17.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from struct import Struct

from rules.dictionary import name_of
from rules.frames import PER_FRAME, frame_fields, frame_problem
from rules.header import Header
from rules.model import Example, Finding, Problem, Severity
from rules.registry import run, table_rule

_PATH = ("FrameContentSequence", "DimensionIndexValues")
MOST_COMPARED = 32
"""Dimensions that are compared with what they index: no instance needs more, and each is asked of every frame."""
_WORD = 4
"""Bytes of a UL."""


@dataclass(frozen=True, slots=True)
class Indices:
    """The indices of all frames that have them. `frames` holds, in order, each frame and its index values.

    `uneven` are the frames whose indices do not number as the dimensions, by how many they have.
    """

    header: Header
    dimensions: Sequence[Header]
    frames: Sequence[tuple[int, tuple[int, ...]]]
    uneven: Mapping[int, Sequence[int]]
    by_dimension: Sequence[tuple[int, ...]]
    """For each dimension, the indices of all frames."""

    def problem(self, message: str, numbers: Sequence[int]) -> Problem:
        """A Problem of the Dimension Index Values of these frames."""
        return frame_problem(self.header, _PATH, message, numbers)


def dimension_indices(header: Header) -> Iterator[Finding]:
    """Judge the Dimension Index Values of an instance that has a Dimension Index Sequence."""
    dimensions = header.items("DimensionIndexSequence")
    if not dimensions:
        return
    found = _indices(header, dimensions)
    yield from run(COUNT, found)
    if not found.frames:
        return
    yield from run(ZERO, found)
    yield from run(DISAGREES, found)
    if not header.has("ConcatenationUID"):  # else only some of the frames are here
        yield from run(HOLES, found)
        yield from run(REPEATED, found)


def _indices(header: Header, dimensions: Sequence[Header]) -> Indices:
    frames: list[tuple[int, tuple[int, ...]]] = []
    uneven: dict[int, list[int]] = {}
    wanted = len(dimensions)
    unpack = Struct(f"{'>' if header.encoding.big_endian else '<'}{wanted}I").unpack
    for stencil in header.stencils(PER_FRAME):
        for raw, numbers in (stencil.column(*_PATH) or {}).items():
            if len(raw) == wanted * _WORD:
                indices = unpack(raw)
                if len(numbers) == 1:
                    frames.append((numbers[0], indices))
                else:
                    frames += [(number, indices) for number in numbers]
            elif raw:
                uneven.setdefault(len(raw) // _WORD, []).extend(numbers)
    frames.sort()
    by_dimension = tuple(zip(*[indices for _, indices in frames], strict=True))
    unequal = {count: sorted(numbers) for count, numbers in uneven.items()}
    return Indices(header, dimensions, frames, unequal, by_dimension)


def _instance(pointers: Sequence[tuple[int, int]], *frames: Mapping[str, object]) -> Example:
    items = [{"DimensionIndexPointer": a, "FunctionalGroupPointer": b} for a, b in pointers]
    return {"DimensionIndexSequence": items, PER_FRAME: list(frames)}


_STACK, _PLACE, _POSITION = (0x00209056, 0x00209111), (0x00209057, 0x00209111), (0x00200032, 0x00209113)


def _frame(*indices: int, **content: object) -> dict[str, object]:
    return {"FrameContentSequence": [{"DimensionIndexValues": list(indices), **content}]}


def _at(z: str, *indices: int) -> dict[str, object]:
    return {**_frame(*indices), "PlanePositionSequence": [{"ImagePositionPatient": ["0", "0", z]}]}


def _count(found: Indices) -> Iterator[Problem]:
    """A frame has not one Dimension Index Value for each dimension.

    Index and dimension are matched by their order; with one too few nobody knows which is missing.
    """
    for count, numbers in found.uneven.items():
        yield found.problem(f"has {count} values, wanted {len(found.dimensions)}, one a dimension", numbers)


COUNT = table_rule(
    "dimension-index-count",
    section="C.7.6.17.1",
    severity=Severity.ERROR,
    good=[_instance([_STACK, _PLACE], _frame(1, 1), _frame(1, 2))],
    bad=[_instance([_STACK, _PLACE], _frame(1, 1), _frame(1)), _instance([_STACK], _frame(1, 1))],
)(_count)


def _zero(found: Indices) -> Iterator[Problem]:
    """A Dimension Index Value is 0.

    Indices are ordinal numbers and start with 1. Readers that take them for places in a list miss by one.
    """
    if any(0 in indices for indices in found.by_dimension):
        zero = [number for number, indices in found.frames if 0 in indices]
        yield found.problem("has an index 0, wanted 1 or more", zero)


ZERO = table_rule(
    "dimension-index-zero",
    section="C.7.6.17.1",
    severity=Severity.ERROR,
    good=[_instance([_STACK, _PLACE], _frame(1, 1), _frame(1, 2))],
    bad=[_instance([_STACK, _PLACE], _frame(1, 0), _frame(1, 1))],
)(_zero)


def _holes(found: Indices) -> Iterator[Problem]:
    """The indices of a dimension do not run from 1 without holes.

    They may run over several instances of one Dimension Organization; in an instance by itself frames are missing.
    """
    for dimension, indices in zip(found.dimensions, found.by_dimension, strict=True):
        used = set(indices) - {0}
        missing = max(used, default=0) - len(used)
        if missing:
            path = dimension.path_of("DimensionIndexPointer")
            yield Problem(path, f"has indices from {min(used)} to {max(used)}, of those from 1 on {missing} unused")


HOLES = table_rule(
    "dimension-index-holes",
    section="C.7.6.17.1",
    severity=Severity.NOTE,
    good=[_instance([_STACK, _PLACE], _frame(1, 2), _frame(1, 1))],
    bad=[_instance([_STACK, _PLACE], _frame(1, 1), _frame(1, 3)), _instance([_STACK], _frame(2))],
)(_holes)


def _repeated(found: Indices) -> Iterator[Problem]:
    """Frames have all indices in common with an earlier one.

    The Standard provides for it, and leaves the order of such frames open.
    """
    if len({indices for _, indices in found.frames}) == len(found.frames):
        return
    met: set[tuple[int, ...]] = set()
    again = []
    for number, indices in found.frames:
        if indices in met:
            again.append(number)
        met.add(indices)
    if again:
        yield found.problem("is that of an earlier frame", again)


REPEATED = table_rule(
    "dimension-index-repeated",
    section="C.7.6.17",
    severity=Severity.NOTE,
    good=[_instance([_STACK, _PLACE], _frame(1, 1), _frame(1, 2))],
    bad=[_instance([_STACK, _PLACE], _frame(1, 1), _frame(1, 2), _frame(1, 1))],
)(_repeated)


def _disagrees(found: Indices) -> Iterator[Problem]:
    """Frames with the same index in a dimension have other values of the Attribute that it indexes.

    Such values should nominally be the same; what that is, the creator decides. Sorted by this index, the frames are
    not in the order of their values.
    """
    for at, dimension in enumerate(found.dimensions[:MOST_COMPARED]):
        attribute, group = dimension.integer("DimensionIndexPointer"), dimension.integer("FunctionalGroupPointer")
        if attribute is None or group is None:
            continue
        if len(set(found.by_dimension[at])) == len(found.frames):
            continue
        fields = frame_fields(found.header, group, attribute)
        if fields is None:
            continue
        differing = fields.differing((indices[at], number) for number, indices in found.frames)
        if differing:
            told = f"has the same index as an earlier frame, and another {name_of(attribute)}"
            yield found.problem(told, differing)


DISAGREES = table_rule(
    "dimension-index-disagrees",
    section="C.7.6.17.1",
    severity=Severity.NOTE,
    good=[
        _instance([_POSITION], _at("0", 1), _at("1.0", 2), _at("1", 2), _at("1.004", 2)),
        _instance([_STACK], _frame(1, StackID="A"), _frame(1, StackID="A ")),
    ],
    bad=[_instance([_POSITION], _at("0", 1), _at("1", 2), _at("2", 2))],
)(_disagrees)
