"""Where an instance names other instances, and where it lists them (PS3.3 C.7.6.16.2.5, C.7.6.16.2.6 and C.12.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rules.dictionary import tag_of
from rules.frames import PER_FRAME, SHARED
from rules.header import Header, Stencil

SERIES, OTHER_STUDIES = "ReferencedSeriesSequence", "StudiesContainingOtherReferencedInstancesSequence"
_UID, _CLASS = tag_of("ReferencedSOPInstanceUID"), tag_of("ReferencedSOPClassUID")
_IN_FRAMES: tuple[tuple[str, ...], ...] = (
    ("ReferencedImageSequence",),
    ("DerivationImageSequence", "SourceImageSequence"),
    ("ConversionSourceAttributesSequence",),
)
_AT_ROOT: tuple[tuple[str, ...], ...] = (
    ("ReferencedImageSequence",),
    ("SourceImageSequence",),
    ("ReferencedInstanceSequence",),
)


@dataclass(frozen=True, slots=True)
class Naming:
    """A place that names instances: one Item, or the same one in all Items of a Stencil.

    `uids` and `classes` are the distinct UIDs with the numbers of the Items that have them. `source` tells whether it
    names what something was derived from.
    """

    place: Header
    stencil: Stencil | None
    uids: Mapping[bytes, Sequence[int]]
    classes: Mapping[bytes, Sequence[int]]
    source: bool = False

    def path(self, number: int, name: str | int = _UID) -> str:
        """The path of an Attribute here in an Item of the Stencil, by default the Referenced SOP Instance UID."""
        path = self.place.path_of(name)
        if self.stencil is None:
            return path
        before = self.stencil.exemplar.path
        return f"{before.rpartition('[')[0]}[{number}]{path[len(before) :]}"

    def fields(self, name: str | int) -> Mapping[bytes, Sequence[int]]:
        """The distinct value fields of an Attribute here, with the numbers of the Items that have them."""
        return _fields(self.place, self.stencil, name)

    def class_of(self) -> dict[int, bytes]:
        """The SOP Class by number of the Item."""
        return {number: each for each, numbers in self.classes.items() for number in numbers}


def namings(header: Header) -> tuple[Naming, ...]:
    """Where the image and its frames name instances."""
    places: list[tuple[Header, Stencil | None, tuple[tuple[str, ...], ...]]] = [(header, None, _AT_ROOT)]
    places += [(shared, None, _IN_FRAMES) for shared in header.items(SHARED)[:1]]
    places += [(stencil.exemplar, stencil, _IN_FRAMES) for stencil in header.stencils(PER_FRAME)]
    return tuple(
        _naming(item, within, sequences)
        for place, stencil, all_sequences in places
        for sequences in all_sequences
        for item, within in _items(place, stencil, sequences)
    )


@dataclass(frozen=True, slots=True)
class Listed:
    """What the Common Instance Reference Module lists: of this Study, and of others."""

    here: tuple[Naming, ...]
    elsewhere: tuple[Naming, ...]


def listed(header: Header) -> Listed:
    """What is listed of this Study and of others."""
    others = tuple(each for study in header.items(OTHER_STUDIES) for each in _of_series(study))
    return Listed(tuple(_of_series(header)), others)


def uids_of(namings: Sequence[Naming]) -> set[bytes]:
    """All SOP Instance UIDs that are named."""
    return {uid for each in namings for uid in each.uids}


def _of_series(place: Header) -> Iterator[Naming]:
    for series in place.items(SERIES):
        for stencil in series.stencils("ReferencedInstanceSequence"):
            yield _naming(stencil.exemplar, stencil, ())


def _items(place: Header, stencil: Stencil | None, sequences: Sequence[str]) -> Iterator[tuple[Header, Stencil | None]]:
    """The Items that a path of Sequences leads to, many of one structure as one with their Stencil."""
    found: list[tuple[Header, Stencil | None]] = []
    if stencil is not None:
        found += [(item, stencil) for item in place.items(sequences[0])]
    else:
        found += [(each.exemplar, each if len(each.numbers) > 1 else None) for each in place.stencils(sequences[0])]
    for item, within in found:
        if len(sequences) == 1:
            yield item, within
        else:
            yield from _items(item, within, sequences[1:])


def _naming(item: Header, stencil: Stencil | None, sequences: Sequence[str]) -> Naming:
    source = "SourceImageSequence" in sequences
    return Naming(item, stencil, _uids(item, stencil, _UID), _uids(item, stencil, _CLASS), source)


def _uids(item: Header, stencil: Stencil | None, tag: int) -> dict[bytes, list[int]]:
    fields = _fields(item, stencil, tag)
    found = {raw.rstrip(b" \0"): numbers for raw, numbers in fields.items()}
    if len(found) == len(fields) and b"" not in found:
        return found
    found = {}
    for raw, numbers in fields.items():
        uid = raw.rstrip(b" \0")
        if uid:
            found.setdefault(uid, numbers)
            if found[uid] is not numbers:
                found[uid] = sorted({*found[uid], *numbers})
    return found


def _fields(item: Header, stencil: Stencil | None, name: str | int) -> dict[bytes, list[int]]:
    return {item.raw(name) or b"": [0]} if stencil is None else stencil.column_at(item, name) or {}
